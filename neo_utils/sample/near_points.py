"""Where the orbits of NEOs come near the circles of planets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neo_utils.sample.angles import RADIANS, Floats, cosine_sine, direction_deg
from neo_utils.sample.orbits import LIMIT_AU, RADIUS_AU, Orbit

Indices = NDArray[np.int64]

_STEP_DEG = 5  # of the eccentric anomaly
_GRID_DEG = np.arange(0.0, 360.0, _STEP_DEG)
_GRID_COS, _GRID_SIN = cosine_sine(_GRID_DEG[:, None])
# The point nearest to Earth's orbit is needed however far away it is: it gives the MOID.
_SEARCHED_WITHIN_AU = np.array([10.0, *LIMIT_AU[1:]])


class NearPoints(NamedTuple):
    """Points of orbits where the distance from a planet's circle is smallest, one value for each.

    Longitudes are measured from the node. ``in_plane_au`` is the distance from the Sun in the
    planets' plane, ``height_au`` the distance from this plane. Velocities have the directions
    outwards, along the circle, and up, in AU per year, with shape (3, points).
    """

    neo: Indices  # among the orbits
    planet: Indices  # among ``PLANETS``
    distance_au: Floats
    in_plane_au: Floats
    height_au: Floats
    longitude_deg: Floats
    mean_anomaly_deg: Floats
    velocity: Floats

    def at(self, which: Indices | NDArray[np.bool_]) -> "NearPoints":
        """Return some of the points."""
        columns: tuple[Any, ...] = self
        return NearPoints(*(values[..., which] for values in columns))


class _Tracks(NamedTuple):
    """Orbits as ellipses, relative to their nodes; both half axes have shape (3, orbits), in AU."""

    semi_major_axis_au: Floats
    eccentricity: Floats
    major: Floats
    minor: Floats

    def at(self, which: Indices) -> "_Tracks":
        return _Tracks(*(values[..., which] for values in self))

    def position(self, cos: Floats, sin: Floats) -> tuple[Floats, ...]:
        along = cos - self.eccentricity
        return tuple(a * along + b * sin for a, b in zip(self.major, self.minor, strict=True))

    def velocity(self, cos: Floats, sin: Floats) -> tuple[Floats, ...]:
        # 2 pi / period, divided by the change of the mean anomaly with the eccentric one.
        rate = (
            360
            * RADIANS
            / (self.semi_major_axis_au * np.sqrt(self.semi_major_axis_au))
            / (1 - self.eccentricity * cos)
        )
        return tuple(
            rate * (b * cos - a * sin) for a, b in zip(self.major, self.minor, strict=True)
        )

    def apart(self, radius_au: Floats, cos: Floats, sin: Floats) -> Floats:
        """Return the square of the distance from a circle, minus the square of its radius."""
        x, y, z = self.position(cos, sin)
        plane = x * x + y * y
        return plane + z * z - 2 * radius_au * np.sqrt(plane)


def near_points(orbits: Sequence[Orbit]) -> NearPoints:
    """Return the points of each orbit that are nearest to a planet's circle, within NeoWs's limit.

    For Earth, every orbit has such points, however far away: the nearest one gives the MOID.
    """
    tracks = _tracks(orbits)
    # Axes: planets, grid, orbits.
    apart = tracks.apart(RADIUS_AU[:, None, None], _GRID_COS, _GRID_SIN)
    is_least = (np.roll(apart, 1, 1) >= apart) & (apart < np.roll(apart, -1, 1))
    # A minimum is at most about half a step away from the nearest point of the grid.
    reach = _SEARCHED_WITHIN_AU[:, None] + 0.6 * _STEP_DEG * RADIANS * tracks.semi_major_axis_au
    is_near = apart < (reach * reach - (RADIUS_AU * RADIUS_AU)[:, None])[:, None]
    planet, place, neo = np.nonzero(is_least & is_near)
    chosen = tracks.at(neo)
    anomaly = _refined(chosen, RADIUS_AU[planet], _GRID_DEG[place])
    points = _points(chosen, neo, planet, anomaly)
    return points.at(points.distance_au < _SEARCHED_WITHIN_AU[planet])


def _tracks(orbits: Sequence[Orbit]) -> _Tracks:
    a, e, inclination, _, argument, _ = np.array(orbits).T
    (cos_i, cos_w), (sin_i, sin_w) = cosine_sine([inclination, argument])
    b = a * np.sqrt(1 - e * e)
    major = np.array([a * cos_w, a * sin_w * cos_i, a * sin_w * sin_i])
    minor = np.array([-b * sin_w, b * cos_w * cos_i, b * cos_w * sin_i])
    return _Tracks(a, e, major, minor)


def _refined(tracks: _Tracks, radius_au: Floats, anomaly: Floats) -> Floats:
    """Refine the minima of the grid by parabolas, and return their eccentric anomalies."""
    step = _STEP_DEG / 2
    while step > 0.002:  # degrees
        around = anomaly + step * np.array([[-1], [0], [1]])
        before, middle, after = tracks.apart(radius_au, *cosine_sine(around))
        bend = before + after - 2 * middle
        is_curved = bend > 0
        shift = step * (before - after) / np.where(is_curved, 2 * bend, 1)
        anomaly = anomaly + np.where(is_curved, np.clip(shift, -step, step), 0)
        step /= 12
    return anomaly


def _points(tracks: _Tracks, neo: Indices, planet: Indices, anomaly: Floats) -> NearPoints:
    cos, sin = cosine_sine(anomaly)
    x, y, z = tracks.position(cos, sin)
    vx, vy, vz = tracks.velocity(cos, sin)
    in_plane = np.sqrt(x * x + y * y)
    outwards, along = (vx * x + vy * y) / in_plane, (vy * x - vx * y) / in_plane
    gap = in_plane - RADIUS_AU[planet]
    return NearPoints(
        neo=neo,
        planet=planet,
        distance_au=np.sqrt(gap * gap + z * z),
        in_plane_au=in_plane,
        height_au=z,
        longitude_deg=direction_deg(x, y),
        mean_anomaly_deg=(anomaly - tracks.eccentricity * sin / RADIANS) % 360,
        velocity=np.array([outwards, along, vz]),
    )
