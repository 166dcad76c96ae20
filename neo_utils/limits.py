"""The distances up to which NeoWs lists approaches, as observed; docs/explanation.md has more."""

import datetime as dt
import math
from collections.abc import Iterable

# By body, in NeoWs's spelling (AU). Earth's is that of orbits determined since December 2024.
LISTED_WITHIN_AU = {
    "Earth": 0.2,
    "Venus": 0.15,
    "Mars": 0.1,
    "Merc": 0.1,
    "Juptr": 2.0,
    "Moon": 0.0085,
}
# By NeoWs's spelling, where it differs.
BODY_NAMES = {"Juptr": "Jupiter", "Merc": "Mercury"}

# Earth's limit for older orbits. No list was seen of an orbit determined between these two days.
WIDE_EARTH_AU = 0.5
LAST_WIDE_DETERMINATION = dt.date(2024, 11, 4)
FIRST_NARROW_DETERMINATION = dt.date(2024, 12, 2)


def body_name(body: str) -> str:
    """Return the name of a body in NeoWs's spelling.

    Examples
    --------
    >>> body_name("Juptr"), body_name("Earth")
    ('Jupiter', 'Earth')
    """
    return BODY_NAMES.get(body, body)


def listed_within_au(body: str) -> float:
    """Return the distance (AU) up to which NeoWs lists approaches of a body; infinity if unknown.

    Examples
    --------
    >>> listed_within_au("Juptr"), listed_within_au("Jupiter"), listed_within_au("Vesta")
    (2.0, 2.0, inf)
    """
    limits = {body_name(one): limit_au for one, limit_au in LISTED_WITHIN_AU.items()}
    return limits.get(body_name(body), math.inf)


def earth_listed_to_au(determined: dt.date | None, farthest_au: float | None) -> float:
    """Return the distance (AU) up to which NeoWs lists a NEO's approaches to Earth.

    It is the wider of two: what the date of the orbit implies, and what the list itself shows.
    Every list seen reaches 0.2 AU, so this is the result if the date implies nothing.

    Parameters
    ----------
    determined
        The day on which the orbit was determined; None if it is not known. Days from 2024-11-05 to
        2024-12-01 imply nothing: no list of such an orbit was seen.
    farthest_au
        The largest listed miss distance to Earth; None if there is none.

    Examples
    --------
    >>> earth_listed_to_au(dt.date(2024, 11, 4), None), earth_listed_to_au(None, 0.19)
    (0.5, 0.2)
    >>> earth_listed_to_au(dt.date(2024, 12, 2), 0.31)
    0.5
    """
    narrow_au = LISTED_WITHIN_AU["Earth"]
    by_date = determined is not None and determined <= LAST_WIDE_DETERMINATION
    seen = farthest_au is not None and farthest_au >= narrow_au
    return WIDE_EARTH_AU if by_date or seen else narrow_au


def limits_text(bodies: Iterable[str], within_au: float) -> str:
    """Return a note if NeoWs does not list all approaches to these bodies up to a distance.

    Examples
    --------
    >>> limits_text(["Venus"], 0.2), limits_text(["Juptr"], 0.2)
    (' (NeoWs lists Venus up to 0.15 AU)', '')
    """
    notes = []
    for body in bodies:
        limit_au = listed_within_au(body)
        if within_au > limit_au:
            how = "only in part beyond" if body == "Earth" else "up to"
            notes.append(f"{body_name(body)} {how} {limit_au:g} AU")
    return f" (NeoWs lists {', '.join(notes)})" if notes else ""
