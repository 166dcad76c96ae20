"""Place the drawn NEOs: most of them pass Earth in the night in which they are discovered."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neo_utils.sample.angles import direction_deg
from neo_utils.sample.near_points import NearPoints, near_points
from neo_utils.sample.orbits import (
    EARTH,
    EPOCH_DAY,
    JUPITER,
    PLANETS,
    Orbit,
    days_since_1970,
    tisserand,
)
from neo_utils.sample.passages import pass_planets
from neo_utils.sample.population import Arc, Draft

_FARTHEST_AHEAD_DEG = 20  # of Earth on the night of the discovery: nearer ones are more accurate


class Asteroid(NamedTuple):
    """The simulated properties of one NEO, except its approaches."""

    magnitude_h_hundredths: int
    arc: Arc
    orbit: Orbit
    earth_moid_au: float  # between the orbit and Earth's circle
    jupiter_tisserand: float

    @property
    def is_hazardous(self) -> bool:
        """Whether it is potentially hazardous: bright, and its orbit comes near Earth's."""
        return self.magnitude_h_hundredths <= 2_200 and self.earth_moid_au <= 0.05


def simulate_asteroids(drafts: Sequence[Draft]) -> tuple[list[Asteroid], NearPoints]:
    """Return the NEOs in their places, and where their orbits come near those of planets."""
    orbits = [draft.orbit for draft in drafts]
    _cross_earths_orbit(drafts, orbits)
    points = near_points(orbits)
    nearest = _nearest_to_earth(points)
    _pass_on_discovery(drafts, orbits, nearest)
    # NeoWs lists six decimals.
    moids = np.maximum(1e-6, np.round(nearest.distance_au, 6)).tolist()
    asteroids = [
        Asteroid(draft.magnitude_h_hundredths, draft.arc, *others)
        for draft, *others in zip(
            drafts, orbits, moids, tisserand(orbits, JUPITER).tolist(), strict=True
        )
    ]
    return asteroids, points


def _nearest_to_earth(points: NearPoints) -> NearPoints:
    """Return for each NEO the point that is nearest to Earth's orbit."""
    of_earth = points.at(points.planet == PLANETS.index(EARTH))
    by_distance = of_earth.at(np.lexsort((of_earth.distance_au, of_earth.neo)))
    return by_distance.at(np.unique(by_distance.neo, return_index=True)[1])


def _cross_earths_orbit(drafts: Sequence[Draft], orbits: list[Orbit]) -> None:
    """Turn the ellipses of the NEOs that were drawn to meet Earth's orbit at one of their nodes."""
    chosen = [(place, *draft.crossing) for place, draft in enumerate(drafts) if draft.crossing]
    if not chosen:
        return
    places, cosine, side, node, off = np.array(chosen).T
    anomaly = direction_deg(cosine, np.sqrt(1 - cosine * cosine))
    arguments = (node + side * anomaly + off) % 360
    for place, argument in zip(places.astype(int), arguments.tolist(), strict=True):
        orbits[place] = orbits[place]._replace(perihelion_argument_deg=argument)


def _pass_on_discovery(drafts: Sequence[Draft], orbits: list[Orbit], nearest: NearPoints) -> None:
    """Choose node and mean anomaly: NEOs found while passing Earth pass it in that night."""
    found = [place for place, draft in enumerate(drafts) if draft.discovery]
    if not found:
        return
    points = nearest.at(np.array(found))
    wanted = np.array([drafts[place].wanted_distance_au for place in found])
    side, day_fraction = np.array([drafts[place].discovery for place in found]).T
    night = np.array([days_since_1970(drafts[place].arc.first) for place in found])
    period = np.array([orbits[place].period_days for place in found])
    # The square of the miss distance is the sum of two squares: of the distance between the orbits,
    # and of a part that grows with the angle by which Earth is ahead, measured at one degree.
    square = points.distance_au * points.distance_au
    at_one_degree = pass_planets(points, 1.0).miss_distance_au
    per_degree = np.sqrt(np.maximum(at_one_degree * at_one_degree - square, 1e-10))  # never 0
    ahead = np.sqrt(np.maximum(wanted * wanted - square, 0)) / per_degree
    ahead = np.minimum(ahead, _FARTHEST_AHEAD_DEG) * side
    day = night + day_fraction - pass_planets(points, ahead).day
    longitude = EARTH.longitude_deg + EARTH.motion_deg_per_day * (day - EPOCH_DAY)
    node = (longitude - ahead - points.longitude_deg) % 360
    anomaly = (points.mean_anomaly_deg - (day - EPOCH_DAY) / period * 360) % 360
    for place, node_deg, anomaly_deg in zip(found, node.tolist(), anomaly.tolist(), strict=True):
        orbits[place] = orbits[place]._replace(
            node_longitude_deg=node_deg, mean_anomaly_deg=anomaly_deg
        )
