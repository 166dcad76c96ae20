"""Verify stored batches against their checksums and their archived pages."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import get_args

import pyarrow as pa

from neo_utils import __version__
from neo_utils.errors import StoredDataBroken
from neo_utils.positions import Batch, PositionRange, batches_text
from neo_utils.store.batches import batches_with, corrupted, json_lines, read_parquet
from neo_utils.store.folders import exists, reason_of
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import note_of, sha256
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import ArchivedPage, read_archived
from neo_utils.store.schemas import StoredTable
from neo_utils.store.stable_read import attempts_beside_writer, confirmed_faults

_TABLES = get_args(StoredTable)
_OLDER = "pages: the note of an older version"
# Reasons come from the validation library, and their wording may change between versions.
_REASON = re.compile(rb'"reason":"(?:[^"\\]|\\.)*",')


def check_files(output: Path, batches: Iterable[Batch]) -> None:
    """Compare the files with the checksums recorded when they were written.

    This reads every file and finds truncated, edited or replaced files, and older file layouts.

    Raises
    ------
    StoredDataBroken
        For the first corrupted batch, or for all batches that an older version stored.
    """
    faults = confirmed_faults(output, batches, partial(changed_file, output))
    older = [batch for batch, reason in faults.items() if reason.startswith(_OLDER)]
    for batch, reason in faults.items():
        if batch not in older:
            raise corrupted(output, batch, reason)
    if older:
        span = PositionRange(min(older).first, max(older).last)
        raise StoredDataBroken(
            f"an older version stored {batches_text(len(older))} of {span.in_words} in {output}, "
            "without the tables of this version. Stored data is kept. Run "
            f"{make_command('rebuild', span, output)} to add them, without a request"
        )


def verify(output: Path, positions: PositionRange) -> dict[Batch, str]:
    """Return the fault of each corrupted batch of the range; empty if all are valid.

    In addition to ``check_files``, this decodes every archived page and compares it with the
    tables, and compares its note with their metadata.
    """

    def check(batch: Batch) -> str | None:
        reason = changed_file(output, batch) or _differing_file(output, batch)
        # A batch that lost its raw file meanwhile is no longer stored.
        return reason if exists(batch.file(output, "raw")) else None

    return confirmed_faults(output, batches_with("raw", output, positions), check)


def unfinished(output: Path, positions: PositionRange) -> list[Batch]:
    """Return the batches that a killed run left with a page but without a raw file.

    They are not stored. ``make fetch`` fetches them; ``make rebuild`` builds them from their pages.
    """
    incomplete = set(batches_with("pages", output, positions))
    for _ in attempts_beside_writer(output):
        incomplete.difference_update(batches_with("raw", output, positions))
        if not incomplete:
            break
    return sorted(incomplete)


def changed_file(output: Path, batch: Batch) -> str | None:
    """Return which file differs from the checksum in the note of the archived page."""
    path = batch.file(output, "pages")
    try:
        note = note_of(path.read_bytes())
        expected = {table: note[f"{table}_sha256"] for table in (*_TABLES, "rejected")}
    except FileNotFoundError:
        return f"{path.name} is missing"
    except KeyError as error:
        return (
            f"{_OLDER} has no {error.args[0]}; if the page is valid, `make rebuild` of the same "
            "range adds it"
        )
    except (OSError, ValueError) as error:
        return f"pages: {reason_of(path, error)}"
    reasons = (_changed(batch.file(output, table), table, sha) for table, sha in expected.items())
    return next(filter(None, reasons), None)


def _changed(path: Path, table: str, expected: str | None) -> str | None:
    try:
        found = sha256(path.read_bytes())
    except FileNotFoundError:
        return f"{path.name} is missing" if expected else None
    except OSError as error:
        return f"{table}: {reason_of(path, error)}"
    return None if found == expected else f"{table}: the file's checksum differs"


def _differing_file(output: Path, batch: Batch) -> str | None:
    """Return what differs from the page, in case file and checksum were changed together."""
    try:
        archived = read_archived(output, batch)
    except ValueError as error:
        return f"pages: {error}"
    reasons = (_differing_table(output, batch, table, archived) for table in _TABLES)
    return next(filter(None, reasons), None) or _differing_rejected(output, batch, archived)


def _differing_table(
    output: Path, batch: Batch, table: StoredTable, archived: ArchivedPage
) -> str | None:
    path, noted = batch.file(output, table), archived.provenance
    made = archived.page.tables[table]
    try:
        stored = read_parquet(path)
        recorded = Provenance.from_metadata(stored.schema.metadata or {})
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"{table}: {reason_of(path, error)}"
    differing = recorded.differing_from(noted)
    if differing:
        return f"{table}: {', '.join(differing)} of the file and the page's note differ"
    same = stored.schema.equals(made.schema) and stored.equals(made)
    return None if same else f"{table}: the rows differ from the page's{_by_older_rules(noted)}"


def _differing_rejected(output: Path, batch: Batch, archived: ArchivedPage) -> str | None:
    try:
        stored = batch.file(output, "rejected").read_bytes()
    except FileNotFoundError:
        stored = b""
    if _REASON.sub(b"", stored) == _REASON.sub(b"", json_lines(archived.page.rejected)):
        return None
    return f"rejected: the objects differ from the page's{_by_older_rules(archived.provenance)}"


def _by_older_rules(noted: Provenance) -> str:
    """Name the version that decoded a page, if its rules may have differed from this version's."""
    version = noted.package_version
    if version == __version__:
        return ""
    return f", which version {version} decoded; `make rebuild` applies the rules of {__version__}"
