"""Read archived pages and rebuild the tables from them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from neo_utils.errors import StoredDataBroken
from neo_utils.positions import Batch, PositionRange
from neo_utils.store.batches import (
    batches_with,
    corrupted,
    parquet_bytes,
    provenance_of,
    write_batch,
)
from neo_utils.store.folders import reason_of
from neo_utils.store.locks import sole_writer
from neo_utils.store.page_archive import body_of, note_of, sha256
from neo_utils.store.page_tables import Page, decode_page
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import RAW


class ArchivedPage(NamedTuple):
    """An archived page and everything needed to rebuild its batch."""

    body: bytes
    page: Page
    provenance: Provenance
    parquet_settings: Mapping[str, Any]


def rebuild(output: Path, positions: PositionRange) -> int:
    """Rebuild all files of the range from the archived pages, without sending requests.

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
                archived = read_archived(output, batch)
                _check_against_raw(output, batch, archived.provenance)
            except ValueError as error:
                raise corrupted(output, batch, f"pages: {error}") from None
            body, page, provenance, settings = archived
            write_batch(output, batch, page, body, provenance, settings)
    return len(batches)


def read_archived(output: Path, batch: Batch) -> ArchivedPage:
    """Return the archived page of a batch.

    Raises
    ------
    ValueError
        If the page or its note is not valid; the message gives the reason.
    """
    path = batch.file(output, "pages")
    try:
        archived = path.read_bytes()
        note, body = note_of(archived), body_of(archived)
        metadata = {name.encode(): str(value).encode() for name, value in note.items()}
        provenance = Provenance.from_metadata(metadata)
        settings = note["parquet_settings"]
        if sha256(body) != provenance.page_sha256:
            raise ValueError("the page's checksum differs")
        page = decode_page(body, batch)
    except OSError as error:
        raise ValueError(reason_of(path, error)) from None
    except KeyError as error:
        raise ValueError(f"no {error.args[0]} is recorded") from None
    _check_settings(json.dumps(settings))
    return ArchivedPage(body, page, provenance, settings)


def _check_against_raw(output: Path, batch: Batch, noted: Provenance) -> None:
    """Raise ValueError if the note contradicts the raw file, which a rebuild would overwrite.

    A raw file that is missing, corrupted or from another page is ignored.
    """
    with suppress(FileNotFoundError, StoredDataBroken):
        differing = provenance_of(output, batch).differing_from(noted)
        if differing and "page_sha256" not in differing:
            raise ValueError(f"the note and the raw file differ in {', '.join(differing)}")


@lru_cache  # nearly always equal in all notes, and a check takes as long as decoding a page
def _check_settings(settings_json: str) -> None:
    try:
        parquet_bytes(RAW.empty_table(), {}, json.loads(settings_json))
    # Which error an unknown Parquet setting raises depends on the setting.
    except (TypeError, ValueError, AttributeError, OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"the note's parquet_settings cannot be used: {reason}") from None
