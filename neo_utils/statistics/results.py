"""How the tables of statistics are written, what they follow from, and how they are read."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils import __version__
from neo_utils.engines.engine import Rows, one_line_failures, origins
from neo_utils.errors import StoredDataBroken, StoredDataChanged
from neo_utils.positions import PositionRange
from neo_utils.statistics.definitions import sql_text
from neo_utils.statistics.result_files import result_path
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import parquet_bytes, stored_provenances
from neo_utils.store.folders import raise_if_refused
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import sha256
from neo_utils.store.schemas import METRICS, YEARLY_STATISTICS
from neo_utils.store.selection import Selection

# What the metadata of a table of ours contain. The folder may have been passed on.
_FORMS = {
    b"inputs_sha256": rb"[0-9a-f]{64}",
    b"threshold_au": rb"\d{1,9}(\.\d{1,20})?(e-?\d{1,2})?",
}
_SCHEMAS = {"metrics": METRICS, "yearly_statistics": YEARLY_STATISTICS}


def save(name: str, frame: Rows, selection: Selection, threshold_au: float) -> pa.Table:
    """Compute a table of statistics, write it beside the batches, and return it.

    An earlier result stays readable until the new one is there.

    Parameters
    ----------
    name
        "metrics" or "yearly_statistics".

    Raises
    ------
    JobFailed
        If the engine cannot compute it.
    StoredDataChanged
        If a batch was fetched anew while it was counted, or the frame was read from other batches.
    """
    # A few hundred rows: the driver writes them itself, whole or not at all, in the same bytes
    # whether the executors run here or on a cluster.
    with one_line_failures():
        table = frame.toArrow()
    table = table.cast(_SCHEMAS[name])
    _check_unchanged(selection)
    _check_read(frame, selection)
    first, last = selection.fetched
    metadata = {
        "inputs_sha256": inputs_sha256(selection, threshold_au),
        "pages_sha256": selection.pages_sha256,  # checked: the engine read these and no other pages
        "values_sha256": _values_sha256(table),
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
    texts = [sql_text(name, threshold_au) for name in ("counted", *_SCHEMAS)]
    parts = [selection.pages_sha256, *texts, selection.source_line, __version__]
    return sha256("\n".join(parts).encode())


def counted_from(output: Path, positions: PositionRange) -> str | None:
    """Return the checksum of what the saved results of a range follow from; None without any."""
    sums = set()
    for name in _SCHEMAS:
        try:
            sums.add(read_result(name, output, positions).schema.metadata[b"inputs_sha256"])
        except (FileNotFoundError, StoredDataBroken):
            return None
    return sums.pop().decode() if len(sums) == 1 else None


def counted_threshold(selection: Selection) -> float | None:
    """Return the threshold (AU) of the saved results; None where they are not of these pages."""
    try:
        metadata = read_result("metrics", selection.output, selection.positions).schema.metadata
    except (FileNotFoundError, StoredDataBroken):
        return None
    # As the parameters gave it: 1 and 1.0 stand in the metrics' names differently.
    threshold: float = json.loads(metadata[b"threshold_au"])
    counted = counted_from(selection.output, selection.positions)
    return threshold if counted == inputs_sha256(selection, threshold) else None


def read_result(name: str, output: Path, positions: PositionRange) -> pa.Table:
    """Return a saved table of statistics of a range.

    Raises
    ------
    FileNotFoundError
        If the range was not counted.
    StoredDataBroken
        If the table is not as it was counted.
    """
    path = result_path(name, output, positions)
    table = _intact(path)
    if table is None:
        raise StoredDataBroken(
            f"{path} is not as it was counted: {make_command('aggregate', positions, output)} "
            "counts again"
        )
    return table


def is_intact(path: Path) -> bool:
    """Check whether a file is a table of statistics as it was counted."""
    return _intact(path) is not None


def _intact(path: Path) -> pa.Table | None:
    try:
        table = pq.read_table(path, partitioning=None)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise_if_refused(path, error)
        return None
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    sound = all(re.fullmatch(form, metadata.get(name, b"")) for name, form in _FORMS.items())
    return table if sound and _noted_sha256(table) == _values_sha256(table) else None


def check_results(output: Path, positions: PositionRange) -> None:
    """Raise StoredDataBroken for a saved table of a range that is not as it was counted."""
    for name in _SCHEMAS:
        with suppress(FileNotFoundError):
            read_result(name, output, positions)


def _noted_sha256(table: pa.Table) -> str:
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    return metadata.get(b"values_sha256", b"").decode()


def _values_sha256(table: pa.Table) -> str:
    """Return a checksum of what a table says, however Parquet packs it."""
    return sha256(repr(table.to_pydict()).encode())


def _check_unchanged(selection: Selection) -> None:
    """Raise where the batches are no longer those that the numbers were made of."""
    stored = stored_provenances(selection.output, selection.positions, skip_broken=True)
    changed = [batch for batch, p in selection.provenances.items() if stored.get(batch) != p]
    if changed:
        raise StoredDataChanged(
            f"batch {changed[0].name} was fetched anew while it was counted: run the same command "
            "again; earlier results stay as they are"
        )


def _check_read(frame: Rows, selection: Selection) -> None:
    """Raise StoredDataChanged if the engine read the rows of another selection."""
    if origins(frame) != {selection.pages_sha256}:
        raise StoredDataChanged(
            f"the rows that were counted are not those of {selection.positions.name} in "
            f"{selection.output}. Earlier results are unchanged. Run the same command again"
        )
