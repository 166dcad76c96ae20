"""Check stored batches against what was written, and against their pages."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pyarrow as pa

from neo_utils import __version__
from neo_utils.positions import Batch, PositionRange
from neo_utils.store.batches import batches_with, broken, json_lines, read_parquet
from neo_utils.store.folders import exists, raise_if_refused
from neo_utils.store.page_archive import note_of, sha256
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import read_archived
from neo_utils.store.stable_read import complete, settled

_TABLES = ("raw", "close_approaches")
# The wording is that of the library that checks a page, and may change with its version.
_REASON = re.compile(rb'"reason":"(?:[^"\\]|\\.)*",')


def check_files(output: Path, batches: Iterable[Batch]) -> None:
    """Compare the files' bytes with the checksums that were noted when they were written.

    It costs a reading of the files, and finds what was cut short, edited, replaced by another
    program's file, or written by an older layout.

    Raises
    ------
    StoredDataBroken
        For the first batch that is not as it was stored.
    """
    for batch in batches:
        # One by one, since the first that is corrupted ends it.
        for reason in settled(output, [batch], partial(_changed_file, output)).values():
            raise broken(output, batch, reason)


def verify(output: Path, positions: PositionRange) -> dict[Batch, str]:
    """Return what is wrong with each stored batch of the range; nothing where all is well.

    Beyond ``check_files``, every page is unpacked, decoded, and compared with the other files, and
    its note with their metadata.
    """

    def look(batch: Batch) -> str | None:
        reason = _changed_file(output, batch) or _differing_file(output, batch)
        # One that lost its raw file meanwhile is no longer stored.
        return reason if exists(batch.file(output, "raw")) else None

    return settled(output, batches_with("raw", output, positions), look)


def unfinished(output: Path, positions: PositionRange) -> list[Batch]:
    """Return the batches of which a killed run left a page, and no raw file: they are not stored.

    ``make fetch`` takes them, and ``rebuild`` makes them of their pages.
    """
    begun: set[Batch] = set(batches_with("pages", output, positions))

    def all_stored() -> bool:
        begun.difference_update(batches_with("raw", output, positions))
        return not begun

    complete(output, all_stored)
    return sorted(begun)


def _changed_file(output: Path, batch: Batch) -> str | None:
    page = batch.file(output, "pages")
    try:
        note = note_of(page.read_bytes())
        expected = {table: note[f"{table}_sha256"] for table in (*_TABLES, "rejected")}
    except FileNotFoundError:
        return f"{page.name} is missing"
    except KeyError as error:
        return (
            f"pages: the note has no {error.args[0]}, as of an older version; where the page is "
            "sound, `make rebuild` of the same range writes it"
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
    """Tell what differs where the checksums do not: someone may have changed them as well."""
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
        told = Provenance.from_metadata(stored.schema.metadata or {})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise_if_refused(path, error)
        return f"{table}: {str(error).splitlines()[0]}"
    others = told.differing_from(noted)
    if others:
        return f"{table}: another {', '.join(others)} than the page's note tells"
    same = stored.schema.equals(made.schema) and stored.equals(made)
    return None if same else f"{table}: other rows than the page's{_by_other_rules(noted)}"


def _by_other_rules(noted: Provenance) -> str:
    """Name the version that decoded a page, if it is not this one: its rules may have differed."""
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
    other = "rejected: other objects than the page's"
    return None if same else f"{other}{_by_other_rules(noted)}"
