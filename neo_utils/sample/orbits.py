"""Orbits of planets and simulated NEOs.

The planets move on circles in one plane. Distances between the orbits and miss distances are those
of this model. They agree with the listed elements closely for near passages, within about a percent
for most of the others, and not at all with perturbed motion in reality.
"""

from collections.abc import Sequence
from datetime import date
from math import sqrt
from typing import NamedTuple

import numpy as np

from neo_utils.limits import LISTED_WITHIN_AU
from neo_utils.sample.angles import Floats, cosine_sine

EPOCH_JD = 2_461_000.5  # of all elements: 2025-11-21
EPOCH_DAY = 20_413.0  # the same, in days since 1970
DAYS_PER_YEAR = 365.2568983  # Gaussian: the period of an orbit of 1 AU
_FIRST_OF_1970 = date(1970, 1, 1).toordinal()


class Orbit(NamedTuple):
    """Heliocentric elements at the epoch: AU, degrees."""

    semi_major_axis_au: float
    eccentricity: float
    inclination_deg: float
    node_longitude_deg: float
    perihelion_argument_deg: float
    mean_anomaly_deg: float

    @property
    def perihelion_au(self) -> float:
        """Perihelion distance, AU."""
        return self.semi_major_axis_au * (1 - self.eccentricity)

    @property
    def aphelion_au(self) -> float:
        """Aphelion distance, AU."""
        return self.semi_major_axis_au * (1 + self.eccentricity)

    @property
    def period_days(self) -> float:
        """Period by Kepler's third law, days."""
        return DAYS_PER_YEAR * self.semi_major_axis_au * sqrt(self.semi_major_axis_au)


class Planet(NamedTuple):
    """A planet on a circle, and the distance up to which NeoWs lists approaches to it."""

    name: str  # as NeoWs spells it
    radius_au: float
    longitude_deg: float  # at the epoch
    motion_deg_per_day: float
    limit_au: float


# Semi-major axes, mean longitudes and their rates: https://ssd.jpl.nasa.gov/planets/approx_pos.html
EARTH = Planet("Earth", 1.0, 59.89, 0.9856091, LISTED_WITHIN_AU["Earth"])
JUPITER = Planet("Juptr", 5.2034, 100.02, 0.08308682, LISTED_WITHIN_AU["Juptr"])
PLANETS = (
    EARTH,
    Planet("Merc", 0.3871, 67.36, 4.09233878, LISTED_WITHIN_AU["Merc"]),
    Planet("Venus", 0.7233, 210.92, 1.60213047, LISTED_WITHIN_AU["Venus"]),
    Planet("Mars", 1.5237, 270.44, 0.52403293, LISTED_WITHIN_AU["Mars"]),
    JUPITER,
)
RADIUS_AU, LONGITUDE_DEG, MOTION_DEG_PER_DAY, LIMIT_AU = np.array(
    [planet[1:] for planet in PLANETS]
).T


def days_since_1970(day: date) -> int:
    """Return the number of a day.

    Examples
    --------
    >>> days_since_1970(date(1970, 1, 3))
    2
    """
    return day.toordinal() - _FIRST_OF_1970


def tisserand(orbits: Sequence[Orbit], planet: Planet) -> Floats:
    """Return the Tisserand invariants (no unit) of orbits for a planet.

    T = a_p/a + 2 cos(i) sqrt((a/a_p)(1 - e**2)). It is at most 3 if the orbit crosses the circle.
    """
    axis, eccentricity, inclination, *_ = np.array(orbits).T
    ratio = axis / planet.radius_au
    momentum = np.sqrt(ratio * (1 - eccentricity * eccentricity))
    invariants: Floats = 1 / ratio + 2 * momentum * cosine_sine(inclination)[0]
    return invariants
