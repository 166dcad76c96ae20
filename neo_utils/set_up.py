"""Create .venv and install the locked packages, independent of the user's pip and uv settings.

``python neo_utils/set_up.py run`` installs what a run needs, ``tools`` also what tests and checks
need; ``bench`` and ``mutants`` add a dependency group. It runs before any package is installed, so
it imports the standard library only.
"""

import ast
import os
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

# Settings that a company network needs. All others (target, user, prefix, constraints, ...) would
# install something else, or somewhere else.
_KEPT_OF_PIP = (
    *("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "cert"),
    *("client-cert", "proxy", "timeout", "default-timeout", "retries", "cache-dir"),
)
_KEPT_OF_UV = (
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CACHE_DIR"),
    *("UV_HTTP_TIMEOUT", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_SYSTEM_CERTS", "UV_OFFLINE"),
    *("UV_LINK_MODE", "UV_KEYRING_PROVIDER"),
)
# What uv has no value for is taken from pip's settings.
_UV_NAME_OF_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
_FOREIGN = ("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "CONDA_", "MAKEFLAGS", "MAKEOVERRIDES")


def clean_environment(user: Mapping[str, str], pip_settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for pip and uv: the user's, without what changes the installation.

    Parameters
    ----------
    user
        The user's environment.
    pip_settings
        The user's pip settings by name, such as ``index-url``; see `pip_settings`.
    """
    clean = {name: value for name, value in user.items() if not name.startswith(_FOREIGN)}
    # UV_INDEX_<NAME>_USERNAME and _PASSWORD are credentials; UV_INDEX_URL is an older name.
    is_kept = {n for n in user if n in _KEPT_OF_UV or n.startswith("UV_INDEX_")}
    clean |= {name: user[name] for name in is_kept}
    for name in _KEPT_OF_PIP:
        if name in pip_settings:
            clean["PIP_" + name.upper().replace("-", "_")] = pip_settings[name]
    if "UV_INDEX_URL" not in clean:
        for name, uv_name in _UV_NAME_OF_PIP.items():
            if pip_settings.get(name):
                clean.setdefault(uv_name, pip_settings[name])
    return clean | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def pip_settings(listed: str) -> dict[str, str]:
    r"""Return pip's settings by name from what ``pip config list`` prints.

    The environment overrides the sections of a command, and these override ``global``.

    Examples
    --------
    >>> pip_settings("global.index-url='https://a/simple'\n:env:.index-url='https://b/simple'")
    {'index-url': 'https://b/simple'}
    """
    ranked: list[tuple[int, str, str]] = []
    for line in listed.splitlines():
        key, separator, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if separator and section in ("global", "install", ":env:"):
            rank = ("global", "install", ":env:").index(section)
            ranked.append((rank, name, str(ast.literal_eval(value))))
    return {name: value for _, name, value in sorted(ranked)}


def install(what: str) -> None:
    """Install the packages of one purpose: a key of `LOCKS`, or a dependency group.

    Raises
    ------
    subprocess.CalledProcessError
        If an installer fails; it has printed the reason.
    """
    if not (PYTHON.exists() and (VENV / MARKS["run"]).exists()):
        print("setting up .venv (about a minute, once) ...", flush=True)
        _run(sys.executable, "-I", "-m", "venv", "--clear", str(VENV))
    asked = [str(PYTHON), "-I", "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    environment = clean_environment(os.environ, pip_settings(listed.stdout))
    uv = [str(VENV / "bin" / "uv"), "--quiet", "--no-config", "pip"]
    to_venv = ["--python", str(PYTHON), "--no-build-isolation"]
    if what not in LOCKS:
        _run(*uv, "install", *to_venv, "--group", what, environment=environment)
        return
    (VENV / MARKS[what]).unlink(missing_ok=True)
    # Packages that have to be built find their build requirements in .venv, where they were
    # installed by their hashes. An isolated build would download any version.
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
    """Install, and return the exit status; a failure is one line after the installer's own."""
    try:
        install(what)
    except (subprocess.CalledProcessError, OSError) as error:
        print(
            f"The set-up failed: {error}. Nothing outside .venv was changed. Check the lines above,"
            " and run the same command again. Index, certificates and proxy are taken from pip's"
            " settings, or from UV_DEFAULT_INDEX, SSL_CERT_FILE and HTTPS_PROXY",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
