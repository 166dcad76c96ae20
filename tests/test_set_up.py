"""``make setup`` with a user's own installer settings, and with a broken .venv."""

import hashlib
import io
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from neo_utils.set_up import clean_environment, merged_settings
from neo_utils.settings.folders import PROJECT
from tests.clones import clone_into, run
from tests.cluster import KEY_OF_MAKE

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
MADE_AGAIN = ".venv was moved, or its Python is missing: setting it up again\n"
# Replaces PySpark, which is also built from source but takes a minute.
SOURCES = {
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
    '[project]\nname = "tiny"\nversion = "1"\n',
    "PKG-INFO": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
    "tiny.py": "",
}
ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "UV_TARGET", "UV_PROJECT_ENVIRONMENT")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return a folder with a source package, used like a company's package index."""
    folder = tmp_path_factory.mktemp("sources")
    with tarfile.open(folder / "tiny-1.tar.gz", "w:gz") as archive:
        for name, text in SOURCES.items():
            member = tarfile.TarInfo(f"tiny-1/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return folder


def small_clone(folder, sources):
    """Return a clone that locks only that package and the build requirements."""
    clone = clone_into(folder / "clone")
    digest = hashlib.sha256((sources / "tiny-1.tar.gz").read_bytes()).hexdigest()
    (clone / "requirements.lock").write_text(f"tiny==1 \\\n    --hash=sha256:{digest}\n")
    return clone


@pytest.fixture
def clone(tmp_path, sources):
    return small_clone(tmp_path, sources)


def links(sources):
    return {"PIP_FIND_LINKS": f"{sources} {os.environ.get('PIP_FIND_LINKS', '')}"}


def installed(clone):
    return run(clone, ".venv/bin/python", "-Ic", "import tiny, neo_utils").returncode == 0


def foreign_settings(folder):
    """Return a user's environment in which pip and uv install elsewhere or nothing."""
    for name, text in {
        "pip/pip.conf": "[global]\nno-deps = true\n[install]\nuser = true\nno-binary = :all:\n",
        "uv/uv.toml": 'no-binary = [":all:"]\n[pip]\ntarget = "elsewhere"\n',
        "python/sitecustomize.py": "raise SystemExit('foreign Python code')\n",
    }.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    shutil.copy(folder / "uv/uv.toml", folder)  # uv also looks in the folders above the project
    return {
        **{name: str(folder / "elsewhere") for name in ELSEWHERE},
        "XDG_CONFIG_HOME": str(folder),
        "UV_CONFIG_FILE": str(folder / "uv.toml"),
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_DRY_RUN": "1",
        "UV_SYSTEM_PYTHON": "1",
        "UV_NO_BINARY": "1",
        "PYTHONHOME": str(folder),
        "PYTHONPATH": str(folder / "python"),
        "VIRTUAL_ENV": str(folder / "other"),
        "CONDA_PREFIX": str(folder / "conda"),
    }


@pytest.fixture(scope="module")
def set_up(tmp_path_factory, sources):
    """Set up a clone among these settings."""
    folder = tmp_path_factory.mktemp("set-up")
    clone = small_clone(folder, sources)
    ran = run(clone, "make", "setup", **foreign_settings(folder), **links(sources))
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return clone


@pytest.mark.slow
def test_installs_into_venv_despite_the_users_settings(set_up):
    assert installed(set_up)
    assert not (set_up.parent / "elsewhere").exists()
    assert run(set_up, "make", "setup").stdout == "make: Nothing to be done for 'setup'.\n"


def change_lock(clone, name, hashes):
    """Change the hashes of a build requirement, or remove it from its lock."""
    lock = clone / "requirements-build.lock"
    pin = re.search(rf"^{name}==.*(\n +--hash=.*)+\n", lock.read_text(), re.MULTILINE)[0]
    changed = re.sub("sha256:[0-9a-f]+", f"sha256:{hashes}", pin) if hashes else ""
    lock.write_text(lock.read_text().replace(pin, changed))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "hashes"), [("setuptools", "0" * 64), ("hatchling", "")])
def test_rejects_a_build_requirement_that_differs_from_the_lock(clone, sources, name, hashes):
    change_lock(clone, name, hashes)
    ran = run(clone, "make", "setup", **links(sources))
    assert ran.returncode == 2
    assert name in ran.stderr
    assert not (clone / ".venv/.ready").exists()


@pytest.mark.slow
def test_sets_up_a_moved_folder_again(set_up, sources, tmp_path):
    clone = shutil.copytree(set_up, tmp_path / "moved", symlinks=True)
    ran = run(clone, "make", "setup", **links(sources))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(MADE_AGAIN)
    assert installed(clone)
    assert run(clone, ".venv/bin/pip", "--version").returncode == 0


def without_python(venv):
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/usr/bin/a-removed-python")


def of_another_python(venv):
    (venv / "lib/python3.1").mkdir()
    for folder in venv.glob("lib/python3.??"):
        folder.rename(venv / "lib/python3.2")


