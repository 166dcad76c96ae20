"""The archive of pages: each as received, keys removed, with a note on where it comes from."""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from neo_utils.neows.contract import LARGEST_PAGE

_SKIPPABLE_FRAME = 0x184D2A50  # RFC 8878, section 3.1.2: zstd tools pass over such a frame
_HEAD = struct.Struct("<II")  # the frame's magic number, its size in bytes


def packed(body: bytes, note: Mapping[str, Any]) -> bytes:
    """Return a page compressed by zstd, the note (as JSON) before it in a skippable frame.

    Examples
    --------
    >>> archived = packed(b'{"near_earth_objects": []}', {"source": "sample"})
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
        If there is none: the file is another program's, or broken.
    """
    if len(archived) < _HEAD.size:
        raise ValueError("the archived page is cut short")
    magic, size = _HEAD.unpack_from(archived)
    if magic != _SKIPPABLE_FRAME:
        raise ValueError("the archived page has no note")
    note = json.loads(archived[_HEAD.size : _HEAD.size + size])
    if not isinstance(note, dict):
        raise ValueError("the archived page's note holds no names and values")
    return note


def body_of(archived: bytes) -> bytes:
    """Return the page itself.

    Raises
    ------
    ValueError
        If it cannot be unpacked, or is larger than any page that is stored.
    """
    try:
        with pa.input_stream(pa.py_buffer(archived), compression="zstd") as stream:
            body: bytes = stream.read(LARGEST_PAGE + 1)
    except OSError as error:
        raise ValueError(f"the archived page cannot be unpacked: {error}") from None
    if len(body) > LARGEST_PAGE:
        raise ValueError(f"the archived page has more than {LARGEST_PAGE:,} bytes")
    return body


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a page or file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
