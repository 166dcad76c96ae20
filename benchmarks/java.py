"""Measure Java's processor time by purpose, from its threads (Linux)."""

import os
from pathlib import Path
from typing import Any

from benchmarks.machine import peak_mb

# By the start of a thread's name, of which Linux keeps 15 characters. The other threads plan,
# interpret code and load classes.
_THREADS = {
    "Executor task": "java_tasks_s",
    "C1 CompilerThre": "java_compiling_s",
    "C2 CompilerThre": "java_compiling_s",
    "GC Thread": "java_gc_s",
}


def keep_compilers() -> None:
    """Make a Java that starts later keep its compiler threads until it ends.

    By default, it ends idle ones, and their processor time can no longer be attributed.
    """
    options = os.environ.get("SPARK_SUBMIT_OPTS", "")
    os.environ["SPARK_SUBMIT_OPTS"] = f"{options} -XX:-UseDynamicNumberOfCompilerThreads"


def cpu_s(session: Any) -> float:  # noqa: ANN401 - a SparkSession
    """Return the processor time of the session's Java so far."""
    return _seconds((_process(session) / "stat").read_text().rpartition(")")[2])


def java_s(session: Any) -> dict[str, float]:  # noqa: ANN401
    """Return the part of that time by purpose."""
    seconds = dict.fromkeys(_THREADS.values(), 0.0)
    for thread in (_process(session) / "task").glob("*/stat"):
        name, _, fields = thread.read_text().partition("(")[2].rpartition(")")
        for start, purpose in _THREADS.items():
            if name.startswith(start):
                seconds[purpose] += _seconds(fields)
    return seconds


def java_peak_mb(session: Any) -> float:  # noqa: ANN401
    """Return the peak memory of the session's Java so far."""
    return peak_mb(_process(session).name)


def _process(session: Any) -> Path:  # noqa: ANN401
    return Path("/proc") / str(session.sparkContext._gateway.proc.pid)


def _seconds(fields: str) -> float:
    """Return the processor time in the fields after the name in a Linux ``stat`` file."""
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
