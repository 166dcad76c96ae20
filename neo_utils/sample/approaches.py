"""List the close approaches of a simulated NEO to five planets and the Moon, 1900 to 2200."""

from collections.abc import Iterator
from datetime import date
from math import sqrt
from random import Random
from typing import NamedTuple

from neo_utils.limits import LAST_WIDE_DETERMINATION, LISTED_WITHIN_AU, WIDE_EARTH_AU
from neo_utils.sample.asteroids import Asteroid
from neo_utils.sample.orbits import EARTH, OTHER_PLANETS, NearPoint, Passage, Planet, passages

_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_DAY = date(1900, 1, 1).toordinal() - _EPOCH  # NeoWs lists approaches from this day on
_LAST_DAY = date(2200, 12, 31).toordinal() - _EPOCH
_WIDE_EARTH = EARTH._replace(limit_au=WIDE_EARTH_AU)
_MOON_DISTANCE_AU = 0.00257
_MOON_LIMIT_AU = LISTED_WITHIN_AU["Moon"]
_SAME_PASSAGE_DAYS = 20


class Approach(NamedTuple):
    """One close approach, in integers to keep unit conversions exact."""

    minute: int  # since 1970-01-01 00:00 UTC
    body: str
    miss_distance: int  # 1e-10 AU
    relative_velocity: int  # 1e-10 km/s


def simulate_approaches(rng: Random, asteroid: Asteroid) -> list[Approach]:
    """Return the approaches to all bodies, oldest first, at most one per day and body."""
    days = _listed_days(asteroid)
    is_wide = asteroid.arc.determined <= LAST_WIDE_DETERMINATION
    earth = _WIDE_EARTH if is_wide else EARTH
    approaches = []
    for approach in _approaches(asteroid, earth, asteroid.near_earth, days):
        approaches += [approach, *_moon_approach(rng, approach)]
    for planet in OTHER_PLANETS:
        points = asteroid.track.near_points(planet.radius_au, planet.limit_au)
        approaches += _approaches(asteroid, planet, points, days)
    distinct = {(approach.minute // 1_440, approach.body): approach for approach in approaches}
    return sorted(distinct.values())


def _listed_days(asteroid: Asteroid) -> tuple[float, float]:
    """Return first and last day of the list: a short arc does not tell where the NEO is later."""
    if not asteroid.arc.is_short:
        return _FIRST_DAY, _LAST_DAY + 1
    reach = 365.25 * (8 + 0.7 * asteroid.arc.days)
    first = asteroid.arc.first.toordinal() - _EPOCH
    return max(_FIRST_DAY, first - reach), min(_LAST_DAY + 1, first + reach)


def _approaches(
    asteroid: Asteroid, planet: Planet, points: list[NearPoint], days: tuple[float, float]
) -> list[Approach]:
    """Return the approaches to one planet, without the farther one of two within days."""
    found = [
        passage
        for point in points
        if point.distance_au < planet.limit_au
        for passage in passages(asteroid.orbit, point, planet, planet.limit_au, days)
    ]
    listed: list[Passage] = []
    for passage in sorted(found):
        if listed and passage.day - listed[-1].day < _SAME_PASSAGE_DAYS:
            if passage.miss_distance_au >= listed[-1].miss_distance_au:
                continue
            listed.pop()
        listed.append(passage)
    return [
        Approach(
            int(1_440 * passage.day // 1),
            planet.name,
            int(passage.miss_distance_au * 1e10) + 1,
            int(passage.relative_velocity_km_s * 1e10),
        )
        for passage in listed
    ]


def _moon_approach(rng: Random, earth: Approach) -> Iterator[Approach]:
    distance = earth.miss_distance / 1e10
    if distance > _MOON_LIMIT_AU + _MOON_DISTANCE_AU:
        return
    cosine = 2 * rng.random() - 1  # of the angle at Earth; uniform for a random direction
    square = distance * distance + _MOON_DISTANCE_AU * (_MOON_DISTANCE_AU - 2 * distance * cosine)
    midnight = earth.minute // 1_440 * 1_440
    minute = earth.minute + int(600 * rng.random()) - 300
    if square < _MOON_LIMIT_AU * _MOON_LIMIT_AU:
        minute = min(max(minute, midnight), midnight + 1_439)
        velocity = int(earth.relative_velocity * (0.95 + 0.1 * rng.random()))
        yield Approach(minute, "Moon", int(sqrt(square) * 1e10) + 1, velocity)
