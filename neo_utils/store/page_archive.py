"""Archived pages: each as received, without keys, with a note that records its provenance."""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from neo_utils.neows.contract import LARGEST_PAGE

_SKIPPABLE_FRAME = 0x184D2A50  # RFC 8878, section 3.1.2: zstd tools skip such a frame
_HEAD = struct.Struct("<II")  # the frame's magic number, its size in bytes


def pack(body: bytes, note: Mapping[str, Any]) -> bytes:
    """Return a page compressed with zstd, after a skippable frame with the note as JSON.

    Examples
    --------
    >>> archived = pack(b'{"near_earth_objects": []}', {"source": "sample"})
    >>> note_of(archived), body_of(archived)
    ({'source': 'sample'}, b'{"near_earth_objects": []}')
    """
    text = json.dumps(note).encode()
    compressed: bytes = pa.Codec("zstd").compress(body, asbytes=True)
    return _HEAD.pack(_SKIPPABLE_FRAME, len(text)) + text + compressed


def note_of(archived: bytes) -> dict[str, Any]:
    """Return the note of an archived page.

    Raises
    ------
    ValueError
        If there is no valid note: the file is corrupted, or another program wrote it.
    """
    if len(archived) < _HEAD.size:
        raise ValueError("the archived page is truncated")
    magic, size = _HEAD.unpack_from(archived)
    if magic != _SKIPPABLE_FRAME:
        raise ValueError("the archived page has no note")
    note = json.loads(archived[_HEAD.size : _HEAD.size + size])
    if not isinstance(note, dict):
        raise ValueError("the note of the archived page is not a JSON object")
    return note


def body_of(archived: bytes) -> bytes:
    """Return the body of an archived page.

    Raises
    ------
    ValueError
        If it cannot be decompressed, or is larger than ``LARGEST_PAGE``.
    """
    try:
        with pa.input_stream(pa.py_buffer(archived), compression="zstd") as stream:
            body: bytes = stream.read(LARGEST_PAGE + 1)
    except OSError as error:
        raise ValueError(f"the archived page cannot be decompressed: {error}") from None
    if len(body) > LARGEST_PAGE:
        raise ValueError(f"the archived page has more than {LARGEST_PAGE:,} bytes")
    return body


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a page or file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
