"""Simulate the close approaches of NEOs to five planets and the Moon, 1900 to 2200."""

from collections.abc import Iterator
from datetime import date
from math import sqrt
from random import Random
from typing import NamedTuple

from neo_utils.sample.orbits import (
    EARTH,
    LAST_WIDE_DETERMINATION,
    OTHER_PLANETS,
    Asteroid,
    Body,
    Orbit,
    gap_au,
    tisserand,
)

_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_DAY = date(1900, 1, 1).toordinal() - _EPOCH  # NeoWs lists approaches from this day on
_LAST_DAY = date(2200, 12, 31).toordinal() - _EPOCH
_EARTH_SPEED_KM_S = 29.785  # mean heliocentric speed
_WIDE_EARTH = EARTH._replace(limit_au=0.5)
_MOON_DISTANCE_AU = 0.00257
_MOON_LIMIT_AU = 0.0085


class Approach(NamedTuple):
    """One close approach, in integers to keep unit conversions exact."""

    minute: int  # since 1970-01-01 00:00 UTC
    body: str
    miss_distance: int  # 1e-10 AU
    relative_velocity: int  # 1e-10 km/s


def simulate_approaches(rng: Random, asteroid: Asteroid) -> list[Approach]:
    """Return the approaches to all bodies, oldest first, at most one per day and body."""
    approaches = list(_earth_approaches(rng, asteroid))
    for planet in OTHER_PLANETS:
        moid_au = gap_au(asteroid.orbit, planet) + 1.5 * planet.limit_au * rng.random()
        approaches += _approaches(rng, asteroid, planet, moid_au, rng.random())
    distinct = {(approach.minute // 1_440, approach.body): approach for approach in approaches}
    return sorted(distinct.values())


def _earth_approaches(rng: Random, asteroid: Asteroid) -> Iterator[Approach]:
    is_wide = asteroid.arc.determined <= LAST_WIDE_DETERMINATION
    earth = _WIDE_EARTH if is_wide else EARTH
    # Discovered near one of the two points where the orbits are close: always the same season.
    discovery = _discovery(asteroid)
    phase = (discovery - _FIRST_DAY) / 365.25 % 1
    moid = asteroid.earth_moid_au
    listed = list(_approaches(rng, asteroid, earth, moid, phase))
    if asteroid.is_found_passing and moid < earth.limit_au - 0.01:
        distance = sqrt(moid * moid + 0.0004 * rng.random() * rng.random())
        minute = 1_440 * discovery + int(1_440 * rng.random())
        listed.append(_approach(rng, earth, minute, distance, _speed_km_s(asteroid.orbit, earth)))
    for approach in listed:
        yield approach
        yield from _moon_approach(rng, approach)


def _approaches(
    rng: Random, asteroid: Asteroid, body: Body, moid_au: float, phase: float
) -> Iterator[Approach]:
    """Yield approaches to ``body`` at two points of its orbit; one is at ``phase`` of its year.

    An early or late arrival moves the approach along a line at distance ``moid_au``. So the number
    of approaches within r grows as sqrt(r**2 - moid**2) for one object, and as r**2 over all
    objects if their MOIDs are uniform, as for uniform crossings of the target plane.
    """
    if moid_au >= body.limit_au:
        return
    reach = sqrt(body.limit_au * body.limit_au - moid_au * moid_au)
    axis = asteroid.orbit.semi_major_axis_au
    expected = body.rate * reach * 3 / (1 + axis * sqrt(axis))  # fewer for long periods
    count = int(expected * (0.5 + rng.random()) + rng.random())
    year_days = 365.25 * body.semi_major_axis_au * sqrt(body.semi_major_axis_au)
    speed = _speed_km_s(asteroid.orbit, body)
    other_phase = phase + 0.2 + 0.6 * rng.random()
    for turn, is_other in sorted({_turn(rng, asteroid, year_days) for _ in range(count)}):
        scatter = (rng.random() + rng.random() - 1) / 25
        days = _FIRST_DAY + (turn + (other_phase if is_other else phase) + scatter) * year_days
        late = reach * rng.random()
        distance = sqrt(moid_au * moid_au + late * late)
        if _FIRST_DAY <= days < _LAST_DAY + 1:
            yield _approach(rng, body, int(1_440 * days // 1), distance, speed)


def _turn(rng: Random, asteroid: Asteroid, year_days: float) -> tuple[int, bool]:
    """Return the body's year since 1900, and whether the approach is at the second point."""
    turns = int((_LAST_DAY + 1 - _FIRST_DAY) / year_days) + 1
    is_other = rng.random() < 0.5
    # A short arc does not determine the position decades later: fewer approaches there.
    if asteroid.arc.is_short and rng.random() < 0.2:
        days = _discovery(asteroid) - _FIRST_DAY
        turn = int((days + 18_000 * (rng.random() + rng.random() - 1)) / year_days)
        return min(max(turn, 0), turns - 1), is_other
    return int(turns * rng.random()), is_other


def _discovery(asteroid: Asteroid) -> int:
    return asteroid.arc.first.toordinal() - _EPOCH


def _speed_km_s(orbit: Orbit, body: Body) -> float:
    """Return Opik's encounter speed v_body * sqrt(3 - T)."""
    encounter = max(0.02, 3 - tisserand(orbit, body))
    return _EARTH_SPEED_KM_S * sqrt(encounter / body.semi_major_axis_au)


def _approach(
    rng: Random, body: Body, minute: int, distance_au: float, speed_km_s: float
) -> Approach:
    scattered = speed_km_s * (0.97 + 0.06 * rng.random())
    return Approach(minute, body.name, int(distance_au * 1e10), int(scattered * 1e10))


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
        yield Approach(minute, "Moon", int(sqrt(square) * 1e10), velocity)
