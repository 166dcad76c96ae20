"""Simulate the brightness, orbit and observations of NEOs.

Here and in ``approaches``, every value is computed with a seeded ``random.Random``, + - * / and
``math.sqrt``. IEEE 754 rounds these identically on every machine, unlike a libm's sine or power, so
the catalogue is the same everywhere, to the last digit.
"""

from datetime import date, timedelta
from math import sqrt
from random import Random
from typing import NamedTuple

NUMBERED_OBJECTS = 3_700  # about as many NEOs had a permanent number in early 2026
UNNUMBERED_OBJECTS = 37_300
# Earth approaches are listed up to 0.5 AU for orbits determined until this day, and up to 0.2 AU
# for later ones (observed in the service's answers of March 2026).
LAST_WIDE_DETERMINATION = date(2024, 11, 3)

_FIRST_NARROW_DETERMINATION = date(2024, 12, 3)
_LAST_DETERMINATION = date(2026, 2, 28)
_LAST_NIGHT = date(2026, 2, 23)  # the newest observation in the catalogue


class Orbit(NamedTuple):
    """Heliocentric osculating elements: AU, degrees."""

    semi_major_axis_au: float
    perihelion_au: float
    inclination_deg: float
    node_longitude_deg: float
    perihelion_argument_deg: float
    mean_anomaly_deg: float

    @property
    def eccentricity(self) -> float:
        """Eccentricity, 0 to 1."""
        return 1 - self.perihelion_au / self.semi_major_axis_au

    @property
    def aphelion_au(self) -> float:
        """Aphelion distance, AU."""
        return 2 * self.semi_major_axis_au - self.perihelion_au


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


class Asteroid(NamedTuple):
    """The simulated properties of one NEO, except its approaches."""

    magnitude_h_hundredths: int
    arc: Arc
    orbit: Orbit
    earth_moid_au: float

    @property
    def is_found_passing(self) -> bool:
        """Whether it is so faint that it was only observed while it passed Earth."""
        return _is_found_passing(self.magnitude_h_hundredths, self.arc)


class Body(NamedTuple):
    """A planet that NEOs approach."""

    name: str  # as NeoWs spells it
    semi_major_axis_au: float
    perihelion_au: float
    aphelion_au: float
    limit_au: float  # approaches farther than this are not listed
    rate: float  # approaches in 301 years per AU of reach, fitted to a NeoWs listing of 2026


EARTH = Body("Earth", 1.0, 0.9833, 1.0167, 0.2, 135.0)
JUPITER = Body("Juptr", 5.2034, 4.9501, 5.4588, 2.0, 15.0)
OTHER_PLANETS = (
    Body("Merc", 0.3871, 0.3075, 0.4667, 0.1, 57.0),
    Body("Venus", 0.7233, 0.7184, 0.7282, 0.15, 155.0),
    Body("Mars", 1.5237, 1.3814, 1.6660, 0.1, 38.5),
    JUPITER,
)


def simulate_asteroid(rng: Random, rank: int) -> Asteroid:
    """Return the NEO with this rank; rank 1 is the bright end of the catalogue."""
    magnitude = _magnitude_hundredths(rng, rank)
    arc = _arc(rng, rank)
    orbit = _orbit(rng)
    # Objects observed only while passing have orbits close to Earth's.
    spread = 0.02 if _is_found_passing(magnitude, arc) else 0.34
    moid = 0.0002 + gap_au(orbit, EARTH) + spread * rng.random()
    return Asteroid(magnitude, arc, orbit, moid)


def tisserand(orbit: Orbit, body: Body) -> float:
    """Return the Tisserand invariant (no unit) of ``orbit`` for ``body`` on a circular orbit.

    T = a_b/a + 2 cos(i) sqrt((a/a_b)(1 - e**2)). It is at most 3 if the orbit crosses the circle.
    """
    ratio = orbit.semi_major_axis_au / body.semi_major_axis_au
    eccentricity = orbit.eccentricity
    momentum = sqrt(ratio * (1 - eccentricity * eccentricity))
    return 1 / ratio + 2 * momentum * _cosine(orbit.inclination_deg)


