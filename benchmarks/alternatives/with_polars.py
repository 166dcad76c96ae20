"""Polars, with one lazy query for each table."""

import datetime as dt

import polars as pl

from benchmarks.alternatives.common import COLUMNS, GROUPS, THRESHOLD_AU, Rows, metrics

_UNDER, _EARTH = pl.col("miss_distance_au") < THRESHOLD_AU, pl.col("orbiting_body") == "Earth"


def aggregate(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of metrics and yearly statistics."""
    newest = _scan(neos).group_by(neo_id="id").agg(pl.max("position"))
    counted = _scan(approaches).select(COLUMNS).join(newest, on=["neo_id", "position"]).collect()
    total_neos = newest.select(pl.len()).collect().item()
    return _metrics(total_neos, counted), _yearly(counted, day).rows()


def _scan(paths: list[str]) -> pl.LazyFrame:
    return pl.scan_parquet(paths, hive_partitioning=False)


def _metrics(total_neos: int, counted: pl.DataFrame) -> list[tuple[str, int]]:
    totals = counted.select(
        pl.len(),
        _EARTH.sum().alias("earth"),
        _UNDER.sum().alias("under"),
        (_UNDER & _EARTH).sum().alias("both"),
        pl.col("neo_id").filter(_UNDER).n_unique().alias("neos"),
        pl.col("neo_id").filter(_UNDER & _EARTH).n_unique().alias("neos_earth"),
    )
    years = counted.group_by(pl.col("close_approach_date").dt.year()).len().rows()
    return metrics([total_neos, *totals.row(0)], years)


def _yearly(counted: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    nearest = pl.col("miss_distance_au") == pl.min("miss_distance_au")
    nearest_id = pl.col("neo_id").filter(nearest).min()
    date, is_predicted = pl.col("close_approach_date"), pl.col("close_approach_date") > day
    nearest_date = date.filter(nearest & (pl.col("neo_id") == nearest_id)).min()
    velocity = pl.col("relative_velocity_km_per_sec")
    return (
        counted.with_columns(pl.col("close_approach_date").dt.year().alias("year"))
        .group_by(GROUPS)
        .agg(
            pl.len(),
            _UNDER.sum().alias("under"),
            is_predicted.sum().alias("predicted"),
            pl.col("neo_id").n_unique().alias("neos"),
            pl.min("miss_distance_au").alias("nearest"),
            nearest_id.alias("nearest_id"),
            velocity.mean().round(6).alias("mean"),
            (is_predicted & _UNDER).sum().alias("predicted_under"),
            nearest_date.alias("nearest_date"),
            (nearest_date > day).alias("nearest_is_predicted"),
            velocity.filter(_UNDER).mean().round(6).alias("mean_under"),
        )
        .sort(GROUPS)
    )
