"""Time a set-up from a fresh clone to the first result.

``empty cache`` starts with an empty cache of uv, and ``warm cache`` with the one that the first
set-up filled. ``pip`` installs the same lock file with an empty cache of its own. The packages come
from the index that this machine is configured to use.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.commands import make_run, measured, run
from benchmarks.machine import timed
from benchmarks.summary import Rows
from neo_utils.settings.folders import PROJECT

SET_UP = "set-up"
FIRST_RUN = "first run of 200 NEOs of the sample"


def set_up() -> Rows:
    """Return a row for every part of a set-up, in clones of the last commit; takes 4 GB of disk."""
    with tempfile.TemporaryDirectory(prefix="set-up-") as name:
        folder = Path(name)
        caches = {"UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}
        environment = {**os.environ, **caches}
        rows = _with_make(folder / "first", "empty cache", environment)
        rows += _with_make(folder / "second", "warm cache", environment)
        pip_s = _pip_s(folder / "second", environment)
        return [*rows, {"task": SET_UP, "tool": "pip, empty cache", "wall_s": pip_s}]


def _with_make(clone: Path, tool: str, environment: dict[str, str]) -> Rows:
    run("git", "clone", "--quiet", PROJECT, clone)
    set_up_s = timed(lambda: run("make", "setup", cwd=clone, env=environment))["wall_s"]
    # Also waits until the archive of Spark's classes is complete, so the next measurement is not
    # disturbed. The run itself does not wait, so only its elapsed time is meaningful.
    with measured() as first_run:
        make_run(clone, environment)
    return [
        {"task": SET_UP, "tool": tool, "wall_s": set_up_s},
        {"task": FIRST_RUN, "tool": tool, "wall_s": first_run["wall_s"]},
    ]


def _pip_s(clone: Path, environment: dict[str, str]) -> float:
    shutil.rmtree(clone / ".venv")
    run(sys.executable, "-m", "venv", clone / ".venv")
    install = (clone / ".venv/bin/pip", "install", "-qq", "--require-hashes", "--requirement")
    return timed(lambda: run(*install, clone / "requirements.lock", env=environment))["wall_s"]
