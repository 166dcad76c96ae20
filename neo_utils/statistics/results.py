"""Read saved tables of statistics, and check which inputs they were computed from."""

import re
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import get_args

import pyarrow as pa

from neo_utils import __version__
from neo_utils.errors import StoredDataBroken
from neo_utils.positions import PositionRange
from neo_utils.statistics.definitions import Statistic, sql_text
from neo_utils.store.batches import read_parquet
from neo_utils.store.folders import raise_if_refused
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import sha256
from neo_utils.store.result_files import FOLDERS, THRESHOLD, ResultFiles, stored_results
from neo_utils.store.selection import Selection

# Expected form of a table's metadata, which is untrusted: the folder may come from someone else.
_FORMS = {
    b"inputs_sha256": rb"[0-9a-f]{64}",
    b"threshold_au": THRESHOLD.encode(),
}


def inputs_sha256(selection: Selection, threshold_au: float) -> str:
    """Return a checksum of all inputs of a result: pages, definitions, package version."""
    # The report has all statistics, including those that are not saved.
    texts = [sql_text(name, threshold_au) for name in ("counted", *get_args(Statistic))]
    parts = [selection.pages_sha256, *texts, selection.source_line, __version__]
    return sha256("\n".join(parts).encode())


def are_current(selection: Selection, threshold_au: float) -> bool:
    """Check whether the saved results have these pages, this threshold and today's definitions."""
    wanted = inputs_sha256(selection, threshold_au).encode()
    files = selection.result_files(threshold_au)
    try:
        tables = [read_result(name, files) for name in FOLDERS]
    except (FileNotFoundError, StoredDataBroken):
        return False
    return all(table.schema.metadata[b"inputs_sha256"] == wanted for table in tables)


def read_result(name: str, files: ResultFiles) -> pa.Table:
    """Return a saved table of statistics, "metrics" or "yearly_statistics".

    Raises
    ------
    FileNotFoundError
        If there is none.
    StoredDataBroken
        If the table is corrupted.
    """
    path = files.table(name)
    table = _intact(path)
    if table is None:
        again = make_command(
            "aggregate", files.positions, files.output, threshold_au=files.threshold_au
        )
        raise StoredDataBroken(f"{path} is corrupted. Run {again} to compute it again")
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
    noted_sha256 = metadata.get(b"values_sha256", b"").decode()
    return table if sound and noted_sha256 == values_sha256(table) else None


def check_results(output: Path, positions: PositionRange) -> None:
    """Raise StoredDataBroken if a saved table of a range is corrupted, with any threshold."""
    of_range = [files for files in stored_results(output) if files.positions == positions]
    for files, name in product(of_range, FOLDERS):
        with suppress(FileNotFoundError):
            read_result(name, files)


def values_sha256(table: pa.Table) -> str:
    """Return a checksum of a table's values, independent of the Parquet encoding."""
    return sha256(repr(table.to_pydict()).encode())
