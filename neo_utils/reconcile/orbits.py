"""The orbits from which stored approaches were computed, as the archived pages tell."""

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from neo_utils.batches import Batch
from neo_utils.rebuild import read_archived
from neo_utils.store import broken


class StoredOrbit(NamedTuple):
    """JPL's orbit solution of a NEO: its name, the day it was determined, how well it is known.

    ``uncertainty`` is the code of JPL and the Minor Planet Center, from 0 (good) to 9.
    None stands where the page does not tell.
    """

    orbit_id: str | None
    determined: dt.date | None
    uncertainty: int | None


class _Orbit(Struct):
    orbit_id: str | None = None
    orbit_determination_date: str | None = None
    orbit_uncertainty: int | None = None


class _Neo(Struct):
    id: str | None = None
    neo_reference_id: str | None = None
    orbital_data: _Orbit | None = None


class _Page(Struct):
    near_earth_objects: list[msgspec.Raw]


def stored_orbit(output: Path, batch: Batch, neo_id: str) -> StoredOrbit:
    """Return the orbit of a NEO, as its archived page tells it.

    Raises
    ------
    StoredDataBroken
        If the page cannot be used.
    """
    try:
        body = read_archived(output, batch).body
    except ValueError as error:
        raise broken(output, batch, f"pages: {error}") from None
    for listed in msgspec.json.decode(body, type=_Page).near_earth_objects:
        with suppress(msgspec.ValidationError):  # of an object that was rejected
            neo = msgspec.json.decode(listed, type=_Neo, strict=False)
            if neo_id == (neo.id or neo.neo_reference_id):
                return _told(neo.orbital_data or _Orbit())
    return _told(_Orbit())


def _told(orbit: _Orbit) -> StoredOrbit:
    determined = None
    with suppress(ValueError):
        determined = dt.date.fromisoformat((orbit.orbit_determination_date or "")[:10])
    return StoredOrbit(orbit.orbit_id, determined, orbit.orbit_uncertainty)
