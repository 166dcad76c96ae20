"""Check stored batches against what was written, and make their tables again from the pages."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.archive import body_of, note_of, sha256
from neo_utils.batches import Batch, PositionRange
from neo_utils.lock import sole_writer
from neo_utils.pages import PageBroken, decode_page
from neo_utils.provenance import Provenance
from neo_utils.store import batches_with, broken, write_batch

_TABLES = ("raw", "close_approaches")


def check_files(output: Path, batches: Iterable[Batch]) -> None:
    """Compare the tables' bytes with the checksums that were noted when they were written.

    It costs a reading of the files, and finds what was cut short, edited, replaced by another
    program's file, or written by an older layout.

    Raises
    ------
    StoredDataBroken
        For the first batch that is not as it was stored.
    """
    for batch in batches:
        reason = _changed_file(output, batch)
        if reason:
            raise broken(output, batch, reason)


def verify(output: Path, positions: PositionRange) -> dict[Batch, str]:
    """Return what is wrong with each stored batch of the range; nothing where all is well.

    Beyond ``check_files``, every page is unpacked, decoded, and compared with the tables.
    """
    batches = {*batches_with("raw", output, positions), *batches_with("pages", output, positions)}
    reasons = {
        batch: _changed_file(output, batch) or _differing_table(output, batch)
        for batch in sorted(batches)
    }
    return {batch: reason for batch, reason in reasons.items() if reason}


def rebuild(output: Path, positions: PositionRange) -> int:
    """Make all tables of the range again from the archived pages, without a request.

    Returns
    -------
    int
        The number of batches.

    Raises
    ------
    OutputBusy
        If a run writes to the same output.
    StoredDataBroken
        If an archived page cannot be used.
    """
    batches = batches_with("pages", output, positions)
    with sole_writer(output):
        for batch in batches:
            try:
                archived = batch.file(output, "pages").read_bytes()
                note, body = note_of(archived), body_of(archived)
                provenance = Provenance.from_metadata(_encoded(note))
                if sha256(body) != provenance.page_sha256:
                    raise ValueError("the page's checksum differs")
                page = decode_page(body, batch)
                write_batch(output, batch, page, body, provenance, note["parquet_settings"])
            except (ValueError, KeyError, TypeError) as error:  # TypeError: of the settings
                raise broken(output, batch, f"pages: {error}") from None
    return len(batches)


def _changed_file(output: Path, batch: Batch) -> str | None:
    try:
        note = note_of(batch.file(output, "pages").read_bytes())
        for table in _TABLES:
            if sha256(batch.file(output, table).read_bytes()) != note[f"{table}_sha256"]:
                return f"{table}: the file's checksum differs"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except KeyError as error:
        return f"pages: the note has no {error.args[0]}"
    except (ValueError, OSError) as error:
        return f"pages: {error}"
    return None


def _differing_table(output: Path, batch: Batch) -> str | None:
    body = b""
    try:
        archived = batch.file(output, "pages").read_bytes()
        body = body_of(archived)
        page = decode_page(body, batch)
        stored = {
            table: pq.read_table(batch.file(output, table), partitioning=None) for table in _TABLES
        }
    except (ValueError, PageBroken) as error:
        return f"pages: {error}"
    if sha256(body) != note_of(archived).get("page_sha256"):
        return "pages: the page's checksum differs"
    made = {"raw": page.neos, "close_approaches": page.close_approaches}
    differing = [table for table in _TABLES if not _same_rows(stored[table], made[table])]
    return f"{differing[0]}: other rows than the page's" if differing else None


def _same_rows(stored: pa.Table, made: pa.Table) -> bool:
    same: bool = stored.schema.equals(made.schema) and stored.equals(made)
    return same


def _encoded(note: dict[str, object]) -> dict[bytes, bytes]:
    return {name.encode(): str(value).encode() for name, value in note.items()}
