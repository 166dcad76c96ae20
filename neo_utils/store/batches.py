"""Read and write the files of a batch: Parquet tables, archived page, rejected objects."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.errors import StoredDataBroken
from neo_utils.neows.pages import Rejected
from neo_utils.neows.service import Service, service_of_page
from neo_utils.positions import TABLES, Batch, PositionRange
from neo_utils.store.atomic import remove_leftovers, write_in_order
from neo_utils.store.folders import exists, names_in, reason_of
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import note_of, pack, sha256
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import SCHEMAS
from neo_utils.store.segments import listed_provenances
from neo_utils.store.stable_read import attempts_beside_writer
from neo_utils.store.votable import voparquet_metadata

log = logging.getLogger(__name__)

# zstd: a third smaller than snappy on these tables, with no measurable cost for 20 NEOs.
# dictionary: ids and bodies repeat in the rows of approaches.
PARQUET_SETTINGS: dict[str, Any] = {"compression": "zstd", "use_dictionary": True}

_FOLDER = re.compile(r"batch-number=(\d{1,9})-\d{1,9}")
_REJECTED = {"position", "field_path", "reason", "object"}

# Objects of the service nest five levels deep. JSON readers fail at several hundred levels.
_TOO_DEEP = re.compile(rb"(?:[\[{]\s*(?:\"[^\"]*\"\s*:\s*)?){100}")


def write_batch(
    output: Path,
    batch: Batch,
    page: Page,
    body: bytes,
    provenance: Provenance,
    parquet_settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> None:
    """Write one batch to ``output``. It is stored once its raw file, the last one, exists.

    Parameters
    ----------
    body
        The page as received, with keys removed.
    parquet_settings
        Keyword arguments of ``pyarrow.parquet.write_table``.
    """
    metadata = provenance.as_metadata()
    tables: dict[str, bytes] = {
        name: parquet_bytes(table, metadata, parquet_settings)
        for name, table in page.tables.items()
    }
    rejected = json_lines(page.rejected) if page.rejected else None
    # This note allows checking the files, and rebuilding them from the page alone.
    note = {
        **metadata,
        "parquet_settings": dict(parquet_settings),
        **{f"{name}_sha256": sha256(table) for name, table in tables.items()},
        # null: this batch has no such file. If one exists, another program wrote it.
        "rejected_sha256": None if rejected is None else sha256(rejected),
    }
    contents: dict[str, bytes | None] = {"pages": pack(body, note), "rejected": rejected, **tables}
    write_in_order([(batch.file(output, table), contents[table]) for table in TABLES])
    for table, content in contents.items():
        if content is not None:
            log.debug("wrote %s (%d bytes)", batch.file(output, table), len(content))


def batches_with(table: str, output: Path, positions: PositionRange) -> list[Batch]:
    """Return the batches of the range that have a file of ``table``, in order of position."""
    found = map(_FOLDER.fullmatch, names_in(output / TABLES[table][0]))
    batches = sorted({Batch(int(name[1])) for name in found if name})
    return [b for b in batches if positions.covers(b) and exists(b.file(output, table))]


def batches_on_disk(output: Path, positions: PositionRange) -> set[Batch]:
    """Return the batches of the range that have a raw file or a page, stored or incomplete."""
    return {b for table in ("raw", "pages") for b in batches_with(table, output, positions)}


def stored_provenances(
    output: Path, positions: PositionRange, *, skip_broken: bool = False
) -> dict[Batch, Provenance]:
    """Return the stored batches of the range, each with its provenance.

    This waits for batches that a running backfill is replacing. Batches removed meanwhile are not
    included.

    Raises
    ------
    StoredDataBroken
        If a raw file was not written by this project, unless ``skip_broken`` is set.
    """
    provenances = listed_provenances(output, batches_with("raw", output, positions))
    corrupted_batches: set[Batch] = set()
    for _ in attempts_beside_writer(output):
        # A batch with a page but without a raw file may be one that is being replaced.
        on_disk = batches_on_disk(output, positions)
        for batch in sorted(on_disk - provenances.keys() - corrupted_batches):
            try:
                provenances[batch] = provenance_of(output, batch)
            except FileNotFoundError:
                continue
            except StoredDataBroken:
                if not skip_broken:
                    raise
                corrupted_batches.add(batch)
        if on_disk <= provenances.keys() | corrupted_batches:
            break
    return dict(sorted(provenances.items()))


def noted_service(output: Path, batch: Batch) -> Service | None:
    """Return the service recorded in a batch, even a corrupted one; None if no file names it."""
    with suppress(pa.ArrowException, OSError, ValueError):
        return _provenance_in(batch.file(output, "raw")).service
    with suppress(OSError, KeyError, ValueError):
        note = note_of(batch.file(output, "pages").read_bytes())
        return service_of_page(str(note["source"]), str(note["url"]))
    return None


def corrupted(output: Path, batch: Batch, reason: object) -> StoredDataBroken:
    """Return the error for a corrupted batch, with the command that repairs it."""
    span = PositionRange(batch.first, batch.last)
    command = make_command("backfill", span, output, noted_service(output, batch))
    return StoredDataBroken(
        f"batch {batch.name} in {output} is corrupted ({reason}). Run {command} to fetch it again"
    )


def _unreadable(output: Path, batch: Batch, table: str, error: Exception) -> StoredDataBroken:
    reason = reason_of(batch.file(output, table), error)
    return corrupted(output, batch, f"{table}: {reason}")


def provenance_of(output: Path, batch: Batch) -> Provenance:
    """Return the provenance of a stored batch.

    Raises
    ------
    FileNotFoundError
        If it has no raw file.
    StoredDataBroken
        If its raw file was not written by this project.
    """
    try:
        return _provenance_in(batch.file(output, "raw"))
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(output, batch, "raw", error) from None


def _provenance_in(raw: Path) -> Provenance:
    return Provenance.from_metadata(pq.read_schema(raw).metadata or {})


def read_table(
    output: Path, batches: Iterable[Batch], table: str, columns: list[str] | None = None
) -> pa.Table:
    """Return ``table`` ("raw", "close_approaches" or "orbits") of these batches, concatenated.

    Raises
    ------
    StoredDataBroken
        If a file cannot be read or has unexpected columns.
    """
    return pa.concat_tables(_table_of(output, batch, table, columns) for batch in batches)


def _table_of(output: Path, batch: Batch, table: str, columns: list[str] | None) -> pa.Table:
    wanted = SCHEMAS[table]
    if columns is not None:
        wanted = pa.schema([wanted.field(name) for name in columns])
    try:
        stored = _read_beside_writer(output, batch, table, columns)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(output, batch, table, error) from None
    if stored.schema.names == wanted.names:
        stored = _without_zones(stored)
    if not stored.schema.equals(wanted):
        raise corrupted(output, batch, f"{table}: unexpected columns")
    return stored.replace_schema_metadata(None)


def _without_zones(stored: pa.Table) -> pa.Table:
    """Return the times as listed; older versions marked those of approaches as UTC."""
    fields = [
        field.with_type(pa.timestamp("ms")) if field.type == pa.timestamp("ms", "UTC") else field
        for field in stored.schema
    ]
    return stored.cast(pa.schema(fields))


def _read_beside_writer(
    output: Path, batch: Batch, table: str, columns: list[str] | None
) -> pa.Table:
    for _ in attempts_beside_writer(output):
        try:
            return read_parquet(batch.file(output, table), columns)
        except FileNotFoundError as error:
            missing = error
    raise missing


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the table of one file, or the given columns that it has."""
    # Twice as fast as `pq.read_table`, which builds a dataset first. Threads do not pay for so few
    # rows.
    with pq.ParquetFile(path) as file:
        return file.read(columns, use_threads=False)


