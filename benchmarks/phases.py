"""Divide the time of a run into phases, by the times that Papermill records for each cell."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

# For each notebook, in the order of a run: text in a cell, and the phase of that cell. The first
# match counts. Cells without a match, and the time between cells, count as "other".
STEPS: Mapping[str, Mapping[str, str]] = {
    "fetch": {"import neo_utils": "fetch: imports", "fetch_neos(": "pages"},
    "aggregate": {
        "import neo_utils": "count: imports",
        "connect(": "connect",
        "compute(": "statistics",
        "spark.sql(": "bodies",
        "plot_": "figures",
        "captioned(": "figures",  # and tables
    },
}


class _Cell(NamedTuple):
    step: str
    start: dt.datetime
    end: dt.datetime


def phases_s(runs: Path, started: dt.datetime, wall_s: float) -> dict[str, float]:
    """Return the seconds of each phase of a run, which add up to its elapsed time.

    ``before`` ends with the first cell, and ``after`` starts with the end of the last one.

    Parameters
    ----------
    runs
        The folder of the executed notebooks. Those of an earlier run are ignored.
    started
        When the command was started, with a time zone.
    wall_s
        The seconds that it took.
    """
    cells = [cell for name in STEPS for cell in _cells(runs, name) if cell.start >= started]
    if not cells:
        return {}
    before = (cells[0].start - started).total_seconds()
    after = wall_s - (cells[-1].end - started).total_seconds()
    steps: dict[str, float] = {}
    for cell in cells:
        if cell.step:
            steps[cell.step] = steps.get(cell.step, 0) + (cell.end - cell.start).total_seconds()
    other = wall_s - before - after - sum(steps.values())
    return {"before": before, **steps, "other": other, "after": after}


def step_of(name: str, source: str) -> str:
    """Return the phase of a notebook's cell, or an empty text if no phase matches."""
    return next((step for text, step in STEPS[name].items() if text in source), "")


def _cells(runs: Path, name: str) -> Iterator[_Cell]:
    executed = runs / f"{name}.ipynb"
    for cell in json.loads(executed.read_bytes())["cells"] if executed.exists() else []:
        if cell["cell_type"] == "code":
            times = cell["metadata"]["papermill"]
            start, end = (dt.datetime.fromisoformat(times[at]) for at in ("start_time", "end_time"))
            yield _Cell(step_of(name, "".join(cell["source"])), start, end)