def gap_au(orbit: Orbit, body: Body) -> float:
    """Return the gap between the ranges of solar distance of both orbits in AU; 0 if none."""
    outside = orbit.perihelion_au - body.aphelion_au
    return max(0.0, outside, body.perihelion_au - orbit.aphelion_au)


def _magnitude_hundredths(rng: Random, rank: int) -> int:
    scatter = rng.random() + rng.random() - 1
    if rank <= NUMBERED_OBJECTS:
        return int(1_300 + 600 * sqrt(rank / NUMBERED_OBJECTS) + 300 * scatter)
    return int(2_300 + 500 * scatter)


def _is_found_passing(magnitude_h_hundredths: int, arc: Arc) -> bool:
    return arc.is_short and magnitude_h_hundredths > 2_550


def _arc(rng: Random, rank: int) -> Arc:
    first = _first_night(rank, rng.random())
    is_wide = rng.random() < 0.16 and first < date(2024, 6, 1)
    is_short = rank > NUMBERED_OBJECTS and rng.random() < 0.7
    longest = ((LAST_WIDE_DETERMINATION if is_wide else _LAST_NIGHT) - first).days - 1
    unseen = rng.random() * rng.random()
    days = min(longest, 1 + int(90 * unseen)) if is_short else longest - int(longest * 0.6 * unseen)
    last = first + timedelta(days)
    earliest = last if is_wide else max(last, _FIRST_NARROW_DETERMINATION)
    latest = LAST_WIDE_DETERMINATION if is_wide else _LAST_DETERMINATION
    wait = 1 + int((latest - earliest).days * rng.random())
    determined = min(latest, earliest + timedelta(wait))
    rate = 2.0 if is_short else 0.15  # observations per night; short arcs are observed often
    return Arc(first, last, determined, is_short, 10 + int(days * rate * rng.random()))


def _first_night(rank: int, chance: float) -> date:
    """Return a later year for higher ranks; ``chance``, 0 to below 1, picks the day."""
    if rank <= NUMBERED_OBJECTS:
        year = 1893 + int(117 * sqrt(sqrt((rank - 1) / NUMBERED_OBJECTS)))
    else:  # discoveries grow about as the square of the time since the surveys began
        year = 1996 + int(30 * sqrt((rank - NUMBERED_OBJECTS - 1) / UNNUMBERED_OBJECTS))
    # Each of 24 consecutive ranks has a different half-month, which keeps designations unique.
    month, half = divmod(7 * rank % 24, 2)
    return date(year, month + 1, 1 + 15 * half + int(13 * chance))


def _orbit(rng: Random) -> Orbit:
    kind, place, size = rng.random(), rng.random(), rng.random()
    if kind < 0.36:  # Amor: perihelion between Earth's aphelion and 1.3 AU
        perihelion = 1.0171 + 0.2829 * place
        axis = perihelion / (0.9 - 0.55 * size)
    elif kind < 0.92:  # Apollo: crosses Earth's orbit from outside
        perihelion = 1.0169 - 0.85 * place * sqrt(place)
        axis = max(1.001, perihelion * 1.04) + 2.2 * size
    elif kind < 0.994:  # Aten: crosses it from inside
        axis = 0.7 + 0.29 * size
        nearest = max(0.984, 1.02 * axis)  # the smallest possible aphelion
        perihelion = 2 * axis - (nearest + (1.9 * axis - nearest) * place * place * 0.8)
    else:  # Atira: stays inside Earth's perihelion
        axis = 0.55 + 0.2 * size
        perihelion = 2 * axis - (axis * 1.1 + (0.98 - axis * 1.1) * place)
    inclination = 0.3 + 55 * rng.random() * rng.random()
    angles = (360 * rng.random() for _ in range(3))
    return Orbit(axis, perihelion, inclination, *angles)


def _cosine(degrees: float) -> float:
    """Return the cosine from its power series, accurate to 1e-13 from 0 to 60 degrees."""
    square = (degrees / 180 * 3.141592653589793) ** 2
    total = 1.0
    for factor in (182, 132, 90, 56, 30, 12, 2):
        total = 1 - total * square / factor
    return total
