"""Decode a Browse page to the two tables of a batch, and to what had to be rejected."""

import re
from typing import NamedTuple

import msgspec
import pyarrow as pa

from neo_utils.batches import BATCH_SIZE, Batch
from neo_utils.contract import Envelope, Neo, PageInfo, RawEnvelope
from neo_utils.tables import tables_of

# Not strict: the service writes most numbers as strings.
_PAGE = msgspec.json.Decoder(Envelope, strict=False)
_PAGE_OF_RAW_OBJECTS = msgspec.json.Decoder(RawEnvelope, strict=False)
_OBJECT = msgspec.json.Decoder(Neo, strict=False)

# ".25", as the service writes decimals in orbital_data; msgspec, as JSON, wants a digit first.
_LEADING_DOT = re.compile(
    rb'("(?:orbital_period|astronomical|lunar|kilometers|kilometers_per_second)"\s*:\s*")\.(?=\d)'
)
UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class PageBroken(ValueError):
    """The page as a whole cannot be used; the message says why."""


class PagePastEnd(PageBroken):
    """The page lies behind the last one of a catalogue of ``catalogue_size`` NEOs."""

    def __init__(self, catalogue_size: int) -> None:
        super().__init__(f"it lies past the catalogue's end at {catalogue_size}")
        self.catalogue_size = catalogue_size


class Rejected(NamedTuple):
    """An object that breaks the contract, kept whole."""

    position: int
    field_path: str
    reason: str
    object_json: bytes


class Page(NamedTuple):
    """A decoded page: tables of schema ``RAW`` and ``CLOSE_APPROACHES``, and the rejected."""

    neos: pa.Table
    close_approaches: pa.Table
    rejected: list[Rejected]
    catalogue_size: int


def decode_page(body: bytes, batch: Batch) -> Page:
    """Return the tables of one page, whose objects have all been validated.

    Parameters
    ----------
    body
        The answer's bytes, in the form of any year since 2015.
    batch
        The positions that were asked for.

    Raises
    ------
    PageBroken
        If the page is no JSON, another page than the one asked for, not full, or without any
        object that keeps the contract.

    Examples
    --------
    >>> from neo_utils.sample.catalogue import page_body
    >>> page = decode_page(page_body(number=0, size=20, api_key="any-key"), Batch(1))
    >>> page.neos.num_rows, page.close_approaches.num_rows, page.rejected, page.catalogue_size
    (20, 416, [], 41000)
    >>> page.close_approaches.schema.field("miss_distance_lunar").metadata[b"unit"]
    b'LD'
    """
    rejected: list[Rejected] = []
    try:
        page = _PAGE.decode(body)
        info, neos = page.page, page.near_earth_objects
    except UNDECODABLE:
        info, neos, rejected = _decode_each_object(body, batch)
    if len({neo.id for neo in neos}) < len(neos):
        info, neos, rejected = _decode_each_object(body, batch)
    _check_page(info, len(neos) + len(rejected), batch)
    if not neos:
        raise PageBroken(f"every object breaks the contract: {rejected[0].reason}")
    return Page(*tables_of(neos), rejected, info.total_elements)


def _decode_each_object(body: bytes, batch: Batch) -> tuple[PageInfo, list[Neo], list[Rejected]]:
    try:
        page = _PAGE_OF_RAW_OBJECTS.decode(body)
    except UNDECODABLE as error:
        raise PageBroken(f"not a Browse page: {error}") from None
    neos: dict[str | None, Neo] = {}
    rejected = []
    for position, raw in enumerate(page.near_earth_objects, batch.first):
        try:
            neo = _OBJECT.decode(_LEADING_DOT.sub(rb"\g<1>0.", bytes(raw)))
        except UNDECODABLE as error:
            rejected.append(_rejection(position, str(error), bytes(raw)))
            continue
        if neo.id in neos:
            rejected.append(
                _rejection(position, f"id {neo.id} twice on this page - at `$.id`", bytes(raw))
            )
        else:
            neos[neo.id] = neo
    return page.page, list(neos.values()), rejected


def _rejection(position: int, message: str, object_json: bytes) -> Rejected:
    reason, _, path = message.partition(" - at ")
    # A line break is only ever white space in JSON, so the object stays whole on its one line.
    one_line = object_json.replace(b"\n", b" ").replace(b"\r", b" ")
    return Rejected(position, path.strip("`") or "$", reason, one_line)


def _check_page(info: PageInfo, objects: int, batch: Batch) -> None:
    if info.number != batch.page_number:
        raise PageBroken(f"page {info.number} came where page {batch.page_number} was asked for")
    expected = max(0, min(BATCH_SIZE, info.total_elements - batch.first + 1))
    if objects == expected == 0:
        raise PagePastEnd(info.total_elements)
    if objects != expected:
        raise PageBroken(f"{objects} objects where {expected} were expected")
