"""Units of distance, and distances and durations as people type them."""

import datetime as dt
import re
from contextlib import suppress
from typing import Literal, NamedTuple

from neo_utils.errors import WrongParameter
from neo_utils.text import shown

LUNAR_DISTANCES_PER_AU = 389  # NeoWs's own conversion (CNEOS: 1 LD = 384,400 km = AU / 389.17)
KM_PER_AU = 149_597_870.7  # IAU 2012, resolution B2; also used by NeoWs

Unit = Literal["LD", "AU", "km"]
# The number of each unit in an AU, and the unit's name.
UNITS = {
    "LD": (LUNAR_DISTANCES_PER_AU, "lunar distances"),
    "AU": (1.0, "AU"),
    "km": (KM_PER_AU, "km"),
}
_MOST_AU = 1_000
_HOURS = {"h": 1, "d": 24, "w": 168}
_LONGEST_DAYS = 36_525


class Distance(NamedTuple):
    """A distance in AU, and as the user typed it."""

    au: float
    in_words: str


def parse_distance(text: str | float) -> Distance:
    """Return a distance, given as a number of AU or with a unit.

    Parameters
    ----------
    text
        Such as 0.2, "0.2", "10LD", "0.05 au" or "7.5e6 km"; above 0, up to 1,000 AU.

    Raises
    ------
    WrongParameter
        For anything else.

    Examples
    --------
    >>> parse_distance(0.2), parse_distance("389ld")
    (Distance(au=0.2, in_words='0.2 AU'), Distance(au=1.0, in_words='389 LD'))
    """
    found = re.fullmatch(r"\s*([\d.e+-]+?)\s*(au|ld|km|)\s*", str(text).lower()[:60], re.ASCII)
    with suppress(ValueError):
        number, typed = found.groups() if found else ("", "")
        unit = next(unit for unit in UNITS if unit.lower() == (typed or "au"))
        au = float(number) / UNITS[unit][0]
        if 0 < au <= _MOST_AU:
            return Distance(au, f"{number} {unit}")
    raise WrongParameter(
        f"WITHIN={shown(text)} is not a distance. Use a number above 0 in AU, LD or km, such as "
        f"0.2, 10LD or 1e6km, up to {_MOST_AU:,} AU"
    )


def parse_duration(text: str | float) -> dt.timedelta:
    """Return a duration, given as a number of days or with a unit: "30", "30d", "12h", "2w".

    Raises
    ------
    WrongParameter
        For anything else, or more than a century.

    Examples
    --------
    >>> parse_duration("2w").days, parse_duration(30).days
    (14, 30)
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*([hdw]?)\s*", str(text).lower(), re.ASCII)
    if found:
        duration = dt.timedelta(hours=int(found[1]) * _HOURS[found[2] or "d"])
        if duration.days <= _LONGEST_DAYS:
            return duration
    raise WrongParameter(
        f"OLDER_THAN={shown(text)} is not a duration. Use a number of days (30 or 30d), hours "
        "(12h) or weeks (2w)"
    )
