"""What the peers read, and how those do that have no reader of many files of their own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

THRESHOLD_AU = 0.2
COLUMNS = [
    *("neo_id", "close_approach_date", "orbiting_body"),
    *("miss_distance_au", "relative_velocity_km_per_sec"),
]
GROUPS = ["year", "orbiting_body"]
Rows = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


def in_order(paths: list[str], columns: list[str]) -> pa.Table:
    """Return the rows of all files, beside the place of each one's file among them."""
    with ThreadPoolExecutor() as threads:
        tables = list(threads.map(lambda path: pq.ParquetFile(path).read(columns), paths))
    order = np.arange(len(tables), dtype=np.int32)
    rows = pa.concat_tables(table.replace_schema_metadata(None) for table in tables)
    orders = np.repeat(order, [table.num_rows for table in tables])
    return rows.append_column("fetch_order", pa.array(orders))
