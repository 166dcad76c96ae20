"""Where the tables of statistics lie, and how they are written and read."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils import __version__
from neo_utils.archive import sha256
from neo_utils.atomic import write_in_order
from neo_utils.batches import PositionRange
from neo_utils.definitions import sql_text
from neo_utils.errors import StoredDataBroken
from neo_utils.schemas import METRICS, YEARLY_STATISTICS
from neo_utils.selection import Selection
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
    """
    # A few hundred rows: the driver writes them itself, whole or not at all, in the same bytes
    # whether the executors run here or on a cluster.
    table = frame.toArrow().cast(_TABLES[name][1])
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
    sums = {_metadata(name, output, positions).get(b"inputs_sha256") for name in _TABLES}
    only = sums.pop() if len(sums) == 1 else None
    return only.decode() if only else None


def counted_threshold(selection: Selection) -> float | None:
    """Return the threshold (AU) of the saved results; None where they are not of these pages."""
    metadata = _metadata("metrics", selection.output, selection.positions)
    try:
        # As the parameters gave it: 1 and 1.0 stand in the metrics' names differently.
        threshold: float = json.loads(metadata[b"threshold_au"])
    except (KeyError, ValueError):
        return None
    counted = counted_from(selection.output, selection.positions)
    return threshold if counted == inputs_sha256(selection, threshold) else None


def _metadata(name: str, output: Path, positions: PositionRange) -> dict[bytes, bytes]:
    """Return a saved table's metadata; none where it cannot be read, and has to be counted."""
    try:
        return pq.read_schema(result_path(name, output, positions)).metadata or {}
    except (pa.ArrowException, OSError):
        return {}


def read_result(name: str, output: Path, positions: PositionRange) -> pa.Table:
    """Return a saved table of statistics of a range; StoredDataBroken where it is not readable."""
    try:
        return pq.read_table(result_path(name, output, positions), partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise StoredDataBroken(
            f"{name} of {positions.name} in {output} cannot be read "
            f"({str(error).splitlines()[0]}): `make aggregate {positions.as_words}` counts again"
        ) from None


def result_path(name: str, output: Path, positions: PositionRange) -> Path:
    """Return where a table of statistics of a range lies."""
    return output / _TABLES[name][0] / positions.name / "part-0.parquet"


def run_folder(output: Path, positions: PositionRange) -> Path:
    """Return where the executed notebooks and the logs of a range are kept."""
    return output / "runs" / positions.name
