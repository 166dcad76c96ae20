"""Where the tables of statistics lie, and how they are written and read."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils import __version__
from neo_utils.archive import sha256
from neo_utils.atomic import write_in_order
from neo_utils.batches import PositionRange
from neo_utils.definitions import sql_text
from neo_utils.schemas import METRICS, YEARLY_STATISTICS
from neo_utils.selection import Selection
from neo_utils.spark.jobs import plain_failures
from neo_utils.store import parquet_bytes

if TYPE_CHECKING:  # a runner that only reads results shall not wait for Spark's import
    from pyspark.sql import DataFrame

# Each table's folder under the output, and its columns.
_TABLES = {
    "metrics": ("aggregations", METRICS),
    "yearly_statistics": ("yearly_statistics", YEARLY_STATISTICS),
}


def save(name: str, frame: "DataFrame", selection: Selection, threshold_au: float) -> pa.Table:
    """Compute a table of statistics, write it beside the batches, and return it.

    An earlier result stays readable until the new one is there.

    Parameters
    ----------
    name
        "metrics" or "yearly_statistics".

    Raises
    ------
    JobFailed
        If Spark cannot compute it.
    """
    # A few hundred rows: the driver writes them itself, whole or not at all, in the same bytes
    # whether the executors run here or on a cluster.
    with plain_failures():
        table = frame.toArrow()
    table = table.cast(_TABLES[name][1])
    first, last = selection.fetched
    metadata = {
        "inputs_sha256": inputs_sha256(selection, threshold_au),
        "package_version": __version__,
        "source": selection.label,
        "fetched_from": f"{first:%Y-%m-%dT%H:%M:%SZ}",
        "fetched_to": f"{last:%Y-%m-%dT%H:%M:%SZ}",
        "threshold_au": str(threshold_au),
        "definition": sql_text("counted") + ";\n" + sql_text(name, threshold_au),
    }
    path = result_path(name, selection.output, selection.positions)
    write_in_order([(path, parquet_bytes(table, metadata))])
    return table


def inputs_sha256(selection: Selection, threshold_au: float) -> str:
    """Return a checksum of all that a result follows from: pages, definitions, package version."""
    pages = [f"{batch.name} {p.page_sha256}" for batch, p in selection.provenances.items()]
    texts = [sql_text(name, threshold_au) for name in ("counted", *_TABLES)]
    return sha256("\n".join([*pages, *texts, selection.source_line, __version__]).encode())


def counted_from(output: Path, positions: PositionRange) -> str | None:
    """Return the checksum of what the saved results of a range follow from; None without any."""
    sums = set()
    for name in _TABLES:
        path = result_path(name, output, positions)
        metadata = pq.read_schema(path).metadata if path.exists() else None
        sums.add((metadata or {}).get(b"inputs_sha256"))
    only = sums.pop() if len(sums) == 1 else None
    return only.decode() if only else None


def read_result(name: str, output: Path, positions: PositionRange) -> pa.Table:
    """Return a saved table of statistics of a range."""
    return pq.read_table(result_path(name, output, positions), partitioning=None)


def result_path(name: str, output: Path, positions: PositionRange) -> Path:
    """Return where a table of statistics of a range lies."""
    return output / _TABLES[name][0] / positions.name / "part-0.parquet"


def run_folder(output: Path, positions: PositionRange) -> Path:
    """Return where the executed notebooks and the logs of a range are kept."""
    return output / "runs" / positions.name
