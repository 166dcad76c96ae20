"""The yearly statistics and the totals, as users of other libraries would count them.

Each function takes the paths of the files of both tables, the newest last, and the day of the
fetch, and returns the rows of both; a NEO of two files counts from the newer one.
"""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

THRESHOLD_AU = 0.2
Rows = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]

_COLUMNS = [
    *("neo_id", "close_approach_date", "orbiting_body"),
    *("miss_distance_au", "relative_velocity_km_per_sec"),
]


def duckdb(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Read with DuckDB's own reader, then run the project's texts."""
    import duckdb as peer

    from neo_utils.definitions import sql_text
    from neo_utils.statistics import counted

    database = peer.connect()
    for name, paths, columns in (
        ("stored_neos", neos, "id"),
        ("stored_close_approaches", approaches, ", ".join(_COLUMNS)),
    ):
        database.execute(
            f"CREATE TABLE {name} AS SELECT {columns}, file_index AS fetch_order,"  # noqa: S608
            " ?::DATE AS fetched_on FROM read_parquet(?, hive_partitioning = false)",
            [day, paths],
        )
    counted(database)
    return (
        database.sql(sql_text("metrics", THRESHOLD_AU)).fetchall(),
        database.sql(sql_text("yearly_statistics", THRESHOLD_AU)).fetchall(),
    )


def polars(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Lazy frames, one query for each table."""
    import polars as pl

    def read(paths: list[str], columns: list[str]) -> pl.LazyFrame:
        files = pl.LazyFrame({"file": paths}).with_row_index("fetch_order")
        options = {"hive_partitioning": False, "include_file_paths": "file"}
        frame = pl.scan_parquet(paths, **options).select(*columns, "file")
        return frame.join(files, on="file").drop("file")

    newest = read(neos, ["id"]).group_by(neo_id="id").agg(pl.max("fetch_order"))
    counted = read(approaches, _COLUMNS).join(newest, on=["neo_id", "fetch_order"]).collect()
    under, earth = pl.col("miss_distance_au") < THRESHOLD_AU, pl.col("orbiting_body") == "Earth"
    totals = counted.select(
        pl.len().alias("total_close_approaches"),
        earth.sum().alias("total_close_approaches_earth"),
        under.sum().alias("total_close_approaches_under_0.2_au"),
        (under & earth).sum().alias("total_close_approaches_under_0.2_au_earth"),
        pl.col("neo_id").filter(under).n_unique().alias("total_neos_under_0.2_au"),
        pl.col("neo_id").filter(under & earth).n_unique().alias("total_neos_under_0.2_au_earth"),
        pl.lit(newest.select(pl.len()).collect().item()).alias("total_neos"),
    )
    yearly = (
        counted.with_columns(pl.col("close_approach_date").dt.year().alias("year"))
        .group_by("year", "orbiting_body")
        .agg(
            pl.len(),
            under.sum().alias("under"),
            (pl.col("close_approach_date") > day).sum().alias("predicted"),
            pl.col("neo_id").n_unique().alias("neos"),
            pl.min("miss_distance_au").alias("nearest"),
            pl.col("neo_id")
            .filter(pl.col("miss_distance_au") == pl.min("miss_distance_au"))
            .min()
            .alias("nearest_id"),
            pl.mean("relative_velocity_km_per_sec").round(6),
        )
        .sort("year", "orbiting_body")
    )
    years = counted.group_by(pl.col("close_approach_date").dt.year()).len().rows()
    metrics = [*totals.row(0, named=True).items()]
    return metrics + [(f"close_approaches_in_{year}", n) for year, n in years], yearly.rows()


def pyarrow(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Read, join and group with PyArrow alone."""
    newest = (
        _in_order(neos, ["id"])
        .group_by("id")
        .aggregate([("fetch_order", "max")])
        .rename_columns(["neo_id", "fetch_order"])
    )
    counted = _in_order(approaches, _COLUMNS).join(
        newest, keys=["neo_id", "fetch_order"], join_type="inner"
    )
    under = pc.less(counted["miss_distance_au"], THRESHOLD_AU)
    earth = pc.equal(counted["orbiting_body"], "Earth")
    both = pc.and_(under, earth)
    metrics = [
        ("total_neos", newest.num_rows),
        ("total_close_approaches", counted.num_rows),
        ("total_close_approaches_earth", pc.sum(earth).as_py()),
        ("total_close_approaches_under_0.2_au", pc.sum(under).as_py()),
        ("total_close_approaches_under_0.2_au_earth", pc.sum(both).as_py()),
        ("total_neos_under_0.2_au", pc.count_distinct(counted["neo_id"].filter(under)).as_py()),
        (
            "total_neos_under_0.2_au_earth",
            pc.count_distinct(counted["neo_id"].filter(both)).as_py(),
        ),
    ]
    dates = counted["close_approach_date"]
    counted = (
        counted.append_column("year", pc.year(dates))
        .append_column("under", under)
        .append_column("predicted", pc.greater(dates, pa.scalar(day)))
    )
    groups = ["year", "orbiting_body"]
    yearly = counted.group_by(groups).aggregate(
        [
            ([], "count_all"),
            ("under", "sum"),
            ("predicted", "sum"),
            ("neo_id", "count_distinct"),
            ("miss_distance_au", "min"),
            ("relative_velocity_km_per_sec", "mean"),
        ]
    )
    smallest = counted.join(yearly.select([*groups, "miss_distance_au_min"]), keys=groups)
    nearest = (
        smallest.filter(pc.equal(smallest["miss_distance_au"], smallest["miss_distance_au_min"]))
        .group_by(groups)
        .aggregate([("neo_id", "min")])
    )
    rows = yearly.join(nearest, keys=groups).select(
        [
            *groups,
            *("count_all", "under_sum", "predicted_sum", "neo_id_count_distinct"),
            *("miss_distance_au_min", "neo_id_min", "relative_velocity_km_per_sec_mean"),
        ]
    )
    years = pc.value_counts(counted["year"])
    metrics += [(f"close_approaches_in_{n['values']}", n["counts"]) for n in years.to_pylist()]
    return metrics, [*zip(*(column.to_pylist() for column in rows.columns), strict=True)]


def pandas(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Read every file with PyArrow, then group with pandas."""
    import pandas as pd

    newest = _in_order(neos, ["id"]).to_pandas().groupby("id", as_index=False)["fetch_order"].max()
    counted = (
        _in_order(approaches, _COLUMNS)
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
    both = counted["under"] & counted["earth"]
    metrics = [
        ("total_neos", len(newest)),
        ("total_close_approaches", len(counted)),
        ("total_close_approaches_earth", int(counted["earth"].sum())),
        ("total_close_approaches_under_0.2_au", int(counted["under"].sum())),
        ("total_close_approaches_under_0.2_au_earth", int(both.sum())),
        ("total_neos_under_0.2_au", counted.loc[counted["under"], "neo_id"].nunique()),
        ("total_neos_under_0.2_au_earth", counted.loc[both, "neo_id"].nunique()),
    ]
    years = counted.groupby("year").size()
    groups = ["year", "orbiting_body"]
    by_body = counted.groupby(groups)
    yearly = by_body.agg(
        close_approaches=("neo_id", "size"),
        under=("under", "sum"),
        predicted=("predicted", "sum"),
        neos=("neo_id", "nunique"),
        nearest=("miss_distance_au", "min"),
        mean=("relative_velocity_km_per_sec", "mean"),
    )
    smallest = by_body["miss_distance_au"].transform("min")
    nearest = counted[counted["miss_distance_au"] == smallest].groupby(groups)["neo_id"].min()
    yearly.insert(5, "nearest_id", nearest)
    rows = yearly.round({"mean": 6}).reset_index().itertuples(index=False, name=None)
    return metrics + [(f"close_approaches_in_{y}", int(n)) for y, n in years.items()], list(rows)


def _in_order(paths: list[str], columns: list[str]) -> pa.Table:
    """Return the rows of all files, beside the place of each one's file among them."""
    with ThreadPoolExecutor() as threads:
        tables = list(threads.map(lambda path: pq.ParquetFile(path).read(columns), paths))
    order = np.arange(len(tables), dtype=np.int32)
    rows = pa.concat_tables(table.replace_schema_metadata(None) for table in tables)
    orders = np.repeat(order, [table.num_rows for table in tables])
    return rows.append_column("fetch_order", pa.array(orders))


PEERS = {"DuckDB": duckdb, "Polars": polars, "PyArrow": pyarrow, "pandas": pandas}
