"""Draw brightness, observations and orbits of NEOs that resemble the known population.

Every value comes from a seeded ``random.Random`` and + - * / and ``math.sqrt``; see ``angles``.
The numbers were chosen to give the catalogue the features listed in docs/sample.md.
"""

from datetime import date, timedelta
from math import sqrt
from random import Random
from typing import NamedTuple

from neo_utils.limits import FIRST_NARROW_DETERMINATION, LAST_WIDE_DETERMINATION
from neo_utils.sample import CATALOGUE_SIZE, NUMBERED_OBJECTS
from neo_utils.sample.orbits import EARTH, Orbit

_LAST_DETERMINATION = date(2026, 2, 28)
_LAST_NIGHT = date(2026, 2, 23)  # the newest observation in the catalogue
# How far from Earth (AU) a survey of magnitude 20.5 finds a NEO of H 22, 23, ..., 32 near
# opposition: 10 ** ((20.5 - H) / 5), but at most 0.2.
_VISIBLE_TO_AU = (0.2, 0.2, 0.2, 0.126, 0.079, 0.05, 0.0316, 0.02, 0.0126, 0.0079, 0.005)
_FAINT = 2_400  # hundredths of H: seen only near Earth


class Arc(NamedTuple):
    """When an object was observed, and when its orbit was determined."""

    first: date
    last: date
    determined: date
    is_short: bool
    observations: int

    @property
    def days(self) -> int:
        """Days from the first observation to the last one."""
        return (self.last - self.first).days


class Crossing(NamedTuple):
    """At which node an orbit meets Earth's, moving towards the Sun (side 1) or away (-1)."""

    anomaly_cosine: float  # of the true anomaly at which it is as far from the Sun as Earth
    side: int
    node_deg: int  # 0: ascending, 180: descending
    off_deg: float  # added to the argument of perihelion, which moves the orbits apart


class Discovery(NamedTuple):
    """On which side of Earth a NEO passed in the night of its discovery, and when."""

    side: int  # 1 if Earth was ahead of the point where the orbits meet, otherwise -1
    day_fraction: float


class Draft(NamedTuple):
    """What was drawn for one NEO, before it is moved to where it was found."""

    magnitude_h_hundredths: int
    arc: Arc
    orbit: Orbit
    wanted_distance_au: float  # of its passage in that night, if the orbits come so near
    crossing: Crossing | None
    discovery: Discovery | None  # None if it was found far from Earth


def draw(rng: Random, rank: int) -> Draft:
    """Return the NEO with this rank; rank 1 is the bright end of the catalogue."""
    magnitude = _magnitude_hundredths(rng, rank)
    arc = _arc(rng, rank)
    is_found_passing = rng.random() < _share_found_passing(magnitude)
    # Faint NEOs are found the more easily the nearer they pass.
    near = rng.random()
    wanted_distance_au = _visible_to_au(magnitude) * near * sqrt(near)
    axis, eccentricity, inclination = _shape(rng, rank, is_faint=magnitude > _FAINT)
    argument = 360 * rng.random()
    is_found_crossing = is_found_passing and magnitude > _FAINT
    crossing = _crossing(rng, axis, eccentricity, wanted_distance_au) if is_found_crossing else None
    node, anomaly = 360 * rng.random(), 360 * rng.random()
    return Draft(
        magnitude,
        arc,
        Orbit(axis, eccentricity, inclination, node, argument, anomaly),
        wanted_distance_au,
        crossing,
        Discovery(_sign(rng), rng.random()) if is_found_passing else None,
    )


def _sign(rng: Random) -> int:
    return 1 if rng.random() < 0.5 else -1


def _magnitude_hundredths(rng: Random, rank: int) -> int:
    scatter = rng.random() + rng.random() + rng.random() - 1.5
    if rank <= NUMBERED_OBJECTS:
        share = sqrt(rank / NUMBERED_OBJECTS)
        return int(1_575 + 575 * share + 300 * scatter)
    return int(2_435 + 560 * scatter)


def _visible_to_au(magnitude_hundredths: int) -> float:
    steps = min(max(magnitude_hundredths - 2_200, 0), 999) / 100
    below, part = divmod(steps, 1)
    low, high = _VISIBLE_TO_AU[int(below)], _VISIBLE_TO_AU[int(below) + 1]
    return low + (high - low) * part


