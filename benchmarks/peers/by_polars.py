"""Lazy frames of Polars, one query for each table."""

import datetime as dt
from typing import Any

import polars as pl

from benchmarks.peers.reading import COLUMNS, GROUPS, THRESHOLD_AU, Rows

_UNDER, _EARTH = pl.col("miss_distance_au") < THRESHOLD_AU, pl.col("orbiting_body") == "Earth"


def count(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of totals and yearly statistics."""
    newest = _read(neos, ["id"]).group_by(neo_id="id").agg(pl.max("fetch_order"))
    counted = _read(approaches, COLUMNS).join(newest, on=["neo_id", "fetch_order"]).collect()
    total_neos = newest.select(pl.len()).collect().item()
    return [("total_neos", total_neos), *_totals(counted)], _yearly(counted, day).rows()


def _read(paths: list[str], columns: list[str]) -> pl.LazyFrame:
    files = pl.LazyFrame({"file": paths}).with_row_index("fetch_order")
    frame = pl.scan_parquet(paths, hive_partitioning=False, include_file_paths="file")
    return frame.select(*columns, "file").join(files, on="file").drop("file")


def _totals(counted: pl.DataFrame) -> list[tuple[str, Any]]:
    totals = counted.select(
        pl.len().alias("total_close_approaches"),
        _EARTH.sum().alias("total_close_approaches_earth"),
        _UNDER.sum().alias("total_close_approaches_under_0.2_au"),
        (_UNDER & _EARTH).sum().alias("total_close_approaches_under_0.2_au_earth"),
        pl.col("neo_id").filter(_UNDER).n_unique().alias("total_neos_under_0.2_au"),
        pl.col("neo_id").filter(_UNDER & _EARTH).n_unique().alias("total_neos_under_0.2_au_earth"),
    )
    years = counted.group_by(pl.col("close_approach_date").dt.year()).len().rows()
    of_years = [(f"close_approaches_in_{year}", n) for year, n in years]
    return [*totals.row(0, named=True).items(), *of_years]


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
