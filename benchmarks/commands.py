"""What a command costs together with all processes that it starts (Linux)."""

import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from neo_utils.sample import SAMPLE_URL
from neo_utils.settings.folders import PROJECT

_SUBREAPER = 36  # prctl's: what a killed kernel leaves behind, its Java, is then ours to count
_SAMPLE_S = 0.25  # a look at a Java's memory takes some ms of a processor


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Measure the commands that are run in this context; gives a row that is filled at its end.

    ``wall_s`` is the time until the context's end, ``cpu_s`` and ``peak_mb`` are of all processes
    started in it, those that end after it, too: they are waited for. Memory that processes share
    counts once; it is looked at four times a second.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    others, cpu_s, wall_s = _children(), _cpu_s(), time.perf_counter()
    row: dict[str, float] = {}
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(others, row, ended))
    watch.start()
    try:
        yield row
        row["wall_s"] = time.perf_counter() - wall_s
        # A Java may end a second after its command: it belongs to this one.
        while _children() - others:
            time.sleep(0.05)
        row["cpu_s"] = _cpu_s() - cpu_s
    finally:
        ended.set()
        watch.join()


def run(*command: object, cwd: Path = PROJECT, env: Mapping[str, str] = os.environ) -> None:
    """Run a command; what it says is heard where it fails.

    Raises
    ------
    RuntimeError
        Where its exit status is not 0.
    """
    words = [str(word) for word in command]
    # As from a user's shell, not from the make that runs the benchmark.
    environment = {**env, "MAKEFLAGS": "", "MAKELEVEL": ""}
    ran = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)  # noqa: S603
    if ran.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{ran.stdout}{ran.stderr}")


def make_run(cwd: Path, env: Mapping[str, str], **chosen: object) -> None:
    """Run ``make run`` of 200 NEOs in a checkout.

    Every variable that it knows is named, since this user's environment or .env may set others.
    """
    values = {"START": 1, "END": 200, "SOURCE": "sample", "API_URL": SAMPLE_URL, "WAIT": 0}
    values |= {"OUTPUT_DIR": "output", "MASTER": "local[*]", "LOG_LEVEL": "INFO"}
    values |= {"PARAMETERS": "parameters/default.yaml", **chosen}
    run("make", "run", *(f"{name}={value}" for name, value in values.items()), cwd=cwd, env=env)


def _watch(others: set[int], row: dict[str, float], ended: threading.Event) -> None:
    row["peak_mb"] = 0.0
    while not ended.wait(_SAMPLE_S):
        ours = [child for child in psutil.Process().children() if child.pid not in others]
        mb = sum(_memory_mb(one) for child in ours for one in (child, *_descendants(child)))
        row["peak_mb"] = max(row["peak_mb"], mb)


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):  # it has just ended
        return process.children(recursive=True)
    return []


def _memory_mb(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return float(process.memory_full_info().pss) / 2**20
    return 0.0


def _children() -> set[int]:
    """Return our processes, those that a command has left to us among them, that have not ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def _cpu_s() -> float:
    """Return the processor time of all processes that we started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
