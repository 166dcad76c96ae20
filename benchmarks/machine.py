"""What figures depend on, and where they are put."""

import datetime as dt
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from neo_utils.settings.folders import PROJECT

BUILD = PROJECT / "build" / "bench"
MEASURED = PROJECT / "docs" / "measured"  # what the documentation's figures come from
_PACKAGES = ("pyspark", "duckdb", "pyarrow", "pandas", "polars", "orjson", "msgspec", "papermill")


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processor, system, versions, and the day."""
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


def peak_mb(process: int | str = "self") -> float:
    """Return the largest memory that a process has had so far (Linux)."""
    # Not `getrusage`: that tells of the process that started this one, too.
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
