"""DuckDB's own reader, with the project's SQL, in which each query finds outdated rows again."""

import datetime as dt

import duckdb

from benchmarks.alternatives.common import THRESHOLD_AU, Rows
from neo_utils.statistics.definitions import sql_text


def aggregate(neos: list[str], approaches: list[str], _day: dt.date) -> Rows:
    """Return the rows of metrics and yearly statistics."""
    database = duckdb.connect()
    for name, paths in (("stored_neos", neos), ("stored_close_approaches", approaches)):
        database.read_parquet(paths, hive_partitioning=False).create_view(name)
    database.execute(sql_text("counted"))
    return (
        database.sql(sql_text("metrics", THRESHOLD_AU)).fetchall(),
        database.sql(sql_text("yearly_statistics", THRESHOLD_AU)).fetchall(),
    )
