"""What Java's processor time was for, by its threads (Linux)."""

import os
from pathlib import Path
from typing import Any

from benchmarks.machine import peak_mb

# By how the names of Java's threads begin, of which Linux keeps 15 letters. The rest plans,
# interprets, loads classes.
_THREADS = {
    "Executor task": "java_tasks_s",
    "C1 CompilerThre": "java_compiling_s",
    "C2 CompilerThre": "java_compiling_s",
    "GC Thread": "java_tidying_up_s",
}


def keep_compilers() -> None:
    """Let a Java that is started later keep its compilers' threads until it ends.

    By itself it ends those that have nothing to do, and their processor time is then no longer
    told apart from the rest.
    """
    options = os.environ.get("SPARK_SUBMIT_OPTS", "")
    os.environ["SPARK_SUBMIT_OPTS"] = f"{options} -XX:-UseDynamicNumberOfCompilerThreads"


def cpu_s(session: Any) -> float:  # noqa: ANN401 - a SparkSession
    """Return the processor time that the session's Java has taken so far."""
    return _ticks_s((_process(session) / "stat").read_text().rpartition(")")[2])


def java_s(session: Any) -> dict[str, float]:  # noqa: ANN401
    """Return it by what it was for."""
    taken = dict.fromkeys(_THREADS.values(), 0.0)
    for thread in (_process(session) / "task").glob("*/stat"):
        name, _, fields = thread.read_text().partition("(")[2].rpartition(")")
        for start, what in _THREADS.items():
            if name.startswith(start):
                taken[what] += _ticks_s(fields)
    return taken


def java_peak_mb(session: Any) -> float:  # noqa: ANN401
    """Return the largest memory that the session's Java has had so far."""
    return peak_mb(_process(session).name)


def _process(session: Any) -> Path:  # noqa: ANN401
    return Path("/proc") / str(session.sparkContext._gateway.proc.pid)


def _ticks_s(fields: str) -> float:
    """Return the processor time in the fields of a ``stat`` of Linux, those behind the name."""
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
