"""How long the whole of it takes, from a command to its end: the project, and the obvious way.

``obvious/`` holds two notebooks as most would write them first: requests one after the other,
``json``, pandas, a SparkSession as it comes. Both ways fetch the same 200 NEOs from the sample on a
loopback port, which takes ``answer_s`` to answer, count and plot them.
"""

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.fetching import KEY, served
from neo_utils.settings import PROJECT

_BIN = Path(sys.executable).parent
_SUBREAPER = 36  # prctl's: what a killed kernel leaves behind, its Java, is then ours to count


def by_project(url: str, output: Path, master: str = "local[*]") -> None:
    """Run what ``make run`` runs."""
    _run(
        *("make", "run", "START=1", "END=200", f"API_URL={url}", f"OUTPUT_DIR={output}"),
        f"MASTER={master}",
    )


def by_project_on_duckdb(url: str, output: Path) -> None:
    """Run it without Spark."""
    by_project(url, output, "duckdb")


def the_obvious_way(url: str, output: Path) -> None:
    """Run the two notebooks by two commands."""
    for name, more in (("fetch", ["-p", "api_url", url]), ("aggregate", [])):
        notebook = PROJECT / f"benchmarks/obvious/{name}.ipynb"
        values = ["-p", "output_dir", output / "data", *more]
        _run(_BIN / "papermill", "--no-progress-bar", notebook, output / f"{name}.ipynb", *values)


WAYS: dict[str, Callable[[str, Path], None]] = {
    "project": by_project,
    "project, MASTER=duckdb": by_project_on_duckdb,
    "two papermill commands": the_obvious_way,
}


def pipeline(repeats: int = 3, answer_s: float = 0.5) -> list[dict[str, Any]]:
    """Return a row for every way and repeat, of a first run and of the same command again."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    # What the first count on a machine makes in the background: a run that is set up has it.
    subprocess.run([sys.executable, "-m", "neo_utils.warm_start"], cwd=PROJECT, check=True)
    rows = []
    with served(answer_s, prepared=10) as url:
        for who, way in [*WAYS.items()] * repeats:
            with tempfile.TemporaryDirectory() as output:
                for what in ("200 NEOs, first run", "200 NEOs, the same again"):
                    times = _times(way, url, Path(output))
                    rows.append({"what": what, "who": who, **times})
    return rows


def _times(way: Callable[[str, Path], None], url: str, output: Path) -> dict[str, Any]:
    others, cpu_s, wall_s = _children(), _cpu_s(), time.perf_counter()
    way(url, output)
    wall_s = time.perf_counter() - wall_s
    # A Java may end a second after the command. It belongs to this one, and must not slow the next.
    while _children() - others:
        time.sleep(0.05)
    return {"wall_s": wall_s, "cpu_s": _cpu_s() - cpu_s, "peak_mb": None}


def _children() -> set[str]:
    """Return our processes, those that a command has left to us among them, that have not ended."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                break
        except ChildProcessError:
            break
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def _cpu_s() -> float:
    """Return the processor time of all processes that we started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(*command: object) -> None:
    environment = {**os.environ, "API_KEY": KEY, "MAKEFLAGS": "", "MAKELEVEL": ""}
    words = [str(word) for word in command]
    ran = subprocess.run(words, cwd=PROJECT, env=environment, capture_output=True, text=True)  # noqa: S603
    if ran.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{ran.stdout}{ran.stderr}")
