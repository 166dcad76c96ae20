"""Decode a Browse page into the two tables of a batch and its rejected objects."""

import datetime as dt
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from neo_utils.neows.contract import FIRST_APPROACH, LAST_APPROACH
from neo_utils.neows.pages import Nulled, Rejected, decode_each_object, decode_objects
from neo_utils.positions import Batch
from neo_utils.store.tables import tables_of

_FIRST_DAY, _LAST_DAY = (
    (day - dt.date(1970, 1, 1)).days for day in (FIRST_APPROACH, LAST_APPROACH)
)


class Page(NamedTuple):
    """A decoded page: tables with schema ``RAW`` and ``CLOSE_APPROACHES``, and what they omit.

    ``rejected`` contains whole objects, ``nulled`` contains single values of stored objects.
    """

    neos: pa.Table
    close_approaches: pa.Table
    rejected: list[Rejected]
    catalogue_size: int
    nulled: list[Nulled]


def decode_page(body: bytes, batch: Batch) -> Page:
    """Return the validated tables of one page.

    Parameters
    ----------
    body
        The answer's bytes, in the service's format of any year since 2015.
    batch
        The requested positions.

    Raises
    ------
    InvalidPage
        If the page is not JSON, is not the requested page, has too few or too many objects, or has
        no valid object.

    Examples
    --------
    >>> from neo_utils.sample.catalogue import page_body
    >>> page = decode_page(page_body(number=0, size=20, api_key="any-key"), Batch(1))
    >>> page.neos.num_rows, page.close_approaches.num_rows, page.rejected, page.catalogue_size
    (20, 416, [], 41000)
    >>> page.close_approaches.schema.field("miss_distance_lunar").metadata[b"unit"]
    b'LD'
    """
    objects = decode_objects(body, batch)
    tables = tables_of(objects.neos)
    if not _plausible_dates(tables[1]):
        objects = decode_each_object(body, batch)
        tables = tables_of(objects.neos)
    return Page(*tables, objects.rejected, objects.info.total_elements, objects.nulled)


def _plausible_dates(close_approaches: pa.Table) -> bool:
    bounds = pc.min_max(close_approaches["close_approach_date"])
    # As days since 1970: converting them to dates would double the time.
    first, last = bounds["min"].value, bounds["max"].value
    return first is None or (first >= _FIRST_DAY and last <= _LAST_DAY)
