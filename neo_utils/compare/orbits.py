"""Read the orbits of stored approaches from the archived pages."""

import datetime as dt
from contextlib import suppress
from pathlib import Path

from msgspec import Struct, field

from neo_utils.positions import Batch
from neo_utils.store.rebuilding import archived_objects


class StoredOrbit(Struct):
    """JPL's orbit solution of a NEO: its id, date and uncertainty.

    ``uncertainty`` is the code of JPL and the Minor Planet Center, from 0 (good) to 9. A value that
    the page lacks is None.
    """

    orbit_id: str | None = None
    determined_at: str | None = field(default=None, name="orbit_determination_date")
    uncertainty: int | None = field(default=None, name="orbit_uncertainty")

    @property
    def determined(self) -> dt.date | None:
        """The day on which the solution was computed."""
        with suppress(ValueError):
            return dt.date.fromisoformat((self.determined_at or "")[:10])
        return None


class _Neo(Struct):
    id: str | None = None
    neo_reference_id: str | None = None
    orbital_data: StoredOrbit | None = None


def stored_orbit(output: Path, batch: Batch, neo_id: str) -> StoredOrbit:
    """Return the orbit of a NEO from its archived page.

    Raises
    ------
    StoredDataBroken
        If the page is corrupted.
    """
    neos = archived_objects(output, batch, _Neo)
    orbits = (neo.orbital_data for neo in neos if neo_id == (neo.id or neo.neo_reference_id))
    return next(orbits, None) or StoredOrbit()
