"""What lies on disk of a batch: its Parquet tables, its page as received, what was rejected."""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.errors import StoredDataBroken
from neo_utils.neows.pages import Rejected
from neo_utils.neows.service import Service, check_noted, service_of_page
from neo_utils.positions import TABLES, Batch, PositionRange
from neo_utils.store.atomic import remove_leftovers, write_in_order
from neo_utils.store.folders import exists, names_in, raise_if_refused
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import note_of, packed, sha256
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import CLOSE_APPROACHES, RAW
from neo_utils.store.stable_read import complete, retried
from neo_utils.store.votable import voparquet_metadata

log = logging.getLogger(__name__)

# zstd: a third smaller than snappy on these tables, at no measurable cost for 20 NEOs.
# dictionary: ids and bodies repeat in every row of the approaches.
PARQUET_SETTINGS: dict[str, Any] = {"compression": "zstd", "use_dictionary": True}

_REJECTED = {"position", "field_path", "reason", "object"}
_SCHEMAS = {"raw": RAW, "close_approaches": CLOSE_APPROACHES}

# An object of the service nests five deep; some hundred openings in a row, and readers give up.
_TOO_DEEP = re.compile(rb"(?:[\[{]\s*(?:\"[^\"]*\"\s*:\s*)?){100}")


def write_batch(
    output: Path,
    batch: Batch,
    page: Page,
    body: bytes,
    provenance: Provenance,
    parquet_settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> None:
    """Store one batch under ``output``; it counts as stored once its raw file, the last, is there.

    Parameters
    ----------
    body
        The page as received, keys removed.
    parquet_settings
        Keyword arguments of ``pyarrow.parquet.write_table``.
    """
    metadata = provenance.as_metadata()
    raw = parquet_bytes(page.neos, metadata, parquet_settings)
    close_approaches = parquet_bytes(page.close_approaches, metadata, parquet_settings)
    rejected = json_lines(page.rejected) if page.rejected else None
    # With this note the files can be checked, and made again from the page alone.
    note = {
        **metadata,
        "parquet_settings": dict(parquet_settings),
        "raw_sha256": sha256(raw),
        "close_approaches_sha256": sha256(close_approaches),
        # null says that there is no such file: one that lies there is not ours.
        "rejected_sha256": None if rejected is None else sha256(rejected),
    }
    contents = {
        "pages": packed(body, note),
        "close_approaches": close_approaches,
        "rejected": rejected,
        "raw": raw,
    }
    write_in_order([(batch.file(output, table), content) for table, content in contents.items()])
    for table, content in contents.items():
        if content is not None:
            log.debug("wrote %s (%d bytes)", batch.file(output, table), len(content))


def batches_with(table: str, output: Path, positions: PositionRange) -> list[Batch]:
    """Return the batches of the range that have a file of ``table``, in order of position."""
    prefix = "batch-number="
    found = names_in(output / TABLES[table][0])
    names = {name.removeprefix(prefix) for name in found if name.startswith(prefix)}
    firsts = {name.partition("-")[0] for name in names}
    batches = sorted(Batch(int(first)) for first in firsts if first.isdecimal())
    return [
        batch
        for batch in batches
        if batch.name in names and positions.covers(batch) and exists(batch.file(output, table))
    ]


def stored_provenances(
    output: Path, positions: PositionRange, *, skip_broken: bool = False
) -> dict[Batch, Provenance]:
    """Return the stored batches of the range, each with where it comes from.

    A batch that a running backfill replaces is waited for; one that goes meanwhile is not stored.

    Raises
    ------
    StoredDataBroken
        If a raw file is not one of ours, unless such batches are to be skipped.
    """
    provenances: dict[Batch, Provenance] = {}
    broken_ones: set[Batch] = set()

    def all_found() -> bool:
        """Read what was not there before, and check whether every page now has its raw file."""
        begun = {b for table in ("raw", "pages") for b in batches_with(table, output, positions)}
        for batch in sorted(begun - provenances.keys() - broken_ones):
            try:
                provenances[batch] = _provenance_of(output, batch)
            except FileNotFoundError:
                continue
            except StoredDataBroken:
                if not skip_broken:
                    raise
                broken_ones.add(batch)
        return begun <= provenances.keys() | broken_ones

    complete(output, all_found)
    return dict(sorted(provenances.items()))


def noted_service(output: Path, batch: Batch) -> Service | None:
    """Return the service that a batch comes from, sound or not; None where no file tells it."""
    with suppress(pa.ArrowException, OSError, ValueError):
        return _provenance_in(batch.file(output, "raw")).service
    with suppress(OSError, KeyError, ValueError):
        note = note_of(batch.file(output, "pages").read_bytes())
        source, url = str(note["source"]), str(note["url"])
        check_noted(source, url)
        return service_of_page(source, url)
    return None


def broken(output: Path, batch: Batch, reason: object) -> StoredDataBroken:
    """Return the failure of a stored batch, with the command that mends it."""
    span = PositionRange(batch.first, batch.last)
    command = make_command("backfill", span, output, noted_service(output, batch))
    return StoredDataBroken(
        f"batch {batch.name} in {output} is not as it was stored ({reason}): "
        f"{command} takes it again"
    )


def provenance_of(output: Path, batch: Batch) -> Provenance:
    """Return where a stored batch comes from; StoredDataBroken where its raw file is not ours."""
    try:
        return _provenance_of(output, batch)
    except FileNotFoundError as error:
        raise broken(output, batch, f"raw: {str(error).splitlines()[0]}") from None


def _provenance_of(output: Path, batch: Batch) -> Provenance:
    path = batch.file(output, "raw")
    try:
        return _provenance_in(path)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise_if_refused(path, error)
        raise broken(output, batch, f"raw: {str(error).splitlines()[0]}") from None


def _provenance_in(raw: Path) -> Provenance:
    return Provenance.from_metadata(pq.read_schema(raw).metadata or {})


def read_table(
    output: Path, batches: Iterable[Batch], table: str, columns: list[str] | None = None
) -> pa.Table:
    """Return ``table`` ("raw" or "close_approaches") of these batches, one after the other.

    Raises
    ------
    StoredDataBroken
        If a file cannot be read, or has other columns.
    """
    return pa.concat_tables(_table_of(output, batch, table, columns) for batch in batches)


def _table_of(output: Path, batch: Batch, table: str, columns: list[str] | None) -> pa.Table:
    wanted = _SCHEMAS[table]
    if columns is not None:
        wanted = pa.schema([wanted.field(name) for name in columns])
    path = batch.file(output, table)
    try:
        stored = retried(output, partial(read_parquet, path, columns))
    except (pa.ArrowException, OSError) as error:
        raise_if_refused(path, error)
        raise broken(output, batch, f"{table}: {str(error).splitlines()[0]}") from None
    if not stored.schema.equals(wanted):
        raise broken(output, batch, f"{table}: other columns than it was stored with")
    return stored.replace_schema_metadata(None)


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the table of one file, or those of the columns that it has."""
    # In half the time of `pq.read_table`, which first makes a dataset of the one file; and the few
    # rows of a batch are no work to share.
    with pq.ParquetFile(path) as file:
        return file.read(columns, use_threads=False)


def read_rejected(output: Path, batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Return the rejected objects of these batches: position, field path, reason, object.

    Raises
    ------
    StoredDataBroken
        If a file cannot be read.
    """
    return [one for batch in batches for one in _rejected_of(output, batch)]


def _rejected_of(output: Path, batch: Batch) -> list[dict[str, Any]]:
    path = batch.file(output, "rejected")
    try:
        lines = path.read_bytes().splitlines()
        rejected = [json.loads(line) for line in lines]
    except FileNotFoundError:  # as with most batches
        return []
    except OSError as error:
        raise_if_refused(path, error)
        raise broken(output, batch, f"rejected: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise broken(output, batch, f"rejected: {error}") from None
    if not all(isinstance(one, dict) and one.keys() == _REJECTED for one in rejected):
        raise broken(output, batch, "rejected: other entries than it was stored with")
    return rejected


def remove_temporaries(output: Path, batches: Iterable[Batch]) -> None:
    """Remove what a killed run left half-written of these batches."""
    for batch in batches:
        for table in TABLES:
            remove_leftovers(batch.file(output, table).parent)


def parquet_bytes(
    table: pa.Table,
    metadata: Mapping[str, str],
    settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> bytes:
    """Return the table as a Parquet file with this metadata: the same bytes for the same input.

    The metadata also have a VOTable that describes the columns.
    """
    of_writer = dict(settings)
    row_group_size = of_writer.pop("row_group_size", None)
    told = table.replace_schema_metadata(dict(metadata))
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(buffer, told.schema, **of_writer) as writer:
        writer.write_table(told, row_group_size)
        # As metadata of the schema, Arrow would keep the VOTable a second time, a third larger.
        writer.add_key_value_metadata(voparquet_metadata(table, metadata))
    return bytes(buffer.getvalue())


def json_lines(rejected: list[Rejected]) -> bytes:
    """Return the rejected objects, one a line, as they are stored."""
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
    """Return the object, or, where no reader of JSON would take it, its text as a JSON string."""
    try:
        json.loads(object_json)
        readable = not _TOO_DEEP.search(object_json)
    except (ValueError, RecursionError):  # broken UTF-8, numbers of thousands of digits, ...
        readable = False
    if not readable:
        return json.dumps(object_json.decode("utf-8", "backslashreplace")).encode()
    return object_json
