"""Where results are: tables of statistics, executed notebooks, logs, reports."""

import json
import math
import re
from pathlib import Path
from typing import NamedTuple

from neo_utils.errors import WrongParameter
from neo_utils.positions import PositionRange, position_range
from neo_utils.settings.run_settings import RunSettings
from neo_utils.store.folders import RUNS, exists, names_in

FOLDERS = {
    "metrics": "aggregations",
    "yearly_statistics": "yearly_statistics",
}
# As Python writes it in names and metadata.
THRESHOLD = r"(?:0|[1-9]\d{0,8})(?:\.\d{1,20})?(?:e-?\d{1,2})?"
_NAME = re.compile(rf"batches-(\d{{1,9}})-(\d{{1,9}}|all)(?:-under-({THRESHOLD})-au)?")


class ResultFiles(NamedTuple):
    """The files of the results of a range and a threshold (AU).

    Each threshold has its own folders, so tables and report belong together. Their names leave
    out the default: ``batches-1-200``, ``batches-1-200-under-0.05-au``.
    """

    output: Path
    positions: PositionRange
    threshold_au: float

    @property
    def name(self) -> str:
        """The name of the folders, such as "batches-1-200"."""
        is_default = self.threshold_au == RunSettings().threshold_au
        return self.positions.name + ("" if is_default else f"-under-{self.threshold_au}-au")

    def table(self, name: str) -> Path:
        """Return the path of "metrics" or "yearly_statistics"."""
        return self.output / FOLDERS[name] / self.name / "part-0.parquet"

    @property
    def run_folder(self) -> Path:
        """The folder of the executed notebooks, the logs and the report."""
        return self.output / RUNS / self.name

    @property
    def spark_log(self) -> Path:
        """The log of Spark."""
        return self.run_folder / "spark.log"

    @property
    def report(self) -> Path:
        """The report, one HTML file."""
        return self.run_folder / "report.html"

    def saved_after(self, path: Path) -> bool:
        """Check whether a table was saved after a notebook or report was written."""
        saved = max(self.table(name).stat().st_mtime_ns for name in FOLDERS)
        return saved > path.stat().st_mtime_ns


def results_named(name: str, output: Path) -> ResultFiles | None:
    """Return the results whose folders have this name; None if no results have it."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    start, end, threshold = found.groups()
    # An int stays an int: 1 and 1.0 give different names of metrics.
    threshold_au = json.loads(threshold) if threshold else RunSettings().threshold_au
    try:
        results = ResultFiles(output, position_range(start, end), threshold_au)
    except WrongParameter:
        return None
    return results if results.name == name else None


def stored_results(output: Path) -> list[ResultFiles]:
    """Return the results of which a table is stored, by position and threshold."""
    names = {name for folder in FOLDERS.values() for name in names_in(output / folder)}
    results = filter(None, (results_named(name, output) for name in sorted(names)))
    stored = [one for one in results if any(exists(one.table(name)) for name in FOLDERS)]

    def place(one: ResultFiles) -> tuple[float, float, float]:
        return one.positions.start, one.positions.end or math.inf, one.threshold_au

    return sorted(stored, key=place)


def kernel_log(folder: Path, name: str) -> Path:
    """Return the log file of a notebook's kernel in a run's folder."""
    return folder / f"{name}-kernel.log"
