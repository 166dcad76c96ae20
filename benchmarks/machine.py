"""Describe the machine, locate results, and measure single calls."""

import datetime as dt
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from neo_utils.settings.folders import PROJECT

BUILD = PROJECT / "build" / "bench"
MEASURED = PROJECT / "docs" / "measured"  # the results that the documentation quotes
_PACKAGES = ("pyspark", "duckdb", "pyarrow", "pandas", "polars", "orjson", "msgspec", "papermill")
_T = TypeVar("_T")


def machine() -> dict[str, Any]:
    """Return the date, processor, system and package versions."""
    cpu_info = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (cpu_info.read_text().splitlines() if cpu_info.exists() else ())
        if line.startswith("model name")
    ]
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def in_new_process(function: Callable[..., _T], *arguments: object) -> _T:
    """Call a function in a new process, which shares no memory with this one."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def timed(function: Callable[..., object], *arguments: object) -> dict[str, float]:
    """Call a function; return its elapsed and processor time, in seconds."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    function(*arguments)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    return {"wall_s": wall_s, "cpu_s": cpu_s}


def peak_mb(process: int | str = "self") -> float:
    """Return the peak memory of a process so far (Linux)."""
    # `getrusage` would include the process that started this one.
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
