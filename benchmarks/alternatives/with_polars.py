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
    return (
        counted.with_columns(pl.col("close_approach_date").dt.year().alias("year"))
        .group_by(GROUPS)
        .agg(
            pl.len(),
            _UNDER.sum().alias("under"),
            (pl.col("close_approach_date") > day).sum().alias("predicted"),
            pl.col("neo_id").n_unique().alias("neos"),
            pl.min("miss_distance_au").alias("nearest"),
            pl.col("neo_id").filter(nearest).min().alias("nearest_id"),
            pl.mean("relative_velocity_km_per_sec").round(6),
        )
        .sort(GROUPS)
    )
