"""How long it takes from a fresh clone to the first result.

``nothing kept`` begins with an empty cache of uv, ``the next checkout`` with what the first one
left there, and ``pip`` installs the same lock file with an empty cache of its own. The packages
come from wherever this machine takes them.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.commands import make_run, measured, run
from neo_utils.settings.folders import PROJECT

SET_UP = "set-up"
FIRST_RUN = "first run of 200 NEOs, of the sample"


def set_up() -> list[dict[str, Any]]:
    """Return a row for every part of a set-up, of clones of the last commit; 4 GB of disk."""
    with tempfile.TemporaryDirectory(prefix="set-up-") as folder:
        here = Path(folder)
        caches = {"UV_CACHE_DIR": str(here / "uv"), "PIP_CACHE_DIR": str(here / "pip")}
        environment = {**os.environ, **caches}
        rows = _by_make(here / "first", "nothing kept", environment)
        rows += _by_make(here / "second", "the next checkout", environment)
        return [*rows, _by_pip(here / "second", "pip, nothing kept", environment)]


def _by_make(clone: Path, who: str, environment: dict[str, str]) -> list[dict[str, Any]]:
    run("git", "clone", "--quiet", PROJECT, clone)
    began = time.perf_counter()
    run("make", "setup", cwd=clone, env=environment)
    rows = [{"what": SET_UP, "who": who, "wall_s": time.perf_counter() - began}]
    # Until the archive of Spark's classes is made, too: what comes next is then measured alone. But
    # the run does not wait for it, so that its processor time and memory are not the run's.
    with measured() as first_run:
        make_run(clone, environment)
    return [*rows, {"what": FIRST_RUN, "who": who, "wall_s": first_run["wall_s"]}]


def _by_pip(clone: Path, who: str, environment: dict[str, str]) -> dict[str, Any]:
    shutil.rmtree(clone / ".venv")
    run(sys.executable, "-m", "venv", clone / ".venv")
    locked = clone / "requirements.lock"
    began = time.perf_counter()
    run(
        *(clone / ".venv/bin/pip", "install", "-qq", "--require-hashes", "--requirement", locked),
        env=environment,
    )
    return {"what": SET_UP, "who": who, "wall_s": time.perf_counter() - began}
