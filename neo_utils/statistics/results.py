"""Save and read tables of statistics, and check which inputs they were computed from."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from neo_utils import __version__
from neo_utils.engines.engine import Rows, one_line_failures
from neo_utils.errors import JobFailed, StoredDataBroken, StoredDataChanged
from neo_utils.positions import PositionRange
from neo_utils.settings.choices import check_choice
from neo_utils.statistics.counted import counted_pages, segments_replaced
from neo_utils.statistics.definitions import sql_text
from neo_utils.statistics.result_files import FOLDERS, result_path
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import parquet_bytes, read_parquet, stored_provenances
from neo_utils.store.folders import raise_if_refused
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import sha256
from neo_utils.store.schemas import SCHEMAS, ResultTable
from neo_utils.store.selection import Selection

# Expected form of a table's metadata, which is untrusted: the folder may come from someone else.
_FORMS = {
    b"inputs_sha256": rb"[0-9a-f]{64}",
    b"threshold_au": rb"\d{1,9}(\.\d{1,20})?(e-?\d{1,2})?",
}


def save(name: str, frame: Rows, selection: Selection, threshold_au: float) -> pa.Table:
    """Compute a table of statistics, write it next to the batches, and return it.

    An earlier result stays readable until the new one is complete.

    Parameters
    ----------
    name
        "metrics" or "yearly_statistics".

    Raises
    ------
    WrongParameter
        For another name.
    JobFailed
        If the engine cannot compute it.
    StoredDataChanged
        If a batch was fetched again or a segment was built again during the computation, or
        ``frame`` reads other batches.
    """
    check_choice("name", name, ResultTable)
    # The driver writes these few hundred rows itself: atomically, and with the same bytes on every
    # engine.
    try:
        with one_line_failures():
            table = frame.toArrow()
    except JobFailed:
        if not segments_replaced(frame.sparkSession):
            raise
        raise StoredDataChanged(
            "a segment was built again during the computation. Earlier results are unchanged. Run "
            "the same command again"
        ) from None
    table = table.cast(SCHEMAS[name])
    _check_unchanged(selection)
    _check_read(frame, selection)
    first, last = selection.fetched
    metadata = {
        "inputs_sha256": inputs_sha256(selection, threshold_au),
        "pages_sha256": selection.pages_sha256,  # _check_read: the engine read exactly these pages
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
    """Return a checksum of all inputs of a result: pages, definitions, package version."""
    texts = [sql_text(name, threshold_au) for name in ("counted", *FOLDERS)]
    parts = [selection.pages_sha256, *texts, selection.source_line, __version__]
    return sha256("\n".join(parts).encode())


def saved_inputs_sha256(output: Path, positions: PositionRange) -> str | None:
    """Return the inputs checksum of a range's saved results, or None if there are none."""
    sums = set()
    for name in FOLDERS:
        try:
            sums.add(read_result(name, output, positions).schema.metadata[b"inputs_sha256"])
        except (FileNotFoundError, StoredDataBroken):
            return None
    return sums.pop().decode() if len(sums) == 1 else None


def saved_threshold(selection: Selection) -> float | None:
    """Return the threshold (AU) of the saved results, or None if they are outdated."""
    try:
        metadata = read_result("metrics", selection.output, selection.positions).schema.metadata
    except (FileNotFoundError, StoredDataBroken):
        return None
    # Keep int or float as in the parameters: 1 and 1.0 give different metric names.
    threshold: float = json.loads(metadata[b"threshold_au"])
    counted = saved_inputs_sha256(selection.output, selection.positions)
    return threshold if counted == inputs_sha256(selection, threshold) else None


def read_result(name: str, output: Path, positions: PositionRange) -> pa.Table:
    """Return a saved table of statistics of a range.

    Raises
    ------
    FileNotFoundError
        If there is no result for the range.
    StoredDataBroken
        If the table is corrupted.
    """
    path = result_path(name, output, positions)
    table = _intact(path)
    if table is None:
        raise StoredDataBroken(
            f"{path} is corrupted. Run {make_command('aggregate', positions, output)} to compute it"
            " again"
        )
    return table


def is_intact(path: Path) -> bool:
    """Check whether a file is an unchanged table of statistics."""
    return _intact(path) is not None


def _intact(path: Path) -> pa.Table | None:
    try:
        table = read_parquet(path)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise_if_refused(path, error)
        return None
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    sound = all(re.fullmatch(form, metadata.get(name, b"")) for name, form in _FORMS.items())
    return table if sound and _noted_sha256(table) == _values_sha256(table) else None


def check_results(output: Path, positions: PositionRange) -> None:
    """Raise StoredDataBroken if a saved table of a range is corrupted."""
    for name in FOLDERS:
        with suppress(FileNotFoundError):
            read_result(name, output, positions)


def _noted_sha256(table: pa.Table) -> str:
    metadata: dict[bytes, bytes] = table.schema.metadata or {}
    return metadata.get(b"values_sha256", b"").decode()


def _values_sha256(table: pa.Table) -> str:
    """Return a checksum of a table's values, independent of the Parquet encoding."""
    return sha256(repr(table.to_pydict()).encode())


def _check_unchanged(selection: Selection) -> None:
    """Raise StoredDataChanged if the batches on disk are no longer those of the selection."""
    stored = stored_provenances(selection.output, selection.positions, skip_broken=True)
    changed = [batch for batch, p in selection.provenances.items() if stored.get(batch) != p]
    if changed:
        raise StoredDataChanged(
            f"batch {changed[0].name} was fetched again during the computation. Earlier results are"
            " unchanged. Run the same command again"
        )


def _check_read(frame: Rows, selection: Selection) -> None:
    """Raise StoredDataChanged if ``frame`` counts something else than the selection."""
    if counted_pages(frame) != selection.pages_sha256:
        raise StoredDataChanged(
            f"the aggregated rows are not those of {selection.positions.name} in "
            f"{selection.output}. Earlier results are unchanged. Run the same command again"
        )
