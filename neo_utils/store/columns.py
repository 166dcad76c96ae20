"""Read selected columns of the stored batches into one table.

Opening a file costs Spark 3 to 5 ms of processor time and PyArrow 1 ms, and a batch has two files.
So the files are read here, and an engine receives one table.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from neo_utils.positions import Batch
from neo_utils.store.batches import read_table
from neo_utils.store.schemas import SCHEMAS
from neo_utils.store.selection import Selection

_COLUMNS = {
    "raw": ["id"],
    "close_approaches": [
        *("neo_id", "close_approach_date", "orbiting_body"),
        *("miss_distance_au", "relative_velocity_km_per_sec"),
    ],
}


def read_rows(selection: Selection, table: str, further: Sequence[str] = ()) -> pa.Table:
    """Return the rows of all batches of a selection, oldest batch first.

    Parameters
    ----------
    table
        "raw" or "close_approaches".
    further
        Columns to read besides those that statistics use.

    Returns
    -------
    Table
        These columns, ``fetch_order`` (int32; 0 for the batch fetched first) and ``fetched_on``
        (the date of the fetch, UTC).

    Raises
    ------
    StoredDataBroken
        If a file cannot be read or has unexpected columns.
    """
    batches = selection.oldest_first
    columns = list(dict.fromkeys([*_COLUMNS[table], *further]))

    def read(batch: Batch) -> pa.Table:
        return read_table(selection.output, [batch], table, columns)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        tables = list(threads.map(read, [batch for batch, _ in batches]))
    schema = pa.schema([SCHEMAS[table].field(name) for name in columns])
    rows = pa.concat_tables(tables).cast(schema)
    counts = [one.num_rows for one in tables]
    days = np.array([provenance.fetched_at.date() for _, provenance in batches], "datetime64[D]")
    order = np.arange(len(batches), dtype=np.int32)
    return rows.append_column("fetch_order", pa.array(np.repeat(order, counts))).append_column(
        "fetched_on", pa.array(np.repeat(days, counts))
    )


def newest_rows(selection: Selection, table: str, further: Sequence[str] = ()) -> pa.Table:
    """Return those of `read_rows` that the statistics use: each NEO from its newest batch."""
    rows = read_rows(selection, table, further)
    neos = rows if table == "raw" else read_rows(selection, "raw")
    newest = dict(zip(neos["id"].to_pylist(), neos["fetch_order"].to_pylist(), strict=True))
    keys = zip(rows.column(0).to_pylist(), rows["fetch_order"].to_pylist(), strict=True)
    return rows.filter(pa.array([newest[neo_id] == order for neo_id, order in keys], pa.bool_()))
