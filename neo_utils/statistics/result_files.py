"""Where what was counted lies: tables of statistics, executed notebooks, reports."""

import math
import re
from pathlib import Path

from neo_utils.positions import PositionRange
from neo_utils.store.folders import exists, names_in

FOLDERS = {"metrics": "aggregations", "yearly_statistics": "yearly_statistics"}
RUNS = "runs"


def result_path(name: str, output: Path, positions: PositionRange) -> Path:
    """Return where a table of statistics, "metrics" or "yearly_statistics", of a range lies."""
    return output / FOLDERS[name] / positions.name / "part-0.parquet"


def run_folder(output: Path, positions: PositionRange) -> Path:
    """Return where the executed notebooks and the logs of a range are kept."""
    return output / RUNS / positions.name


def kernel_log(folder: Path, name: str) -> Path:
    """Return where the messages of a notebook's kernel go, given the `run_folder`."""
    return folder / f"{name}-kernel.log"


def report_path(folder: Path) -> Path:
    """Return where the report of a run lies, given the `run_folder`."""
    return folder / "report.html"


def counted_ranges(output: Path) -> list[PositionRange]:
    """Return the ranges of which there are saved metrics, in order of position."""
    folders = names_in(output / FOLDERS["metrics"])
    named = [re.fullmatch(r"batches-(\d{1,9})-(\d{1,9}|all)", folder) for folder in folders]
    ranges = [PositionRange(int(m[1]), None if m[2] == "all" else int(m[2])) for m in named if m]
    ranges = [span for span in ranges if exists(result_path("metrics", output, span))]
    return sorted(ranges, key=lambda span: (span.start, span.end or math.inf))
