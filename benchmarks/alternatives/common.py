"""Code shared by the alternatives: columns, a reader of many files, the rows of metrics."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

THRESHOLD_AU = 0.2
COLUMNS = [
    *("position", "neo_id", "close_approach_date", "orbiting_body"),
    *("miss_distance_au", "relative_velocity_km_per_sec"),
]
GROUPS = ["year", "orbiting_body"]
Rows = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


def read_files(paths: list[str], columns: list[str]) -> pa.Table:
    """Return these columns of all files."""
    with ThreadPoolExecutor() as threads:
        tables = list(threads.map(lambda path: pq.ParquetFile(path).read(columns), paths))
    return pa.concat_tables(table.replace_schema_metadata(None) for table in tables)


def metrics(totals: Iterable[Any], years: Iterable[tuple[Any, Any]]) -> list[tuple[str, int]]:
    """Return the rows of metrics from the totals, in this order, and the approaches per year."""
    names = ["neos", "close_approaches", "close_approaches_earth"]
    under = ("close_approaches_under_0.2_au", "neos_under_0.2_au")
    names += [name + body for name in under for body in ("", "_earth")]
    rows = [(f"total_{name}", int(n)) for name, n in zip(names, totals, strict=True)]
    return rows + [(f"close_approaches_in_{year}", int(n)) for year, n in years]