def incomplete(venv):
    (venv / ".ready").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("breaks", [without_python, of_another_python, incomplete])
def test_sets_up_a_broken_venv_again(set_up, tmp_path, breaks):
    venv, kept = set_up / ".venv", tmp_path / "venv"
    shutil.copytree(venv, kept, symlinks=True)
    breaks(venv)
    ran = run(set_up, "make", "--dry-run", "setup")
    shutil.rmtree(venv)
    kept.rename(venv)
    assert (MADE_AGAIN.strip() in ran.stdout) == (breaks is not incomplete)
    assert "set_up.py run" in ran.stdout


def test_keeps_indexes_certificates_and_proxies_of_pip_for_both_installers():
    listed = r"""
:env:.default-timeout='60'
global.cert='/company.pem'
global.index-url='https://global.example/simple'
global.no-deps='true'
global.timeout='5'
global.extra-index-url='https://a.example\nhttps://b.example'
install.index-url='https://install.example/simple'
install.trusted-host='install.example'
install.user='true'
"""
    environment = clean_environment({"PATH": "/bin"}, merged_settings(listed))
    assert environment == {
        "PATH": "/bin",
        "PIP_CERT": "/company.pem",
        "SSL_CERT_FILE": "/company.pem",
        "PIP_INDEX_URL": "https://install.example/simple",
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://a.example https://b.example",
        "UV_INDEX": "https://a.example https://b.example",
        "PIP_TRUSTED_HOST": "install.example",
        "UV_INSECURE_HOST": "install.example",
        "PIP_TIMEOUT": "60",
        "UV_HTTP_TIMEOUT": "60",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "PIP_CONFIG_FILE": "/dev/null",
        "UV_NO_CONFIG": "1",
    }


def test_uv_uses_its_own_indexes_rather_than_those_of_pip():
    kept = {"UV_DEFAULT_INDEX": "https://uv.example", "HTTPS_PROXY": "http://proxy"}
    of_pip = {"index-url": "https://pip.example", "find-links": "a b"}
    environment = clean_environment(kept | {"UV_TARGET": "x"}, of_pip)
    assert environment.items() >= kept.items()
    assert environment["PIP_INDEX_URL"] == "https://pip.example"
    assert not {"UV_FIND_LINKS", "UV_TARGET"} & set(environment)


def test_installers_do_not_receive_the_api_key():
    assert "canary" not in "".join(clean_environment(KEY_OF_MAKE, {}).values())


@pytest.mark.slow
def test_unreadable_pip_configuration_fails_with_one_line(set_up, tmp_path):
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip/pip.conf").write_text("no section\n")
    command = (".venv/bin/python", "-I", "neo_utils/set_up.py", "tools")
    ran = run(set_up, *command, XDG_CONFIG_HOME=str(tmp_path))
    assert ran.returncode == 1
    assert "pip's configuration cannot be read (" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_rejects_a_project_folder_that_pip_cannot_name(tmp_path):
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/neo-\xff"))
    (folder / "neo_utils").mkdir(parents=True)
    shutil.copy(PROJECT / "neo_utils/set_up.py", folder / "neo_utils")
    ran = run(folder, sys.executable, "-I", "neo_utils/set_up.py", "run")
    assert ran.returncode == 1
    assert "name is not UTF-8" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("python", ["/nope", "false"])
def test_reports_an_unusable_python(tmp_path, python):
    shutil.copy(PROJECT / "Makefile", tmp_path)
    for lock in ("requirements.lock", "requirements-build.lock"):
        (tmp_path / lock).touch()
    ran = run(tmp_path, "make", "setup", f"PYTHON={python}")
    assert f"PYTHON={python} is not Python 3.11 or newer" in ran.stderr.splitlines()[0]


def test_all_locks_have_the_same_build_requirements():
    run_lock, dev, build = (
        set(re.findall(r"^\S+==\S+", (PROJECT / name).read_text(), re.M)) for name in LOCKS
    )
    names = {pin.partition("==")[0] for pin in build}
    assert {"hatchling", "editables", "setuptools"} <= names
    for lock in (run_lock, dev):
        assert {pin for pin in lock if pin.partition("==")[0] in names} <= build


@pytest.mark.slow
def test_make_j_runs_targets_in_order(tmp_path):
    given = ("START=1", "END=20", "MASTER=duckdb", f"OUTPUT_DIR={tmp_path / 'output'}")
    ran = run(PROJECT, "make", "-j8", "fetch", "aggregate", *given, SOURCE="sample")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "output/aggregations/batches-1-20").is_dir()


def test_text_files_have_unix_lines_in_every_checkout(tmp_path):
    clone = clone_into(tmp_path)
    for words in (["init", "--quiet"], ["add", "."]):
        assert run(clone, "git", *words).returncode == 0
    files = run(clone, "git", "ls-files", "--eol").stdout.splitlines()
    assert len(files) > 100
    assert [file for file in files if "eol=lf" not in file and "attr/-text" not in file] == []
