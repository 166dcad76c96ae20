"""PyArrow, which reads, joins and groups."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.alternatives.common import COLUMNS, GROUPS, THRESHOLD_AU, Rows, metrics, read_files

# What is computed for each group, by the name of the resulting column.
_AGGREGATES = {
    "count_all": ([], "count_all"),
    "under_sum": ("under", "sum"),
    "predicted_sum": ("predicted", "sum"),
    "neo_id_count_distinct": ("neo_id", "count_distinct"),
    "miss_distance_au_min": ("miss_distance_au", "min"),
    "relative_velocity_km_per_sec_mean": ("relative_velocity_km_per_sec", "mean"),
    "predicted_under_sum": ("predicted_under", "sum"),
    "velocity_under_mean": ("velocity_under", "mean"),
}
_OF_NEAREST = ["neo_id", "close_approach_date", "predicted"]


def aggregate(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of metrics and yearly statistics."""
    newest = (
        read_files(neos, ["id", "position"])
        .group_by("id")
        .aggregate([("position", "max")])
        .rename_columns(["neo_id", "position"])
    )
    counted = read_files(approaches, COLUMNS).join(
        newest, keys=["neo_id", "position"], join_type="inner"
    )
    dates = counted["close_approach_date"]
    counted = (
        counted.append_column("year", pc.year(dates))
        .append_column("under", pc.less(counted["miss_distance_au"], THRESHOLD_AU))
        .append_column("predicted", pc.greater(dates, pa.scalar(day)))
    )
    under, velocity = counted["under"], counted["relative_velocity_km_per_sec"]
    counted = counted.append_column(
        "predicted_under", pc.and_(counted["predicted"], under)
    ).append_column("velocity_under", pc.if_else(under, velocity, None))
    return _metrics(newest.num_rows, counted), _yearly(counted)


def _metrics(total_neos: int, counted: pa.Table) -> list[tuple[str, int]]:
    under, ids = counted["under"], counted["neo_id"]
    earth = pc.equal(counted["orbiting_body"], "Earth")
    both = pc.and_(under, earth)
    totals = (
        *(total_neos, counted.num_rows),
        *(pc.sum(selected).as_py() for selected in (earth, under, both)),
        *(pc.count_distinct(ids.filter(selected)).as_py() for selected in (under, both)),
    )
    years = pc.value_counts(counted["year"]).to_pylist()
    return metrics(totals, ((year["values"], year["counts"]) for year in years))


def _yearly(counted: pa.Table) -> list[tuple[Any, ...]]:
    yearly = counted.group_by(GROUPS).aggregate(list(_AGGREGATES.values()))
    smallest = counted.join(yearly.select([*GROUPS, "miss_distance_au_min"]), keys=GROUPS)
    nearest = (
        smallest.filter(pc.equal(smallest["miss_distance_au"], smallest["miss_distance_au_min"]))
        .sort_by([("neo_id", "ascending"), ("close_approach_date", "ascending")])
        .group_by(GROUPS, use_threads=False)
        .aggregate([(name, "first") for name in _OF_NEAREST])
    )
    *first, mean, predicted_under, mean_under = _AGGREGATES
    neo_id, *others = [f"{name}_first" for name in _OF_NEAREST]
    columns = [*GROUPS, *first, neo_id, mean, predicted_under, *others, mean_under]
    rows = yearly.join(nearest, keys=GROUPS).select(columns)
    return [*zip(*(column.to_pylist() for column in rows.columns), strict=True)]
