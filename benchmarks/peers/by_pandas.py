"""PyArrow reads every file, pandas groups."""

import datetime as dt
from typing import Any

import pandas as pd

from benchmarks.peers.reading import COLUMNS, GROUPS, THRESHOLD_AU, Rows, in_order


def count(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of totals and yearly statistics."""
    newest = in_order(neos, ["id"]).to_pandas().groupby("id", as_index=False)["fetch_order"].max()
    counted = (
        in_order(approaches, COLUMNS)
        .to_pandas(date_as_object=False)
        .merge(newest.rename(columns={"id": "neo_id"}), on=["neo_id", "fetch_order"])
    )
    dates = counted["close_approach_date"]
    counted = counted.assign(
        year=dates.dt.year,
        under=counted["miss_distance_au"] < THRESHOLD_AU,
        earth=counted["orbiting_body"] == "Earth",
        predicted=dates > pd.Timestamp(day),
    )
    return [("total_neos", len(newest)), *_totals(counted)], _yearly(counted)


def _totals(counted: pd.DataFrame) -> list[tuple[str, int]]:
    both = counted["under"] & counted["earth"]
    years = counted.groupby("year").size()
    return [
        ("total_close_approaches", len(counted)),
        ("total_close_approaches_earth", int(counted["earth"].sum())),
        ("total_close_approaches_under_0.2_au", int(counted["under"].sum())),
        ("total_close_approaches_under_0.2_au_earth", int(both.sum())),
        ("total_neos_under_0.2_au", counted.loc[counted["under"], "neo_id"].nunique()),
        ("total_neos_under_0.2_au_earth", counted.loc[both, "neo_id"].nunique()),
        *((f"close_approaches_in_{year}", int(n)) for year, n in years.items()),
    ]


def _yearly(counted: pd.DataFrame) -> list[tuple[Any, ...]]:
    by_body = counted.groupby(GROUPS)
    yearly = by_body.agg(
        close_approaches=("neo_id", "size"),
        under=("under", "sum"),
        predicted=("predicted", "sum"),
        neos=("neo_id", "nunique"),
        nearest=("miss_distance_au", "min"),
        mean=("relative_velocity_km_per_sec", "mean"),
    )
    smallest = by_body["miss_distance_au"].transform("min")
    nearest = counted[counted["miss_distance_au"] == smallest].groupby(GROUPS)["neo_id"].min()
    yearly.insert(5, "nearest_id", nearest)
    return list(yearly.round({"mean": 6}).reset_index().itertuples(index=False, name=None))
