"""PyArrow reads the files, pandas groups."""

import datetime as dt
from typing import Any

import pandas as pd

from benchmarks.alternatives.common import COLUMNS, GROUPS, THRESHOLD_AU, Rows, metrics, read_files


def aggregate(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of metrics and yearly statistics."""
    newest = (
        read_files(neos, ["id", "position"])
        .to_pandas()
        .groupby("id", as_index=False)["position"]
        .max()
    )
    counted = (
        read_files(approaches, COLUMNS)
        .to_pandas(date_as_object=False)
        .merge(newest.rename(columns={"id": "neo_id"}), on=["neo_id", "position"])
    )
    dates = counted["close_approach_date"]
    counted = counted.assign(
        year=dates.dt.year,
        under=counted["miss_distance_au"] < THRESHOLD_AU,
        earth=counted["orbiting_body"] == "Earth",
        predicted=dates > pd.Timestamp(day),
    )
    counted["predicted_under"] = counted["predicted"] & counted["under"]
    counted["velocity_under"] = counted["relative_velocity_km_per_sec"].where(counted["under"])
    return _metrics(len(newest), counted), _yearly(counted)


def _metrics(total_neos: int, counted: pd.DataFrame) -> list[tuple[str, int]]:
    under, earth = counted["under"], counted["earth"]
    totals = (
        *(total_neos, len(counted), earth.sum(), under.sum(), (under & earth).sum()),
        counted.loc[under, "neo_id"].nunique(),
        counted.loc[under & earth, "neo_id"].nunique(),
    )
    return metrics(totals, counted.groupby("year").size().items())


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
    nearest = (
        counted[counted["miss_distance_au"] == smallest]
        .sort_values(["neo_id", "close_approach_date"])
        .groupby(GROUPS)
        .first()
    )
    yearly.insert(5, "nearest_id", nearest["neo_id"])
    yearly = yearly.assign(
        predicted_under=by_body["predicted_under"].sum(),
        nearest_date=nearest["close_approach_date"],
        nearest_is_predicted=nearest["predicted"],
        mean_under=by_body["velocity_under"].mean(),
    ).round({"mean": 6, "mean_under": 6})
    return list(yearly.reset_index().itertuples(index=False, name=None))
