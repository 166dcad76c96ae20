"""Create .venv and install the locked packages, independent of the user's pip and uv settings.

``python neo_utils/set_up.py run`` installs what a run needs, ``tools`` also what tests and checks
need; ``bench`` and ``mutants`` add a dependency group. It runs before any package is installed, so
it imports the standard library only.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": "requirements.lock", "tools": "requirements-dev.lock"}
BUILD_LOCK = "requirements-build.lock"
MARKS = {"run": ".ready", "tools": ".tools"}

# Pip settings that a company network needs, each with the equivalent variable of uv. All others
# (target, user, prefix, constraints, ...) would change what is installed, or where.
_UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "no-index": "UV_NO_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "cache-dir": "",  # the formats differ
    "keyring-provider": "",  # uv supports only the program
}
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
_KEPT_OF_UV = re.compile(
    "UV_(DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INSECURE_HOST|NATIVE_TLS|OFFLINE"
    "|SYSTEM_CERTS|HTTP_.*|REQUEST_TIMEOUT|CONCURRENT_.*|CACHE_DIR|LINK_MODE|KEYRING_PROVIDER)"
)
# make's variables contain its command line, which may include NASA's key.
_FOREIGN = re.compile(
    "(PIP|UV|CONDA|HATCH|SETUPTOOLS|DISTUTILS)_.*|PYTHON.*|VIRTUAL_ENV.*"
    "|__PYVENV_LAUNCHER__|API_KEY|MAKEFLAGS|MFLAGS|MAKEOVERRIDES"
)


def clean_environment(user: Mapping[str, str], of_pip: Mapping[str, str]) -> dict[str, str]:
    """Return the user's environment for pip and uv, without variables that change the installation.

    Parameters
    ----------
    of_pip
        The user's pip settings by name, such as ``index-url``; see `merged_settings`.
    """
    clean = {name: value for name, value in user.items() if not _FOREIGN.fullmatch(name)}
    uv = {name: value for name, value in user.items() if value and _KEPT_OF_UV.fullmatch(name)}
    has_indexes = any(name in uv for name in _INDEXES)
    for name, uv_name in _UV_NAMES.items():
        if value := of_pip.get(name):
            clean[f"PIP_{name.replace('-', '_').upper()}"] = value
            if uv_name and not (has_indexes and uv_name in (*_INDEXES, "UV_NO_INDEX")):
                uv.setdefault(uv_name, ",".join(value.split()) if name == "find-links" else value)
    # Like pip. Otherwise the first index hides newer versions in the others. Hashes protect both.
    uv.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return uv | clean | {"PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}


def merged_settings(listed: str) -> dict[str, str]:
    """Return pip's settings by name from the output of ``pip config list``.

    The environment overrides the section of a command, and that overrides ``global``.
    """
    lines = [line.partition("=") for line in listed.splitlines()]
    settings = {}
    for section in ("global", "install", ":env:"):
        for key, _, value in lines:
            if key.startswith(f"{section}."):
                name = key.removeprefix(f"{section}.").removeprefix("default-")
                settings[name] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def install(what: str) -> None:
    """Install the packages of one purpose: a key of `LOCKS`, or a dependency group.

    Raises
    ------
    subprocess.CalledProcessError
        If an installer fails; it has printed the reason.
    """
    if not (PYTHON.exists() and (VENV / MARKS["run"]).exists()):
        if VENV.is_file() or not VENV.exists():  # also a broken link
            VENV.unlink(missing_ok=True)
        print("setting up .venv (about a minute, once) ...", flush=True)
        _run(sys.executable, "-I", "-m", "venv", "--clear", str(VENV))
    command = [str(PYTHON), "-I", "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if listed.returncode:
        reason = (listed.stderr.strip() or listed.stdout.strip()).splitlines()[-1]
        raise OSError(f"pip's configuration cannot be read ({reason}). Fix that file")
    environment = clean_environment(os.environ, merged_settings(listed.stdout))
    uv = [str(VENV / "bin" / "uv"), "--quiet", "pip"]
    to_venv = ["--python", str(PYTHON), "--no-build-isolation"]
    if what not in LOCKS:
        _run(*uv, "install", *to_venv, "--group", what, environment=environment)
        return
    (VENV / MARKS[what]).unlink(missing_ok=True)
    # Packages are built with the locked requirements in .venv. An isolated build would download
    # any version of them.
    locked = ["--require-hashes", "-r", BUILD_LOCK]
    _run(str(PYTHON), "-I", "-m", "pip", "-qq", "install", *locked, environment=environment)
    sync = [*uv, "sync", *to_venv, "--require-hashes"]
    _run(*sync, BUILD_LOCK, LOCKS[what], environment=environment)
    editable = ["install", *to_venv, "--no-deps", "--editable", "."]
    _run(*uv, *editable, environment=environment)
    (VENV / MARKS[what]).write_text(str(VENV.resolve()))


def _run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, cwd=PROJECT, env=environment, check=True)  # noqa: S603 - no shell


def main(what: str) -> int:
    """Install, and return the exit status; a failure adds one line to the installer's output."""
    try:
        str(PROJECT).encode()
    except UnicodeEncodeError:
        print(
            "The set-up failed: the project folder's name is not UTF-8, which pip cannot use. "
            "Nothing was changed. Rename or move the folder",
            file=sys.stderr,
        )
        return 1
    try:
        install(what)
    except (subprocess.CalledProcessError, OSError) as error:
        print(
            f"The set-up failed: {error}. Nothing outside .venv was changed. Run the same command "
            "again once the cause is repaired, or remove .venv first. Set the index, certificates "
            "and proxy in pip's settings, or in UV_DEFAULT_INDEX, SSL_CERT_FILE and HTTPS_PROXY",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
