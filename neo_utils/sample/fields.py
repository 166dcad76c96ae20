"""Format brightness, size, approaches and orbit as NeoWs does: units, decimals, orbit classes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

import numpy as np

from neo_utils.sample.approaches import Approach
from neo_utils.sample.asteroids import Asteroid
from neo_utils.sample.orbits import EPOCH_JD, Orbit
from neo_utils.sample.population import Arc

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AU_HECTOMETRES = 1_495_978_707  # 149,597,870.7 km, IAU 2012 resolution B2
_LUNAR_DISTANCES_PER_AU = 389  # this and the following factors are the service's
_MILES_PER_KM_E8 = 62_137_119  # 0.62137119
_UNITS_PER_KM = {
    "kilometers": Decimal(1),
    "meters": Decimal(1_000),
    "miles": Decimal("0.621371"),
    "feet": Decimal("3280.84"),
}
# Based on https://cneos.jpl.nasa.gov/about/neo_groups.html
_CLASSES = {
    "AMO": (
        "Orbits that come near Earth\u2019s from outside, like 1221 Amor\u2019s",
        "1.017 AU < q < 1.3 AU",
    ),
    "APO": (
        "Orbits that cross Earth\u2019s and are wider, like 1862 Apollo\u2019s",
        "a > 1.0 AU; q < 1.017 AU",
    ),
    "ATE": (
        "Orbits that cross Earth\u2019s and are narrower, like 2062 Aten\u2019s",
        "a < 1.0 AU; Q > 0.983 AU",
    ),
    "IEO": (
        "Orbits that stay wholly inside Earth\u2019s, like 163693 Atira\u2019s",
        "Q < 0.983 AU",
    ),
}
_NULLABLE = (
    "first_observation_date",
    "last_observation_date",
    "data_arc_in_days",
    "observations_used",
    "orbit_class",
)


def absolute_magnitude(hundredths: int) -> float | int:
    """Return H; some whole magnitudes have no decimal point, as in the service."""
    return hundredths // 100 if hundredths % 200 == 0 else hundredths / 100


@cache
def estimated_diameter(magnitude_hundredths: int) -> Mapping[str, Mapping[str, float]]:
    """Return the diameters at albedo 0.25 and 0.05 in four units.

    1329 km / sqrt(albedo) * 10**(-H/5), https://cneos.jpl.nasa.gov/tools/ast_size_est.html.
    """
    with localcontext(prec=40):
        at_albedo_1 = 1_329 * Decimal(10) ** (Decimal(-magnitude_hundredths) / 500)
        least, most = at_albedo_1 / Decimal("0.25").sqrt(), at_albedo_1 / Decimal("0.05").sqrt()
        return {
            unit: {
                "estimated_diameter_min": float(round(least * scale, 10)),
                "estimated_diameter_max": float(round(most * scale, 10)),
            }
            for unit, scale in _UNITS_PER_KM.items()
        }


def close_approach_data(approaches: Sequence[Approach]) -> list[dict[str, Any]]:
    """Return the approaches of one NEO."""
    minutes = np.array([one.minute for one in approaches], "datetime64[m]")
    times = np.datetime_as_string(minutes).tolist()
    return [_close_approach(*one) for one in zip(approaches, times, strict=True)]


def _close_approach(approach: Approach, iso: str) -> dict[str, Any]:
    per_hour = approach.relative_velocity * 3_600
    distance = approach.miss_distance
    nano_km = distance * _AU_HECTOMETRES // 100  # the service has nine decimals
    return {
        "close_approach_date": iso[:10],
        "close_approach_date_full": f"{iso[:5]}{_MONTHS[int(iso[5:7]) - 1]}{iso[7:10]} {iso[11:]}",
        "epoch_date_close_approach": approach.minute * 60_000,
        "relative_velocity": {
            "kilometers_per_second": _decimal(approach.relative_velocity),
            "kilometers_per_hour": _decimal(per_hour),
            "miles_per_hour": _decimal(per_hour * _MILES_PER_KM_E8 // 10**8),
        },
        "miss_distance": {
            "astronomical": _decimal(distance),
            "lunar": _decimal(distance * _LUNAR_DISTANCES_PER_AU),
            "kilometers": _decimal(nano_km * 10),
            "miles": _decimal(nano_km * _MILES_PER_KM_E8 // 10**7),
        },
        "orbiting_body": approach.body,
    }


def orbital_data(rank: int, asteroid: Asteroid) -> dict[str, Any]:
    """Return the orbital elements and the observations used to compute them."""
    orbit, arc = asteroid.orbit, asteroid.arc
    axis = orbit.semi_major_axis_au
    period_days = orbit.period_days
    motion = 360 / period_days
    fields = {
        "orbit_id": str(1 + arc.observations // 12),
        "orbit_determination_date": f"{arc.determined} {rank % 24:02d}:{rank % 59:02d}:00",
        "first_observation_date": arc.first.isoformat(),
        "last_observation_date": arc.last.isoformat(),
        "data_arc_in_days": arc.days,
        "observations_used": arc.observations,
        "orbit_uncertainty": str(_uncertainty(arc)),
        "minimum_orbit_intersection": f"{asteroid.earth_moid_au:.6f}".removeprefix("0"),
        "jupiter_tisserand_invariant": f"{asteroid.jupiter_tisserand:.3f}",
        "epoch_osculation": f"{EPOCH_JD}",
        "eccentricity": _significant(orbit.eccentricity),
        "semi_major_axis": _significant(axis),
        "inclination": _significant(orbit.inclination_deg),
        "ascending_node_longitude": _significant(orbit.node_longitude_deg),
        "orbital_period": _significant(period_days),
        "perihelion_distance": _significant(orbit.perihelion_au),
        "perihelion_argument": _significant(orbit.perihelion_argument_deg),
        "aphelion_distance": _significant(orbit.aphelion_au),
        "perihelion_time": _significant(EPOCH_JD - orbit.mean_anomaly_deg / motion),
        "mean_anomaly": _significant(orbit.mean_anomaly_deg),
        "mean_motion": _significant(motion),
        "equinox": "J2000",
        "orbit_class": _orbit_class(orbit),
    }
    is_like_276274 = rank % 500 == 137  # the service once listed 276274 with these nulls
    return fields | dict.fromkeys(_NULLABLE) if is_like_276274 else fields


def _decimal(ten_billionths: int) -> str:
    # Seven calls per approach: slicing a string is the fastest way.
    digits = str(ten_billionths).zfill(11)
    number = digits[:-10] + "." + digits[-10:]
    return number.rstrip("0").rstrip(".") if number[-1] == "0" else number


def _significant(number: float) -> str:
    return f"{number:.16g}".removeprefix("0")


def _uncertainty(arc: Arc) -> int:
    # 0 (well known) to 9, as the Minor Planet Center's U: lower for longer arcs.
    return sum(arc.days < limit for limit in (10, 20, 40, 70, 100, 400, 1_500, 3_000, 6_000))


def _orbit_class(orbit: Orbit) -> dict[str, str]:
    if orbit.aphelion_au < 0.983:
        kind = "IEO"
    elif orbit.semi_major_axis_au < 1:
        kind = "ATE"
    else:
        kind = "APO" if orbit.perihelion_au < 1.017 else "AMO"
    description, limits = _CLASSES[kind]
    return {
        "orbit_class_type": kind,
        "orbit_class_description": description,
        "orbit_class_range": limits,
    }