def _share_found_passing(magnitude_hundredths: int) -> float:
    """Return which share of NEOs of this H was found while passing Earth within reach."""
    return min(1.0, max(0.65, 0.65 + (magnitude_hundredths - 2_200) / 900))


def _crossing(rng: Random, axis: float, eccentricity: float, distance_au: float) -> Crossing | None:
    parameter = axis * (1 - eccentricity * eccentricity)
    cosine = (parameter / EARTH.radius_au - 1) / eccentricity
    if not -1 < cosine < 1:
        return None
    side, node = _sign(rng), 90 - 90 * _sign(rng)
    # Without this, all of these orbits would cross Earth's exactly. An AU is about 60 degrees.
    return Crossing(cosine, side, node, 60 * distance_au * (rng.random() - rng.random()))


def _arc(rng: Random, rank: int) -> Arc:
    first = _first_night(rank, rng.random(), rng.random())
    is_wide = rng.random() < 0.22 and first < date(2024, 6, 1)
    is_short = rank > NUMBERED_OBJECTS and rng.random() < 0.7
    longest = ((LAST_WIDE_DETERMINATION if is_wide else _LAST_NIGHT) - first).days - 1
    unseen = rng.random() * rng.random()
    days = min(longest, 1 + int(90 * unseen)) if is_short else longest - int(longest * 0.6 * unseen)
    last = first + timedelta(days)
    earliest = last if is_wide else max(last, FIRST_NARROW_DETERMINATION)
    latest = LAST_WIDE_DETERMINATION if is_wide else _LAST_DETERMINATION
    wait = 1 + int((latest - earliest).days * rng.random())
    determined = min(latest, earliest + timedelta(wait))
    rate = 2.0 if is_short else 0.15  # observations per night; short arcs are observed often
    return Arc(first, last, determined, is_short, 10 + int(days * rate * rng.random()))


def _first_night(rank: int, spread: float, chance: float) -> date:
    """Return the date of the first observation, later for higher ranks with or without a number.

    ``spread`` and ``chance``, from 0 to below 1, vary it.
    """
    if rank <= NUMBERED_OBJECTS:
        share = sqrt(sqrt(rank / NUMBERED_OBJECTS))
        year = 1950 + int(share * (136 - 70 * share))
        # Some were first seen long before, on plates for other purposes.
        fourth = spread * spread * spread * spread
        year -= int(20 * spread + 62 * fourth * fourth * spread * spread)
    else:  # the number discovered grows about as the square of the time since the surveys began
        year = 1996 + int(
            30 * sqrt((rank - NUMBERED_OBJECTS - 1) / (CATALOGUE_SIZE - NUMBERED_OBJECTS))
        )
    # Each of 24 consecutive ranks has a different half-month, which keeps designations unique.
    month, half = divmod(7 * rank % 24, 2)
    return date(max(year, 1893), month + 1, 1 + 15 * half + int(13 * chance))


def _shape(rng: Random, rank: int, *, is_faint: bool) -> tuple[float, float, float]:
    """Return semi-major axis (AU), eccentricity and inclination (degrees)."""
    kind, u_nearest, u_axis = rng.random(), rng.random(), rng.random()
    is_numbered = rank <= NUMBERED_OBJECTS
    amors = 0.3 if is_faint else 0.46 if is_numbered else 0.5
    if kind < amors:  # perihelion between Earth's aphelion and 1.3 AU
        perihelion = 1.0171 + (0.1 if is_faint else 0.2828) * u_nearest  # the others pass unseen
        axis = perihelion / (0.85 - 0.43 * u_axis)
    elif kind < (0.945 if is_numbered else 0.92):  # Apollo: crosses from outside
        perihelion = 1.0169 - 0.72 * u_nearest * u_nearest
        axis = max(1.001, perihelion * 1.06) + 1.5 * u_axis
    elif kind < 0.996:  # Aten: crosses it from inside
        axis = 0.7 + 0.29 * u_axis
        least_aphelion = max(0.984, 1.02 * axis)
        part = u_nearest * u_nearest * 0.8
        perihelion = 2 * axis - (least_aphelion + (1.9 * axis - least_aphelion) * part)
    else:  # Atira: stays inside Earth's perihelion
        axis = 0.55 + 0.2 * u_axis
        perihelion = 2 * axis - (axis * 1.1 + (0.98 - axis * 1.1) * u_nearest)
    inclination = 0.3 + 65 * rng.random() * sqrt(rng.random())
    return axis, 1 - perihelion / axis, inclination
