"""Paths of results: tables of statistics, executed notebooks, logs, reports."""

import math
import re
from pathlib import Path

from neo_utils.positions import PositionRange
from neo_utils.store.folders import exists, names_in

FOLDERS = {
    "metrics": "aggregations",
    "yearly_statistics": "yearly_statistics",
}


def result_path(name: str, output: Path, positions: PositionRange) -> Path:
    """Return the path of a range's "metrics" or "yearly_statistics"."""
    return output / FOLDERS[name] / positions.name / "part-0.parquet"


def kernel_log(folder: Path, name: str) -> Path:
    """Return the log file of a notebook's kernel in a `run_folder`."""
    return folder / f"{name}-kernel.log"


def report_path(folder: Path) -> Path:
    """Return the path of the report in a `run_folder`."""
    return folder / "report.html"


def saved_after(path: Path, output: Path, positions: PositionRange) -> bool:
    """Check whether a table of a range was saved after a notebook or report was written."""
    saved = max(result_path(name, output, positions).stat().st_mtime_ns for name in FOLDERS)
    return saved > path.stat().st_mtime_ns


def ranges_with_results(output: Path) -> list[PositionRange]:
    """Return the ranges that have saved metrics, in order of position."""
    folders = names_in(output / FOLDERS["metrics"])
    named = [re.fullmatch(r"batches-(\d{1,9})-(\d{1,9}|all)", folder) for folder in folders]
    ranges = [PositionRange(int(m[1]), None if m[2] == "all" else int(m[2])) for m in named if m]
    ranges = [span for span in ranges if exists(result_path("metrics", output, span))]
    return sorted(ranges, key=lambda span: (span.start, span.end or math.inf))
