"""Where the time of a run goes, by what Papermill notes of every cell that it executes."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

# For each notebook, in the order of a run: what a cell says and which step that makes it. The first
# that fits counts; a cell that fits none is of the rest, as is what passes between cells.
STEPS: Mapping[str, Mapping[str, str]] = {
    "fetch": {"import neo_utils": "fetch: imports", "fetch_neos(": "pages"},
    "aggregate": {
        "import neo_utils": "count: imports",
        "connect(": "connect",
        "tables(": "batches",
        'save("metrics"': "metrics",
        'save("yearly_statistics"': "yearly",
        "spark.stop(": "stop",
        "spark.sql(": "bodies",
        "plot_": "figures",
        "captioned(": "figures",  # and tables
    },
}


class _Cell(NamedTuple):
    step: str
    start: dt.datetime
    end: dt.datetime


def phases_s(runs: Path, began: dt.datetime, wall_s: float) -> dict[str, float]:
    """Return the seconds of each phase of a run, which make up all of its time by the clock.

    ``before`` ends with the first cell, ``after`` begins behind the last one.

    Parameters
    ----------
    runs
        The folder of the executed notebooks. One of an earlier run does not count.
    began
        When the command was started, with its time zone.
    wall_s
        The seconds that it took.
    """
    cells = [cell for name in STEPS for cell in _cells(runs, name) if cell.start >= began]
    if not cells:
        return {}
    first, last = cells[0].start, cells[-1].end
    steps: dict[str, float] = {}
    for cell in cells:
        if cell.step:
            steps[cell.step] = steps.get(cell.step, 0) + (cell.end - cell.start).total_seconds()
    before = (first - began).total_seconds()
    after = wall_s - (last - began).total_seconds()
    rest = wall_s - before - after - sum(steps.values())
    return {"before": before, **steps, "rest": rest, "after": after}


def step_of(name: str, source: str) -> str:
    """Return the step that a cell of a notebook is; an empty text for one of the rest."""
    return next((step for said, step in STEPS[name].items() if said in source), "")


def _cells(runs: Path, name: str) -> Iterator[_Cell]:
    executed = runs / f"{name}.ipynb"
    cells: list[Any] = json.loads(executed.read_bytes())["cells"] if executed.exists() else []
    for cell in cells:
        if cell["cell_type"] == "code":
            noted = cell["metadata"]["papermill"]
            start, end = (dt.datetime.fromisoformat(noted[at]) for at in ("start_time", "end_time"))
            yield _Cell(step_of(name, "".join(cell["source"])), start, end)
