"""Explain differences between stored approaches and JPL's: listing limits or another orbit."""

import datetime as dt
from typing import Any, NamedTuple

import pandas as pd

from neo_utils.compare.newest import MOVED_AU, SAME_PASSAGE
from neo_utils.limits import FIRST_NARROW_DETERMINATION, WIDE_EARTH_AU, earth_listed_to_au

SAME_AU = 1e-8  # NeoWs rounds to nine or ten decimals
SAME_MIN = 1  # both round to the minute
UNEXPLAINED = "unexplained: a bug on either side"

_FIRST, _LAST = pd.Timestamp(1900, 1, 1), pd.Timestamp(2200, 12, 31, 23, 59)
_MOVED_MIN = 30  # at 10 km/s a NEO takes 25 minutes for MOVED_AU
_POOR = 3  # from this code on, the position error is about 0.0001 AU or more in ten years
_POOR_MIN = SAME_PASSAGE / pd.Timedelta(minutes=1)


class StoredOrbit(NamedTuple):
    """JPL's orbit of a NEO as stored: its id, date and uncertainty; None if the page lacks it.

    ``uncertainty`` is the code of JPL and the Minor Planet Center, from 0 (good) to 9.
    """

    orbit_id: str | None
    determined: dt.date | None
    uncertainty: int | None


class Limit(NamedTuple):
    """The distance (AU) up to which a list includes a NEO, and whether that is certain."""

    au: float
    is_certain: bool

    def text(self, lister: str) -> str:
        """Return this limit of a service in words."""
        verb = "lists" if self.is_certain else "probably lists"
        return f"{lister} {verb} this NEO up to {self.au} AU"


class Limits(NamedTuple):
    """The limits of the stored list and of CAD's list for a NEO."""

    stored: Limit
    cad: Limit


def limits(
    stored_au: pd.Series, cad_au: pd.Series, orbit: StoredOrbit, cad_orbit_id: str | None
) -> Limits:
    """Return the limits of both lists, given their distances (AU).

    CAD does not give the date of its orbit. It is known only if the stored orbit is the same.
    """
    is_same = cad_orbit_id == orbit.orbit_id
    return Limits(
        _limit(stored_au, orbit.determined),
        _limit(cad_au, orbit.determined if is_same else None),
    )


def _limit(listed_au: pd.Series, determined: dt.date | None) -> Limit:
    au = earth_listed_to_au(determined, listed_au.max())
    is_narrow = determined is not None and determined >= FIRST_NARROW_DETERMINATION
    return Limit(au, is_certain=is_narrow or au == WIDE_EARTH_AU)


def explanation(row: Any, orbit: StoredOrbit, both: Limits) -> str:  # noqa: ANN401 -- a named tuple
    """Return why a row of a comparison differs, or an empty string if it does not.

    Parameters
    ----------
    row
        A row of `neo_utils.compare.side_by_side.compare`, without the explanation.
    """
    if row.found == "matched":
        return _why_moved(row, orbit)
    return _why_alone(row, orbit, both)


def _why_moved(row: Any, orbit: StoredOrbit) -> str:  # noqa: ANN401
    minutes, au = abs(row.difference_min), abs(row.difference_au)
    if minutes <= SAME_MIN and au <= SAME_AU:
        return ""
    if orbit.orbit_id == row.orbit_id:
        return UNEXPLAINED
    low, high = row.distance_min_au - SAME_AU, row.distance_max_au + SAME_AU
    if low <= row.distance_au_stored <= high and minutes <= row.time_sigma_min + SAME_MIN:
        return "orbit solution: within CAD's own uncertainty (3 sigma)"
    if au <= MOVED_AU and minutes <= _MOVED_MIN:
        return f"orbit solution: moved by at most {MOVED_AU} AU and {_MOVED_MIN} minutes"
    return _poorly_known(row, orbit) or UNEXPLAINED


def _why_alone(row: Any, orbit: StoredOrbit, both: Limits) -> str:  # noqa: ANN401
    missing = row.found == "missing"
    lister, limit = ("NeoWs", both.stored) if missing else ("CAD", both.cad)
    au = row.distance_au_cad if missing else row.distance_au_stored
    time = row.time_cad if missing else row.time_stored
    farthest_au = max(row.distance_max_au, au + MOVED_AU) if missing else au + MOVED_AU
    if au >= limit.au:
        return f"listing limit: {limit.text(lister)}"
    if time - SAME_PASSAGE < _FIRST or time + SAME_PASSAGE > _LAST:
        return "listing limit: at the ends of 1900 to 2200"
    if orbit.orbit_id == row.orbit_id:
        return UNEXPLAINED
    if farthest_au >= limit.au:
        return f"orbit solution: on both sides of the limit of {limit.au} AU"
    return _poorly_known(row, orbit) or UNEXPLAINED


def _poorly_known(row: Any, orbit: StoredOrbit) -> str | None:  # noqa: ANN401
    if (orbit.uncertainty or 0) >= _POOR or row.time_sigma_min >= _POOR_MIN:
        return "orbit solution: the orbit is poorly known"
    return None
