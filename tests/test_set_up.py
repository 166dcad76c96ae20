"""The set-up: which installer settings it keeps, and when it builds .venv again."""

import re

import pytest

from neo_utils.set_up import clean_environment, pip_settings
from neo_utils.settings import PROJECT
from tests.clones import clone_into, run

LISTED = r"""
:env:.user='1'
global.index-url='https://company.example/simple'
global.extra-index-url='\nhttps://a.example\nhttps://b.example'
global.proxy='http://proxy.example:3128'
install.target='/somewhere'
install.index-url='https://install.example/simple'
download.dest='/elsewhere'
"""


def test_pip_settings_of_a_command_override_the_global_ones():
    settings = pip_settings(LISTED)
    assert settings["index-url"] == "https://install.example/simple"
    assert settings["extra-index-url"] == "\nhttps://a.example\nhttps://b.example"
    assert "dest" not in settings


def test_installers_get_index_and_proxy_but_no_other_place_to_install_to():
    user = {
        "PATH": "/bin",
        "PIP_USER": "1",
        "PIP_CONFIG_FILE": "/home/user/pip.conf",
        "UV_TARGET": "/somewhere",
        "UV_CONFIG_FILE": "/home/user/uv.toml",
        "UV_INDEX_COMPANY_PASSWORD": "of the index",
        "PYTHONPATH": "/somewhere",
        "PYTHONHOME": "/somewhere",
        "VIRTUAL_ENV": "/somewhere",
        "SSL_CERT_FILE": "/certificates",
    }
    clean = clean_environment(user, pip_settings(LISTED))
    assert "/somewhere" not in clean.values()
    assert clean == {
        "PATH": "/bin",
        "SSL_CERT_FILE": "/certificates",
        "UV_INDEX_COMPANY_PASSWORD": "of the index",
        "UV_DEFAULT_INDEX": "https://install.example/simple",
        "ALL_PROXY": "http://proxy.example:3128",
        "PIP_INDEX_URL": "https://install.example/simple",
        "PIP_EXTRA_INDEX_URL": "\nhttps://a.example\nhttps://b.example",
        "PIP_PROXY": "http://proxy.example:3128",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_uv_settings_override_those_of_pip():
    own = {"UV_DEFAULT_INDEX": "https://uv.example/simple"}
    assert clean_environment(own, pip_settings(LISTED)).items() >= own.items()


@pytest.fixture
def clone(tmp_path):
    """A clone whose .venv is this one's, so nothing has to be installed."""
    clone = clone_into(tmp_path)
    (clone / ".venv").mkdir()
    for name in ("bin", "lib", "share", "pyvenv.cfg"):
        (clone / ".venv" / name).symlink_to(PROJECT / ".venv" / name)
    (clone / ".venv/.ready").write_text(str((clone / ".venv").resolve()))
    return clone


def test_usable_venv_is_used(clone):
    assert "set_up.py" not in run(clone, "make", "--dry-run", "plan").stdout


def test_moved_venv_is_set_up_again(clone):
    (clone / ".venv/.ready").write_text("/where/it/was/.venv")
    planned = run(clone, "make", "--dry-run", "plan").stdout
    assert planned.startswith(".venv was moved, or its Python is gone: it is set up again\n")
    assert "set_up.py run" in planned


def test_venv_without_its_python_is_set_up_again(clone):
    (clone / ".venv/bin").unlink()
    (clone / ".venv/bin").mkdir()
    (clone / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert "set_up.py run" in run(clone, "make", "--dry-run", "plan").stdout


def test_targets_run_one_after_the_other_also_with_many_jobs(clone):
    ran = run(
        clone, "make", "-j8", "fetch", "aggregate", "END=20", "MASTER=duckdb", "SOURCE=sample"
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.index("fetched ") < ran.stdout.index("approaches ")


def test_every_package_that_builds_is_locked_by_hash():
    lock = (PROJECT / "requirements-build.lock").read_text()
    for name in ("hatchling", "setuptools", "packaging", "uv"):
        assert re.search(rf"^{name}==.*\\\n    --hash=sha256:", lock, re.MULTILINE), name
    assert "://" not in lock
    for file in ("Makefile", "Dockerfile", "neo_utils/set_up.py"):
        text = (PROJECT / file).read_text()
        assert text.count("--no-build-isolation") == (file != "Makefile") * 1, file


def test_checkout_on_windows_has_unix_line_endings():
    attributes = (PROJECT / ".gitattributes").read_text()
    assert "* text=auto eol=lf" in attributes
