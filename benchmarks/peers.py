"""The yearly statistics and the totals, as users of other libraries would count them.

Each function takes the paths of the files of both tables, the newest last, and the day of the
fetch, and returns the rows of both; a NEO of two files counts from the newer one.
"""

import datetime as dt
from typing import Any

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


def pandas(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Read every file with PyArrow, then group with pandas."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    def read(paths: list[str], columns: list[str]) -> pd.DataFrame:
        tables = [pq.read_table(path, columns=columns, partitioning=None) for path in paths]
        orders = [order for order, table in enumerate(tables) for _ in range(table.num_rows)]
        plain = [table.replace_schema_metadata(None) for table in tables]
        return pa.concat_tables(plain).to_pandas().assign(fetch_order=orders)

    newest = read(neos, ["id"]).groupby("id", as_index=False)["fetch_order"].max()
    counted = read(approaches, _COLUMNS).merge(
        newest.rename(columns={"id": "neo_id"}), on=["neo_id", "fetch_order"]
    )
    dates = pd.to_datetime(counted["close_approach_date"])
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


PEERS = {"duckdb": duckdb, "polars": polars, "pandas": pandas}
