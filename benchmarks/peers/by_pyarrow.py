"""PyArrow alone reads, joins and groups."""

import datetime as dt
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.peers.reading import COLUMNS, GROUPS, THRESHOLD_AU, Rows, in_order

# What is counted of each group; by these names it comes back.
_COUNTED = {
    "count_all": ([], "count_all"),
    "under_sum": ("under", "sum"),
    "predicted_sum": ("predicted", "sum"),
    "neo_id_count_distinct": ("neo_id", "count_distinct"),
    "miss_distance_au_min": ("miss_distance_au", "min"),
    "relative_velocity_km_per_sec_mean": ("relative_velocity_km_per_sec", "mean"),
}


def count(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of totals and yearly statistics."""
    newest = (
        in_order(neos, ["id"])
        .group_by("id")
        .aggregate([("fetch_order", "max")])
        .rename_columns(["neo_id", "fetch_order"])
    )
    counted = in_order(approaches, COLUMNS).join(
        newest, keys=["neo_id", "fetch_order"], join_type="inner"
    )
    dates = counted["close_approach_date"]
    counted = (
        counted.append_column("year", pc.year(dates))
        .append_column("under", pc.less(counted["miss_distance_au"], THRESHOLD_AU))
        .append_column("predicted", pc.greater(dates, pa.scalar(day)))
    )
    return [("total_neos", newest.num_rows), *_totals(counted)], _yearly(counted)


def _totals(counted: pa.Table) -> list[tuple[str, Any]]:
    under, ids = counted["under"], counted["neo_id"]
    earth = pc.equal(counted["orbiting_body"], "Earth")
    both = pc.and_(under, earth)
    years = pc.value_counts(counted["year"]).to_pylist()
    return [
        ("total_close_approaches", counted.num_rows),
        ("total_close_approaches_earth", pc.sum(earth).as_py()),
        ("total_close_approaches_under_0.2_au", pc.sum(under).as_py()),
        ("total_close_approaches_under_0.2_au_earth", pc.sum(both).as_py()),
        ("total_neos_under_0.2_au", pc.count_distinct(ids.filter(under)).as_py()),
        ("total_neos_under_0.2_au_earth", pc.count_distinct(ids.filter(both)).as_py()),
        *((f"close_approaches_in_{year['values']}", year["counts"]) for year in years),
    ]


def _yearly(counted: pa.Table) -> list[tuple[Any, ...]]:
    yearly = counted.group_by(GROUPS).aggregate(list(_COUNTED.values()))
    smallest = counted.join(yearly.select([*GROUPS, "miss_distance_au_min"]), keys=GROUPS)
    nearest = (
        smallest.filter(pc.equal(smallest["miss_distance_au"], smallest["miss_distance_au_min"]))
        .group_by(GROUPS)
        .aggregate([("neo_id", "min")])
    )
    *first, mean = _COUNTED
    rows = yearly.join(nearest, keys=GROUPS).select([*GROUPS, *first, "neo_id_min", mean])
    return [*zip(*(column.to_pylist() for column in rows.columns), strict=True)]
