"""Draw docs/approaches-per-year.svg, the README's figure: ``python -m docs.figure`` prints it.

`make docs` writes it. Tests compare it, and the README's table, with computed values.
"""

import sys
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.fetch.fetching import fetch
from neo_utils.figures.yearly import approaches_per_year, plot_approaches_per_year
from neo_utils.interface import plan_fetch, select
from neo_utils.statistics.computation import read_batches, statistic
from neo_utils.store.selection import Selection

_THRESHOLD_AU = 0.2


class Counted(NamedTuple):
    """Results of the sample, which the README shows in part."""

    selection: Selection
    metrics: dict[str, int]
    yearly: pd.DataFrame


def counted_sample() -> Counted:
    """Return the results of `make run START=1 END=200` on the simulated sample; store nothing."""
    with TemporaryDirectory() as output:
        fetch(plan_fetch(1, 200, "sample", output_dir=output))
        selection = select(1, 200, "sample", output)
        newest, approaches = read_batches(DuckDBSession(), selection)
        values = dict(statistic("metrics", newest, approaches, _THRESHOLD_AU).collect())
        yearly = (
            statistic("yearly_statistics", newest, approaches, _THRESHOLD_AU).toArrow().to_pandas()
        )
    return Counted(selection, values, yearly)


def svg_of(counted: Counted) -> str:
    """Return the figure of that run's notebook."""
    per_year = approaches_per_year(counted.yearly)
    return plot_approaches_per_year(per_year, counted.selection, _THRESHOLD_AU).svg


if __name__ == "__main__":
    sys.stdout.write(svg_of(counted_sample()))
