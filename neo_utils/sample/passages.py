"""When NEOs and planets pass each other, and how far apart."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neo_utils.sample.angles import RADIANS, Floats, cosine_sine
from neo_utils.sample.near_points import Indices, NearPoints
from neo_utils.sample.orbits import (
    DAYS_PER_YEAR,
    EPOCH_DAY,
    LONGITUDE_DEG,
    MOTION_DEG_PER_DAY,
    RADIUS_AU,
    Orbit,
)
from neo_utils.units import KM_PER_AU

_WIDEST_AHEAD_DEG = 40  # farther away, straight lines would be too inaccurate
_AU_PER_YEAR_IN_KM_S = KM_PER_AU / (DAYS_PER_YEAR * 86_400)


class Passages(NamedTuple):
    """Planets and NEOs at their smallest distance: arrays with one value for each passage."""

    neo: Indices  # among the orbits
    planet: Indices  # among ``PLANETS``
    day: Floats
    miss_distance_au: Floats
    relative_velocity_km_s: Floats

    def at(self, which: Indices | NDArray[np.bool_]) -> "Passages":
        """Return some of the passages."""
        columns: tuple[Any, ...] = self
        return Passages(*(values[which] for values in columns))


def pass_planets(
    points: NearPoints, ahead_deg: ArrayLike, at_point_day: ArrayLike = 0.0
) -> Passages:
    """Return each NEO's passage of a planet, given the angle by which the planet is ahead.

    Both move on straight lines, which is accurate only for near passages. They pass each other
    no nearer than their orbits.

    Parameters
    ----------
    ahead_deg
        For each point, by which angle the planet is ahead.
    at_point_day
        For each point, when the NEO is there; the days of the passages are counted likewise.
    """
    cos, sin = cosine_sine(ahead_deg)
    radius = RADIUS_AU[points.planet]
    speed = MOTION_DEG_PER_DAY[points.planet] * RADIANS * DAYS_PER_YEAR
    # Position and velocity relative to the planet: outwards, along the circle, up.
    x, y, z = points.in_plane_au - radius * cos, -radius * sin, points.height_au
    outwards, along, up = points.velocity
    vx, vy = outwards + radius * speed * sin, along - radius * speed * cos
    square = vx * vx + vy * vy + up * up
    approach = x * vx + y * vy + z * up
    miss = x * x + y * y + z * z - approach * approach / square
    least = points.distance_au * (1.01 + sin / 100)  # above the MOID, by an arbitrary margin
    return Passages(
        points.neo,
        points.planet,
        np.asarray(at_point_day) - approach / square * DAYS_PER_YEAR,
        np.sqrt(np.maximum(miss, least * least)),
        np.sqrt(square) * _AU_PER_YEAR_IN_KM_S,
    )


def simulate_passages(
    orbits: Sequence[Orbit], points: NearPoints, limit_au: Floats, days: Floats
) -> Passages:
    """Return the passages of planets near each of the points.

    Parameters
    ----------
    limit_au
        For each point, the distance up to which passages are listed.
    days
        For each point, the first day and the day after the last, since 1970; shape (2, points).
    """
    period = np.array([orbit.period_days for orbit in orbits])[points.neo]
    *_, node, _, anomaly = np.array(orbits).T[:, points.neo]
    first = EPOCH_DAY + (points.mean_anomaly_deg - anomaly) / 360 * period
    turn = (days[0] - first) // period
    # One row for each time at which the NEO is at the point.
    turns = np.maximum(0, (days[1] - first) // period - turn + 1).astype(int)
    point = np.repeat(np.arange(turns.size), turns)
    count = np.arange(point.size) - np.repeat(np.cumsum(turns) - turns, turns)
    at = first[point] + (turn[point] + count) * period[point]
    planet = points.planet[point]
    ahead = LONGITUDE_DEG[planet] - (points.longitude_deg + node)[point]
    ahead += MOTION_DEG_PER_DAY[planet] * (at - EPOCH_DAY)
    ahead -= 360 * np.round(ahead / 360)
    # Three times the limit leaves room for slow NEOs, whose paths cross the planet's at an angle.
    widest = np.minimum(_WIDEST_AHEAD_DEG, 3 * limit_au[point] / RADIUS_AU[planet] / RADIANS)
    is_near = abs(ahead) < widest
    point = point[is_near]
    found = pass_planets(points.at(point), ahead[is_near], at[is_near])
    is_listed = (days[0, point] <= found.day) & (found.day < days[1, point])
    return found.at(is_listed & (found.miss_distance_au < limit_au[point]))
