"""The orbits of planets and simulated NEOs, and where they come near each other.

The planets move on circles in one plane. Distances between the orbits and miss distances are those
of this model: they agree with the listed elements, but not with perturbed motion in reality.
"""

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

from neo_utils.limits import LISTED_WITHIN_AU
from neo_utils.sample.angles import RADIANS, cosine_sine, direction_deg

EPOCH_JD = 2_461_000.5  # of all elements: 2025-11-21
EPOCH_DAY = 20_413.0  # the same, in days since 1970
_AU_PER_YEAR_IN_KM_S = 4.740470464
_DAYS_PER_YEAR = 365.25
_STEP_DEG = 5  # of the eccentric anomaly
_GRID = [cosine_sine(_STEP_DEG * place) for place in range(360 // _STEP_DEG)]


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
        return _DAYS_PER_YEAR * self.semi_major_axis_au * sqrt(self.semi_major_axis_au)


class Planet(NamedTuple):
    """A planet on a circle, and the distance up to which NeoWs lists approaches to it."""

    name: str  # as NeoWs spells it
    radius_au: float
    longitude_deg: float  # at the epoch
    motion_deg_per_day: float
    limit_au: float


# Radii and longitudes: Standish, https://ssd.jpl.nasa.gov/planets/approx_pos.html
EARTH = Planet("Earth", 1.0, 59.86, 0.98560912, LISTED_WITHIN_AU["Earth"])
JUPITER = Planet("Juptr", 5.2034, 99.96, 0.08308529, LISTED_WITHIN_AU["Juptr"])
OTHER_PLANETS = (
    Planet("Merc", 0.3871, 226.15, 4.09233445, LISTED_WITHIN_AU["Merc"]),
    Planet("Venus", 0.7233, 131.12, 1.60213034, LISTED_WITHIN_AU["Venus"]),
    Planet("Mars", 1.5237, 270.35, 0.52402068, LISTED_WITHIN_AU["Mars"]),
    JUPITER,
)


class NearPoint(NamedTuple):
    """A point of a NEO's orbit that is nearest to a planet's circle, and the velocity there.

    ``longitude_deg`` is measured from the node. The velocity has the directions away from the axis,
    along the circle, and up, in AU per year.
    """

    distance_au: float
    from_axis_au: float
    height_au: float
    longitude_deg: float
    mean_anomaly_deg: float
    velocity: tuple[float, float, float]


class Passage(NamedTuple):
    """A planet and a NEO at their smallest distance."""

    day: float  # since 1970
    miss_distance_au: float
    relative_velocity_km_s: float


class Track:
    """The path of an orbit in space, relative to its node."""

    def __init__(
        self, axis_au: float, eccentricity: float, inclination: float, argument: float
    ) -> None:
        cos_i, sin_i = cosine_sine(inclination)
        cos_w, sin_w = cosine_sine(argument)
        minor = axis_au * sqrt(1 - eccentricity * eccentricity)
        self.axis_au, self.eccentricity = axis_au, eccentricity
        self._major = (axis_au * cos_w, axis_au * sin_w * cos_i, axis_au * sin_w * sin_i)
        self._minor = (-minor * sin_w, minor * cos_w * cos_i, minor * cos_w * sin_i)
        self._squares = [self._square(cos, sin) for cos, sin in _GRID]

    def near_points(self, radius_au: float, limit_au: float) -> list[NearPoint]:
        """Return the points nearest to a circle that are closer than a limit, nearest first."""
        # The distance from the Sun varies by this on both sides of the semi-major axis.
        if abs(radius_au - self.axis_au) >= self.axis_au * self.eccentricity + limit_au:
            return []
        size = len(_GRID)
        # The distance between two points of the grid is at most this.
        reach = (limit_au + 0.6 * _STEP_DEG * RADIANS * self.axis_au) ** 2
        apart = [s - 2 * radius_au * r + radius_au * radius_au for s, r in self._squares]
        points = []
        for place, square in enumerate(apart):
            after = apart[place + 1 - size]
            if square < reach and apart[place - 1] >= square < after:
                point = self._refined(radius_au, _STEP_DEG * place)
                if point.distance_au < limit_au:
                    points.append(point)
        return sorted(points)

    def _position(self, cos: float, sin: float) -> tuple[float, float, float]:
        a, b, along = self._major, self._minor, cos - self.eccentricity
        return a[0] * along + b[0] * sin, a[1] * along + b[1] * sin, a[2] * along + b[2] * sin

    def _square(self, cos: float, sin: float) -> tuple[float, float]:
        """Return the square of the distance from the Sun, and the distance from the axis."""
        x, y, z = self._position(cos, sin)
        plane = x * x + y * y
        return plane + z * z, sqrt(plane)

    def _refined(self, radius_au: float, anomaly: float) -> NearPoint:
        def apart(degrees: float) -> float:
            square, from_axis = self._square(*cosine_sine(degrees))
            return square - 2 * radius_au * from_axis

        step = _STEP_DEG / 2
        middle = apart(anomaly)
        while step > 0.002:
            before, after = apart(anomaly - step), apart(anomaly + step)
            bend = before + after - 2 * middle
            shift = step * (before - after) / (2 * bend) if bend > 0 else 0.0
            anomaly += max(-step, min(step, shift))
            middle = apart(anomaly)
            step /= 6
        return self._near_point(radius_au, anomaly)

    def _near_point(self, radius_au: float, anomaly: float) -> NearPoint:
        cos, sin = cosine_sine(anomaly)
        x, y, z = self._position(cos, sin)
        from_axis = sqrt(x * x + y * y)
        a, b = self._major, self._minor
        # 2 pi / period, divided by the change of the mean anomaly with the eccentric one.
        rate = 360 * RADIANS / (self.axis_au * sqrt(self.axis_au)) / (1 - self.eccentricity * cos)
        vx, vy, vz = (rate * (b[k] * cos - a[k] * sin) for k in range(3))
        outwards, along = (vx * x + vy * y) / from_axis, (vy * x - vx * y) / from_axis
        gap = from_axis - radius_au
        return NearPoint(
            sqrt(gap * gap + z * z),
            from_axis,
            z,
            direction_deg(x, y),
            (anomaly - self.eccentricity * sin / RADIANS) % 360,
            (outwards, along, vz),
        )


def encounter(point: NearPoint, planet: Planet, ahead_deg: float) -> Passage:
    """Return the passage if the planet is ahead of the point when the NEO is there.

    Both move on straight lines, which is exact for a near passage, but not nearer than the orbits.
    ``day`` counts from the moment at which the NEO is at the point.
    """
    angle = ahead_deg * RADIANS
    cos, sin = 1 - angle * angle / 2, angle - angle * angle * angle / 6
    radius, speed = planet.radius_au, planet.motion_deg_per_day * RADIANS * _DAYS_PER_YEAR
    # Position and velocity relative to the planet: away from the axis, along the circle, up.
    x, y, z = point.from_axis_au - radius * cos, -radius * sin, point.height_au
    outwards, along, up = point.velocity
    vx, vy = outwards + radius * speed * sin, along - radius * speed * cos
    square = vx * vx + vy * vy + up * up
    approach = x * vx + y * vy + z * up
    miss = x * x + y * y + z * z - approach * approach / square
    least = point.distance_au * (1.01 + angle / 100)
    return Passage(
        -approach / square * _DAYS_PER_YEAR,
        sqrt(max(miss, least * least)),
        sqrt(square) * _AU_PER_YEAR_IN_KM_S,
    )


def passages(
    orbit: Orbit, point: NearPoint, planet: Planet, limit_au: float, days: tuple[float, float]
) -> Iterator[Passage]:
    """Yield the passages near a point of the orbit, within these days since 1970."""
    period = orbit.period_days
    first = EPOCH_DAY + (point.mean_anomaly_deg - orbit.mean_anomaly_deg) / 360 * period
    turn = int((days[0] - first) // period)
    widest = min(40.0, 3 * limit_au / planet.radius_au / RADIANS)
    longitude = planet.longitude_deg - point.longitude_deg - orbit.node_longitude_deg
    motion, last = planet.motion_deg_per_day, days[1]
    while (at := first + turn * period) <= last:
        ahead = longitude + motion * (at - EPOCH_DAY)
        ahead -= 360 * round(ahead / 360)
        if -widest < ahead < widest:
            found = encounter(point, planet, ahead)
            if found.miss_distance_au < limit_au and days[0] <= at + found.day < last:
                yield found._replace(day=at + found.day)
        turn += 1


def tisserand(orbit: Orbit, planet: Planet) -> float:
    """Return the Tisserand invariant (no unit) of ``orbit`` for ``planet``.

    T = a_p/a + 2 cos(i) sqrt((a/a_p)(1 - e**2)). It is at most 3 if the orbit crosses the circle.
    """
    ratio = orbit.semi_major_axis_au / planet.radius_au
    momentum = sqrt(ratio * (1 - orbit.eccentricity * orbit.eccentricity))
    return 1 / ratio + 2 * momentum * cosine_sine(orbit.inclination_deg)[0]
