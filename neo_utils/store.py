"""What lies on disk of a batch: its Parquet tables, its page as received, what was rejected."""

import datetime as dt
import hashlib
import json
import logging
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils import __version__
from neo_utils.atomic import remove_leftovers, write_in_order
from neo_utils.batches import TABLES, Batch, PositionRange
from neo_utils.pages import Page, Rejected

log = logging.getLogger(__name__)

# zstd: a third smaller than snappy on these tables, at no measurable cost for 20 NEOs.
# dictionary: ids and bodies repeat in every row of the approaches.
PARQUET_SETTINGS: dict[str, Any] = {"compression": "zstd", "use_dictionary": True}

_SKIPPABLE_FRAME = 0x184D2A50  # RFC 8878, section 3.1.2: zstd tools pass over such a frame


class Provenance(NamedTuple):
    """Where a batch comes from; stands in the metadata of its files."""

    source: str  # "nasa" or "sample"
    url: str  # the Browse page's address, without any key
    fetched_at: dt.datetime  # the answer's Date header (UTC)
    page_sha256: str  # of the page as archived: without the key
    catalogue_size: int  # NEOs listed at that time
    package_version: str = __version__

    def as_metadata(self) -> dict[str, str]:
        """Return the fields as text; a sample is marked as such in words."""
        fields = {name: str(value) for name, value in self._asdict().items()}
        fields["fetched_at"] = f"{self.fetched_at:%Y-%m-%dT%H:%M:%SZ}"
        if self.source == "sample":
            fields["note"] = "simulated sample, not NASA data"
        return fields

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes]) -> "Provenance":
        """Return what ``as_metadata`` wrote; KeyError or ValueError where it did not."""
        fields: dict[str, Any] = {name: metadata[name.encode()].decode() for name in cls._fields}
        fields["fetched_at"] = dt.datetime.fromisoformat(fields["fetched_at"])
        fields["catalogue_size"] = int(fields["catalogue_size"])
        return cls(**fields)


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
    contents = {
        "pages": _archived(body, metadata),
        "close_approaches": parquet_bytes(page.close_approaches, metadata, parquet_settings),
        "rejected": _json_lines(page.rejected) if page.rejected else None,
        "raw": parquet_bytes(page.neos, metadata, parquet_settings),
    }
    write_in_order([(batch.file(output, table), content) for table, content in contents.items()])
    for table, content in contents.items():
        if content is not None:
            log.debug("wrote %s (%d bytes)", batch.file(output, table), len(content))


def stored_provenances(output: Path, positions: PositionRange) -> dict[Batch, Provenance]:
    """Return the stored batches of the range, each with where it comes from."""
    names = (path.name for path in (output / TABLES["raw"][0]).glob("batch-number=*-*"))
    firsts = (name.removeprefix("batch-number=").partition("-")[0] for name in names)
    batches = sorted(Batch(int(first)) for first in firsts if first.isdecimal())
    paths = {batch: batch.file(output, "raw") for batch in batches if positions.covers(batch)}
    return {batch: _provenance(path) for batch, path in paths.items() if path.exists()}


def newest_catalogue_size(provenances: Iterable[Provenance]) -> int | None:
    """Return how many NEOs the listing had at the newest of these fetches; None where none is."""
    newest = max(provenances, key=lambda p: p.fetched_at, default=None)
    return newest.catalogue_size if newest else None


def read_table(output: Path, batches: Iterable[Batch], table: str) -> pa.Table:
    """Return ``table`` ("raw" or "close_approaches") of these batches, one after the other."""
    return pa.concat_tables(
        pq.read_table(batch.file(output, table), partitioning=None).replace_schema_metadata(None)
        for batch in batches
    )


def read_rejected(output: Path, batches: Iterable[Batch]) -> list[dict[str, Any]]:
    """Return the rejected objects of these batches: position, field path, reason, object."""
    files = (batch.file(output, "rejected") for batch in batches)
    lines = (line for file in files if file.exists() for line in file.read_bytes().splitlines())
    return [json.loads(line) for line in lines]


def remove_temporaries(output: Path, batches: Iterable[Batch]) -> None:
    """Remove what a killed run left half-written of these batches."""
    for batch in batches:
        for table in TABLES:
            remove_leftovers(batch.file(output, table).parent)


def _provenance(path: Path) -> Provenance:
    return Provenance.from_metadata(pq.read_schema(path).metadata)


def sha256(body: bytes) -> str:
    """Return the SHA-256 of a page, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def parquet_bytes(
    table: pa.Table,
    metadata: Mapping[str, str],
    settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> bytes:
    """Return the table as a Parquet file with this metadata: the same bytes for the same input."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(dict(metadata)), buffer, **settings)
    return bytes(buffer.getvalue())


def _archived(body: bytes, metadata: Mapping[str, str]) -> bytes:
    """Compress the page, its provenance before it in a frame that zstd tools pass over."""
    note = json.dumps(metadata).encode()
    compressed: bytes = pa.Codec("zstd").compress(body, asbytes=True)
    return struct.pack("<II", _SKIPPABLE_FRAME, len(note)) + note + compressed


def _json_lines(rejected: list[Rejected]) -> bytes:
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
    except ValueError:  # among them broken UTF-8 and numbers of thousands of digits
        return json.dumps(object_json.decode("utf-8", "backslashreplace")).encode()
    return object_json