def read_rejected(output: Path, batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Return the rejected objects of these batches: position, field_path, reason, object.

    Raises
    ------
    StoredDataBroken
        If a file cannot be read.
    """
    return [one for batch in batches for one in _rejected_of(output, batch)]


def _rejected_of(output: Path, batch: Batch) -> list[dict[str, Any]]:
    try:
        lines = batch.file(output, "rejected").read_bytes().splitlines()
        rejected = [json.loads(line) for line in lines]
    except FileNotFoundError:  # most batches have none
        return []
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(output, batch, "rejected", error) from None
    if not all(isinstance(one, dict) and one.keys() == _REJECTED for one in rejected):
        raise corrupted(output, batch, "rejected: unexpected entries")
    return rejected


def remove_temporaries(output: Path, batches: Iterable[Batch]) -> None:
    """Remove the temporary files that a killed run left in these batches."""
    for batch in batches:
        for table in TABLES:
            remove_leftovers(batch.file(output, table).parent)


def parquet_bytes(
    table: pa.Table,
    metadata: Mapping[str, str],
    settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> bytes:
    """Return the table as a Parquet file with this metadata. Equal input gives equal bytes.

    The metadata include a VOTable that describes the columns.
    """
    writer_settings = dict(settings)
    row_group_size = writer_settings.pop("row_group_size", None)
    described = table.replace_schema_metadata(dict(metadata))
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(buffer, described.schema, **writer_settings) as writer:
        writer.write_table(described, row_group_size)
        # In the schema's metadata, Arrow would store the VOTable twice: a third more bytes.
        writer.add_key_value_metadata(voparquet_metadata(table, metadata))
    return bytes(buffer.getvalue())


def json_lines(rejected: list[Rejected]) -> bytes:
    """Return the rejected objects as JSON lines."""
    return b"".join(
        b'{"position":%d,"field_path":%s,"reason":%s,"object":%s}\n'
        % (
            one.position,
            json.dumps(one.field_path).encode(),
            json.dumps(one.reason).encode(),
            _readable(one.object_json),
        )
        for one in rejected
    )


def _readable(object_json: bytes) -> bytes:
    """Return the object, or its text as a JSON string if JSON readers would reject it."""
    try:
        json.loads(object_json)
        readable = not _TOO_DEEP.search(object_json)
    except (ValueError, RecursionError):  # broken UTF-8, numbers of thousands of digits, ...
        readable = False
    if not readable:
        return json.dumps(object_json.decode("utf-8", "backslashreplace")).encode()
    return object_json
