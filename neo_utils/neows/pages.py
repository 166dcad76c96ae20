"""Decode a Browse page into validated and rejected objects."""

import re
import threading
from contextlib import suppress
from typing import NamedTuple

import msgspec

from neo_utils.neows.contract import (
    LARGEST_PAGE,
    MOST_OBJECTS,
    TEXTS_OF_ORBIT,
    Envelope,
    Neo,
    Orbit,
    PageInfo,
    RawEnvelope,
    check_approaches,
)
from neo_utils.neows.salvage import mask_malformed_text, path_and_reason, salvage
from neo_utils.positions import BATCH_SIZE, Batch

# Not strict: the service writes most numbers as strings.
_PAGE = msgspec.json.Decoder(Envelope, strict=False)
_PAGE_OF_RAW_OBJECTS = msgspec.json.Decoder(RawEnvelope, strict=False)
_OBJECT = msgspec.json.Decoder(Neo, strict=False)

# The service writes decimals of orbital_data as ".25"; msgspec requires a digit before the point.
_ORBIT = b'"orbital_data"'
_LEADING_DOT = re.compile(rb'("(?<!orbit_id")(?<!equinox")\s*:\s*"-?)\.(?=\d)')
# Searching a whole page takes longer than decoding it, so only malformed pages are searched. Then
# the end of orbital_data is unknown, and texts such as a name stay as they are.
_DECIMALS = [one.name for one in msgspec.structs.fields(Orbit) if one.name not in TEXTS_OF_ORBIT]
_DECIMALS += ["astronomical", "lunar", "kilometers", "kilometers_per_second"]
_LEADING_DOT_OF_OBJECT = re.compile(rb'("(?:%b)"\s*:\s*"-?)\.(?=\d)' % "|".join(_DECIMALS).encode())
UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_LENIENT_LOCK = threading.Lock()  # one page at a time: a hostile one may take 200 MB


class InvalidPage(ValueError):
    """The page as a whole is not valid; the message gives the reason."""


class PagePastEnd(InvalidPage):
    """The page is past the end of a catalogue of ``catalogue_size`` NEOs."""

    def __init__(self, catalogue_size: int) -> None:
        super().__init__(f"it is past the end of the catalogue at {catalogue_size}")
        self.catalogue_size = catalogue_size


class Rejected(NamedTuple):
    """An object that failed validation, with its complete text."""

    position: int
    field_path: str
    reason: str
    object_json: bytes


class Nulled(NamedTuple):
    """An optional value that failed validation and is null in the tables."""

    position: int
    field_path: str
    reason: str


class Objects(NamedTuple):
    """The objects of a page, the rejected ones, and the values that became null."""

    info: PageInfo
    neos: list[Neo]
    rejected: list[Rejected]
    nulled: list[Nulled]


def decode_objects(body: bytes, batch: Batch) -> Objects:
    """Return the validated objects of a page, or raise InvalidPage.

    The dates of approaches are not checked: `decode_page` checks those in the Arrow table, because
    doing it here would add 5 % to the time.
    """
    if len(body) > LARGEST_PAGE:
        raise InvalidPage(f"it has more than {LARGEST_PAGE:,} bytes")
    with suppress(*UNDECODABLE):
        page = _PAGE.decode(_with_leading_zeros(body))
        if len({neo.id for neo in page.near_earth_objects}) == len(page.near_earth_objects):
            return _checked(Objects(page.page, page.near_earth_objects, [], []), batch)
    return decode_each_object(body, batch)


def decode_each_object(body: bytes, batch: Batch) -> Objects:
    """Return the same, with each object decoded separately: slower, but lenient."""
    with _LENIENT_LOCK:
        return _checked(_decode_leniently(body, batch), batch)


def _raw_objects(body: bytes) -> tuple[PageInfo, list[tuple[bytes, bytes]]]:
    """Return each object as bytes: after `mask_malformed_text`, and as received.

    There are ``MOST_OBJECTS`` + 1 if the page has too many.

    Raises
    ------
    InvalidPage
        If the body is not a page.
    """
    try:
        try:
            page, read = _PAGE_OF_RAW_OBJECTS.decode(body), body
        except UNDECODABLE:
            read = mask_malformed_text(body)
            page = _PAGE_OF_RAW_OBJECTS.decode(read)
    except UNDECODABLE as error:
        raise InvalidPage(f"not a Browse page: {error}") from None
    objects, start = [], 0
    for one in map(bytes, page.objects):
        start = read.index(one, start)
        objects.append((one, body[start : start + len(one)]))  # masking keeps the length
        start += len(one)
    return page.page, objects


def _with_leading_zeros(body: bytes) -> bytes:
    """Return a page in which well-formed orbital data have a digit before each decimal point."""
    parts, end = [], 0
    while (start := body.find(_ORBIT, end)) >= 0:
        parts.append(body[end:start])
        end = body.find(b"}", start) + 1 or len(body)
        parts.append(_LEADING_DOT.sub(rb"\g<1>0.", body[start:end]))
    return b"".join([*parts, body[end:]])


def _decode_leniently(body: bytes, batch: Batch) -> Objects:
    info, objects = _raw_objects(body)
    if len(objects) > MOST_OBJECTS:
        raise InvalidPage(f"more than {MOST_OBJECTS} objects")
    neos: dict[str | None, Neo] = {}
    rejected, nulled = [], []
    for position, (raw, sent) in enumerate(objects, batch.first):
        try:
            neo, messages = _decode_object(_LEADING_DOT_OF_OBJECT.sub(rb"\g<1>0.", raw))
        except (*UNDECODABLE, ValueError) as error:
            rejected.append(_rejection(position, str(error), sent))
            continue
        if neo.id in neos:
            message = f"id {neo.id} twice on this page - at `$.id`"
            rejected.append(_rejection(position, message, sent))
        else:
            neos[neo.id] = neo
            nulled += [Nulled(position, *path_and_reason(message)) for message in messages]
    return Objects(info, list(neos.values()), rejected, nulled)


def _decode_object(raw: bytes) -> tuple[Neo, list[str]]:
    """Return an object, and a message for each optional value that became null."""
    messages: list[str] = []
    try:
        neo = _OBJECT.decode(raw)
    except UNDECODABLE as error:
        neo, messages = salvage(raw, error)
    check_approaches(neo)
    return neo, messages


def _rejection(position: int, message: str, object_json: bytes) -> Rejected:
    # Line breaks in JSON are white space, so replacing them keeps the object's meaning.
    one_line = object_json.replace(b"\n", b" ").replace(b"\r", b" ")
    return Rejected(position, *path_and_reason(message), one_line)


def _checked(page: Objects, batch: Batch) -> Objects:
    """Return the page if it has the expected number of objects of this batch."""
    info, objects = page.info, len(page.neos) + len(page.rejected)
    if info.number != batch.page_number:
        raise InvalidPage(f"page {info.number} was returned instead of page {batch.page_number}")
    expected = max(0, min(BATCH_SIZE, info.total_elements - batch.first + 1))
    if objects == expected == 0:
        raise PagePastEnd(info.total_elements)
    if objects != expected:
        raise InvalidPage(f"{objects} objects instead of {expected}")
    if not page.neos:
        raise InvalidPage(f"every object failed validation: {page.rejected[0].reason}")
    return page
