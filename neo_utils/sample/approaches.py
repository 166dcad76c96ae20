"""List the close approaches of simulated NEOs to five planets and the Moon, 1900 to 2200."""

from collections.abc import Iterator, Sequence
from datetime import date
from math import sqrt
from random import Random
from typing import NamedTuple

import numpy as np

from neo_utils.limits import LAST_WIDE_DETERMINATION, LISTED_WITHIN_AU, WIDE_EARTH_AU
from neo_utils.sample.asteroids import Asteroid
from neo_utils.sample.near_points import NearPoints
from neo_utils.sample.orbits import EARTH, LIMIT_AU, PLANETS, days_since_1970
from neo_utils.sample.passages import Passages, simulate_passages
from neo_utils.sample.population import Arc

_FIRST_DAY = days_since_1970(date(1900, 1, 1))  # NeoWs lists approaches from this day on
_LAST_DAY = days_since_1970(date(2200, 12, 31))
_MOON_DISTANCE_AU = 0.00257
_MOON_LIMIT_AU = LISTED_WITHIN_AU["Moon"]
_SAME_PASSAGE_MINUTES = 20 * 1_440


class Approach(NamedTuple):
    """One close approach, in integers to keep unit conversions exact."""

    minute: int  # since 1970-01-01 00:00, as listed
    body: str
    miss_distance: int  # 1e-10 AU
    relative_velocity: int  # 1e-10 km/s


def simulate_approaches(
    rngs: Sequence[Random], asteroids: Sequence[Asteroid], points: NearPoints
) -> list[list[Approach]]:
    """Return each NEO's approaches to all bodies, oldest first, at most one per day and body."""
    listed: list[list[Approach]] = [[] for _ in asteroids]
    for neo, approach in _approaches(asteroids, points):
        listed[neo].append(approach)
        if approach.body == EARTH.name:
            listed[neo] += _moon_approach(rngs[neo], approach)
    return [
        sorted({(one.minute // 1_440, one.body): one for one in approaches}.values())
        for approaches in listed
    ]


def _approaches(
    asteroids: Sequence[Asteroid], points: NearPoints
) -> Iterator[tuple[int, Approach]]:
    """Yield the approaches to planets, each with its NEO's place among the asteroids."""
    is_wide = np.array([one.arc.determined <= LAST_WIDE_DETERMINATION for one in asteroids])
    is_earth = points.planet == PLANETS.index(EARTH)
    limit_au = np.where(is_earth & is_wide[points.neo], WIDE_EARTH_AU, LIMIT_AU[points.planet])
    days = np.array([_listed_days(one.arc) for one in asteroids]).T
    near = points.distance_au < limit_au
    found = simulate_passages(
        [one.orbit for one in asteroids],
        points.at(near),
        limit_au[near],
        days[:, points.neo[near]],
    )
    for neo, planet, minute, miss_distance, velocity in _without_repetitions(found):
        yield neo, Approach(minute, PLANETS[planet].name, miss_distance, velocity)


def _without_repetitions(found: Passages) -> list[tuple[int, int, int, int, int]]:
    """Return NEO, planet and the numbers of an ``Approach``, in this order, of each passage.

    Two points of an orbit can lead to the same passage: of two within days the nearer one is kept.
    """
    numbers = np.array(
        [
            found.neo,
            found.planet,
            np.floor(found.day * 1_440),
            np.floor(found.miss_distance_au * 1e10) + 1,
            np.floor(found.relative_velocity_km_s * 1e10),
        ]
    )
    kept: list[tuple[int, int, int, int, int]] = []
    for one in sorted(zip(*numbers.astype(int).tolist(), strict=True)):
        neo, planet, minute, miss_distance, _ = one
        is_new = not kept or kept[-1][:2] != (neo, planet)
        if is_new or minute - kept[-1][2] >= _SAME_PASSAGE_MINUTES:
            kept.append(one)
        elif miss_distance < kept[-1][3]:
            kept[-1] = one
    return kept


def _listed_days(arc: Arc) -> tuple[float, float]:
    """Return the first day of the list and the day after the last; a short arc has fewer days."""
    if not arc.is_short:
        return _FIRST_DAY, _LAST_DAY + 1
    # From 8.7 years for one day to 71 for 90 days.
    reach = 365.25 * (8 + 0.7 * arc.days)
    first = days_since_1970(arc.first)
    return max(_FIRST_DAY, first - reach), min(_LAST_DAY + 1, first + reach)


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
