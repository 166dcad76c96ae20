"""Measure a command together with all processes that it starts (Linux)."""

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

# An option of prctl: orphaned processes, such as the Java of a killed kernel, become our children.
_SUBREAPER = 36
_INTERVAL_S = 0.25  # reading the memory of a Java process takes some ms of processor time


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Measure the commands that run in this context; yield a row that is complete at its end.

    ``wall_s`` is the time until the context ends. ``cpu_s`` and ``peak_mb`` cover all processes
    started in it, including those that end later: the context waits for them. Memory that
    processes share counts once; it is sampled four times a second.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    existing, cpu_s, wall_s = _children(), _cpu_s(), time.perf_counter()
    row: dict[str, float] = {}
    ended = threading.Event()
    watch = threading.Thread(target=_watch_memory, args=(existing, row, ended))
    watch.start()
    try:
        yield row
        row["wall_s"] = time.perf_counter() - wall_s
        # Java may end a second after its command, and still belongs to it.
        while _children() - existing:
            time.sleep(0.05)
        row["cpu_s"] = _cpu_s() - cpu_s
    finally:
        ended.set()
        watch.join()


def run(*command: object, cwd: Path = PROJECT, env: Mapping[str, str] = os.environ) -> None:
    """Run a command; its output is only shown if it fails.

    Raises
    ------
    RuntimeError
        If its exit status is not 0.
    """
    words = [str(word) for word in command]
    # As from a user's shell, not from the make that runs the benchmark.
    environment = {**env, "MAKEFLAGS": "", "MAKELEVEL": ""}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout}{done.stderr}")


def make_run(cwd: Path, env: Mapping[str, str], **variables: object) -> None:
    """Run ``make run`` for 200 NEOs in a checkout.

    Every variable is set explicitly, because the environment or .env may contain other values.
    """
    values = {"START": 1, "END": 200, "SOURCE": "sample", "API_URL": SAMPLE_URL, "WAIT": 0}
    values |= {"OUTPUT_DIR": "output", "MASTER": "local[*]", "LOG_LEVEL": "INFO"}
    values |= {"PARAMETERS": "parameters/default.yaml", **variables}
    run("make", "run", *(f"{name}={value}" for name, value in values.items()), cwd=cwd, env=env)


def _watch_memory(existing: set[int], row: dict[str, float], ended: threading.Event) -> None:
    row["peak_mb"] = 0.0
    while not ended.wait(_INTERVAL_S):
        started = [child for child in psutil.Process().children() if child.pid not in existing]
        mb = sum(_memory_mb(one) for child in started for one in (child, *_descendants(child)))
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
    """Return our running child processes, including adopted ones, after reaping ended ones."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def _cpu_s() -> float:
    """Return the processor time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
