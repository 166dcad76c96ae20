"""Read the orbits of stored approaches from the archived pages."""

import datetime as dt
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from neo_utils.positions import Batch
from neo_utils.store.rebuilding import archived_objects


class StoredOrbit(NamedTuple):
    """JPL's orbit solution of a NEO: its id, date and uncertainty.

    ``uncertainty`` is the code of JPL and the Minor Planet Center, from 0 (good) to 9. A value that
    the page lacks is None.
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


def stored_orbit(output: Path, batch: Batch, neo_id: str) -> StoredOrbit:
    """Return the orbit of a NEO from its archived page.

    Raises
    ------
    StoredDataBroken
        If the page is corrupted.
    """
    for neo in archived_objects(output, batch, _Neo):
        if neo_id == (neo.id or neo.neo_reference_id):
            return _from_page(neo.orbital_data or _Orbit())
    return _from_page(_Orbit())


def _from_page(orbit: _Orbit) -> StoredOrbit:
    determined = None
    with suppress(ValueError):
        determined = dt.date.fromisoformat((orbit.orbit_determination_date or "")[:10])
    return StoredOrbit(orbit.orbit_id, determined, orbit.orbit_uncertainty)
