"""DuckDB's own reader, with the project's SQL."""

import datetime as dt
from typing import Any

import duckdb

from benchmarks.alternatives.common import COLUMNS, THRESHOLD_AU, Rows
from neo_utils.statistics.computation import remove_duplicates
from neo_utils.statistics.definitions import sql_text


def aggregate(neos: list[str], approaches: list[str], day: dt.date) -> Rows:
    """Return the rows of metrics and yearly statistics."""
    database: Any = duckdb.connect()  # has the methods that `remove_duplicates` uses
    for name, paths, columns in (
        ("stored_neos", neos, "id"),
        ("stored_close_approaches", approaches, ", ".join(COLUMNS)),
    ):
        database.execute(
            f"CREATE TABLE {name} AS SELECT {columns}, file_index AS fetch_order,"  # noqa: S608
            " ?::DATE AS fetched_on FROM read_parquet(?, hive_partitioning = false)",
            [day, paths],
        )
    remove_duplicates(database)
    return (
        database.sql(sql_text("metrics", THRESHOLD_AU)).fetchall(),
        database.sql(sql_text("yearly_statistics", THRESHOLD_AU)).fetchall(),
    )
