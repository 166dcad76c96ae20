"""Verify stored batches against their checksums and their archived pages."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pyarrow as pa

from neo_utils import __version__
from neo_utils.positions import Batch, PositionRange
from neo_utils.store.batches import batches_with, corrupted, json_lines, read_parquet
from neo_utils.store.folders import exists, raise_if_refused
from neo_utils.store.page_archive import note_of, sha256
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import read_archived
from neo_utils.store.stable_read import confirmed_faults, wait_for_writer

_TABLES = ("raw", "close_approaches")
# Reasons come from the validation library, and their wording may change between versions.
_REASON = re.compile(rb'"reason":"(?:[^"\\]|\\.)*",')


def check_files(output: Path, batches: Iterable[Batch]) -> None:
    """Compare the files with the checksums recorded when they were written.

    This reads every file and finds truncated, edited or replaced files, and older file layouts.

    Raises
    ------
    StoredDataBroken
        For the first corrupted batch.
    """
    for batch in batches:
        # One at a time: the first corrupted batch raises.
        for reason in confirmed_faults(output, [batch], partial(_changed_file, output)).values():
            raise corrupted(output, batch, reason)


def verify(output: Path, positions: PositionRange) -> dict[Batch, str]:
    """Return the fault of each corrupted batch of the range; empty if all are valid.

    In addition to ``check_files``, this decodes every archived page and compares it with the
    tables, and compares its note with their metadata.
    """

    def check(batch: Batch) -> str | None:
        reason = _changed_file(output, batch) or _differing_file(output, batch)
        # A batch that lost its raw file meanwhile is no longer stored.
        return reason if exists(batch.file(output, "raw")) else None

    return confirmed_faults(output, batches_with("raw", output, positions), check)


def unfinished(output: Path, positions: PositionRange) -> list[Batch]:
    """Return the batches that a killed run left with a page but without a raw file.

    They are not stored. ``make fetch`` fetches them; ``make rebuild`` builds them from their pages.
    """
    incomplete: set[Batch] = set(batches_with("pages", output, positions))

    def all_stored() -> bool:
        incomplete.difference_update(batches_with("raw", output, positions))
        return not incomplete

    wait_for_writer(output, all_stored)
    return sorted(incomplete)


def _changed_file(output: Path, batch: Batch) -> str | None:
    page = batch.file(output, "pages")
    try:
        note = note_of(page.read_bytes())
        expected = {table: note[f"{table}_sha256"] for table in (*_TABLES, "rejected")}
    except FileNotFoundError:
        return f"{page.name} is missing"
    except KeyError as error:
        return (
            f"pages: the note of an older version has no {error.args[0]}; if the page is valid, "
            "`make rebuild` of the same range adds it"
        )
    except OSError as error:
        raise_if_refused(page, error)
        return f"pages: {error.strerror}"
    except ValueError as error:
        return f"pages: {error}"
    reasons = (_changed(output, batch, table, sha) for table, sha in expected.items())
    return next((reason for reason in reasons if reason), None)


def _changed(output: Path, batch: Batch, table: str, expected: str | None) -> str | None:
    path = batch.file(output, table)
    try:
        found = sha256(path.read_bytes())
    except FileNotFoundError:
        return f"{path.name} is missing" if expected else None
    except OSError as error:
        raise_if_refused(path, error)
        return f"{table}: {error.strerror}"
    return None if found == expected else f"{table}: the file's checksum differs"


def _differing_file(output: Path, batch: Batch) -> str | None:
    """Return what differs from the page, in case file and checksum were changed together."""
    try:
        archived = read_archived(output, batch)
    except ValueError as error:
        return f"pages: {error}"
    page = archived.page
    made = {"raw": page.neos, "close_approaches": page.close_approaches}
    reasons = [
        _differing_table(output, batch, table, made[table], archived.provenance)
        for table in _TABLES
    ]
    reasons.append(_differing_rejected(output, batch, page, archived.provenance))
    return next(filter(None, reasons), None)


def _differing_table(
    output: Path, batch: Batch, table: str, made: pa.Table, noted: Provenance
) -> str | None:
    path = batch.file(output, table)
    try:
        stored = read_parquet(path)
        recorded = Provenance.from_metadata(stored.schema.metadata or {})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise_if_refused(path, error)
        return f"{table}: {str(error).splitlines()[0]}"
    differing = recorded.differing_from(noted)
    if differing:
        return f"{table}: {', '.join(differing)} of the file and the page's note differ"
    same = stored.schema.equals(made.schema) and stored.equals(made)
    return None if same else f"{table}: the rows differ from the page's{_by_older_rules(noted)}"


def _by_older_rules(noted: Provenance) -> str:
    """Name the version that decoded a page, if its rules may have differed from this version's."""
    version = noted.package_version
    if version == __version__:
        return ""
    return f", which version {version} decoded; `make rebuild` applies the rules of {__version__}"


def _differing_rejected(output: Path, batch: Batch, page: Page, noted: Provenance) -> str | None:
    path = batch.file(output, "rejected")
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        stored = b""
    same = _REASON.sub(b"", stored) == _REASON.sub(b"", json_lines(page.rejected))
    fault = "rejected: the objects differ from the page's"
    return None if same else f"{fault}{_by_older_rules(noted)}"
