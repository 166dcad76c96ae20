"""Decode a Browse page into the three tables of a batch and its rejected objects."""

import datetime as dt
import re
from collections.abc import Mapping
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from neo_utils.neows.contract import FIRST_APPROACH, LAST_APPROACH, Approach, Neo
from neo_utils.neows.pages import Nulled, Rejected, decode_each_object, decode_objects
from neo_utils.positions import Batch
from neo_utils.store.schemas import CLOSE_APPROACHES, ORBITS, RAW, StoredTable

_FIRST_DAY, _LAST_DAY = (
    (day - dt.date(1970, 1, 1)).days for day in (FIRST_APPROACH, LAST_APPROACH)
)
# The columns that have the service's names.
_OF_NEO, _OF_ORBIT = RAW.names[:8], RAW.names[-4:]
# The service's names of orbital values by column; units are part of the columns' names.
_SERVICE_NAMES = {name: re.sub("_(au|deg|jd|deg_per_day)$", "", name) for name in ORBITS.names}
_SERVICE_NAMES["data_arc_days"] = "data_arc_in_days"
_KILOMETERS = attrgetter("miss_distance.kilometers")
_Columns = Mapping[str, list[Any]]  # the values of each column


class Page(NamedTuple):
    """A decoded page: tables with the schemas of their names, and what they omit.

    ``rejected`` contains whole objects, ``nulled`` contains single values of stored objects.
    """

    neos: pa.Table
    close_approaches: pa.Table
    orbits: pa.Table
    rejected: list[Rejected]
    catalogue_size: int
    nulled: list[Nulled]

    @property
    def tables(self) -> dict[StoredTable, pa.Table]:
        """The tables by the name under which they are stored."""
        return {"close_approaches": self.close_approaches, "orbits": self.orbits, "raw": self.neos}


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
    (20, 889, [], 41000)
    >>> page.close_approaches.schema.field("miss_distance_lunar").metadata[b"unit"]
    b'LD'
    """
    objects = decode_objects(body, batch)
    tables = _tables_of(objects.neos)
    if not _plausible_dates(tables[1]):
        objects = decode_each_object(body, batch)
        tables = _tables_of(objects.neos)
    return Page(*tables, objects.rejected, objects.info.total_elements, objects.nulled)


def _plausible_dates(close_approaches: pa.Table) -> bool:
    bounds = pc.min_max(close_approaches["close_approach_date"])
    # As days since 1970: converting them to dates would double the time.
    first, last = bounds["min"].value, bounds["max"].value
    return first is None or (first >= _FIRST_DAY and last <= _LAST_DAY)


def _tables_of(neos: list[Neo]) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Return the tables of these NEOs, with schema ``RAW``, ``CLOSE_APPROACHES`` and ``ORBITS``.

    Duplicate approaches of a NEO, with the same time (or date) and body, are stored once.
    """
    of_approaches = _approach_columns(neos, *_distinct_approaches(neos))
    of_neos = pa.Table.from_pydict(_neo_columns(neos), RAW)
    of_orbits = pa.Table.from_pydict(_orbit_columns(neos), ORBITS)
    return of_neos, pa.Table.from_pydict(of_approaches, CLOSE_APPROACHES), of_orbits


def _distinct_approaches(neos: list[Neo]) -> tuple[list[Approach], list[int | None]]:
    """Return all approaches and their times, NEO by NEO, and remove duplicates."""
    approaches = _all_approaches(neos)
    times = _times_ms(approaches)
    # On nearly every page all times differ, so there are no duplicates. Checking each NEO would
    # cost a third of the decoding time.
    if len(set(times)) < len(times):
        for neo in neos:
            neo.close_approach_data = _without_duplicates(neo.close_approach_data)
        approaches = _all_approaches(neos)
        times = _times_ms(approaches)
    return approaches, times


def _all_approaches(neos: list[Neo]) -> list[Approach]:
    return list(chain.from_iterable([neo.close_approach_data for neo in neos]))


def _times_ms(approaches: list[Approach]) -> list[int | None]:
    # Same as `Approach.time_ms`; calling the property would take three times as long.
    return [
        one.epoch_date_close_approach if one.close_approach_date_full else None
        for one in approaches
    ]


def _without_duplicates(approaches: list[Approach]) -> list[Approach]:
    first_of: dict[tuple[Any, str], Approach] = {}
    for approach in approaches:
        when = approach.time_ms if approach.time_ms is not None else approach.close_approach_date
        first_of.setdefault((when, approach.orbiting_body), approach)
    return list(first_of.values())


def _neo_columns(neos: list[Neo]) -> _Columns:
    """Return the columns of ``RAW``."""
    closest = [min(neo.close_approach_data, key=_KILOMETERS, default=None) for neo in neos]
    # "m and ...", "c and ...": null if the parent is null.
    meters = [neo.estimated_diameter and neo.estimated_diameter.meters for neo in neos]
    orbits = [neo.orbital_data for neo in neos]
    return {
        **{name: [getattr(neo, name) for neo in neos] for name in _OF_NEO},
        "minimum_estimated_diameter_meters": [m and m.estimated_diameter_min for m in meters],
        "maximum_estimated_diameter_meters": [m and m.estimated_diameter_max for m in meters],
        "closest_approach_miss_distance_km": [c and c.miss_distance.kilometers for c in closest],
        "closest_approach_date": [c and c.close_approach_date for c in closest],
        "closest_approach_relative_velocity_km_per_sec": [
            c and c.relative_velocity.kilometers_per_second for c in closest
        ],
        **{name: [getattr(orbit, name, None) for orbit in orbits] for name in _OF_ORBIT},
    }


def _approach_columns(
    neos: list[Neo], approaches: list[Approach], times_ms: list[int | None]
) -> _Columns:
    """Return the columns of ``CLOSE_APPROACHES``."""
    distances = [one.miss_distance for one in approaches]
    return {
        "neo_id": [neo.id for neo in neos for _ in neo.close_approach_data],
        "close_approach_date": [one.close_approach_date for one in approaches],
        "close_approach_time": times_ms,
        "orbiting_body": [one.orbiting_body for one in approaches],
        "miss_distance_au": [one.astronomical for one in distances],
        "miss_distance_lunar": [one.lunar for one in distances],
        "miss_distance_km": [one.kilometers for one in distances],
        "relative_velocity_km_per_sec": [
            one.relative_velocity.kilometers_per_second for one in approaches
        ],
    }


def _orbit_columns(neos: list[Neo]) -> _Columns:
    """Return the columns of ``ORBITS``."""
    orbits = [neo.orbital_data for neo in neos]
    classes = [orbit and orbit.orbit_class for orbit in orbits]
    return {
        **{
            column: [getattr(orbit, name, None) for orbit in orbits]
            for column, name in _SERVICE_NAMES.items()
        },
        "neo_id": [neo.id for neo in neos],
        "orbit_class_type": [kind and kind.orbit_class_type for kind in classes],
        "is_sentry_object": [neo.is_sentry_object for neo in neos],
    }
