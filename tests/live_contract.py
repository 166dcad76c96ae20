"""The form of the service's first page, from pages recorded from 2021 to 2026.

`make test-live` compares the service with it. `neo_utils.neows.contract` determines which of these
fields the package reads. If the service changes permanently, update this module.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from math import sqrt
from typing import NamedTuple

from neo_utils.units import KM_PER_AU, LUNAR_DISTANCES_PER_AU

# Each value's form, as `tests.page_comparison` names them, or several. "or absent": some objects
# lack the field; "or nowhere": all objects of a page may lack it.
_AS_TEXT = "number as text"
_APPROACH = {
    "close_approach_date": "date from 1900 to 2200",
    "close_approach_date_full": "date with English month, hour and minute",
    "epoch_date_close_approach": "whole number",
    "relative_velocity": dict.fromkeys(
        ("kilometers_per_second", "kilometers_per_hour", "miles_per_hour"), _AS_TEXT
    ),
    "miss_distance": dict.fromkeys(("astronomical", "lunar", "kilometers", "miles"), _AS_TEXT),
    "orbiting_body": "body",
}
_ORBIT_CLASS = ("orbit_class_type", "orbit_class_description", "orbit_class_range")
_ORBIT = {
    "orbit_id": "text",
    "orbit_determination_date": "date and time",
    # These five were null for 276274 in 2018.
    "first_observation_date": "date or null",
    "last_observation_date": "date or null",
    "data_arc_in_days": "whole number or null",
    "observations_used": "whole number or null",
    "orbit_class or null": dict.fromkeys(_ORBIT_CLASS, "text"),
    "orbit_uncertainty": "whole number as text",
    **dict.fromkeys(("minimum_orbit_intersection", "jupiter_tisserand_invariant"), _AS_TEXT),
    **dict.fromkeys(("epoch_osculation", "eccentricity", "semi_major_axis"), _AS_TEXT),
    **dict.fromkeys(("inclination", "ascending_node_longitude", "orbital_period"), _AS_TEXT),
    **dict.fromkeys(("perihelion_distance", "perihelion_argument", "perihelion_time"), _AS_TEXT),
    **dict.fromkeys(("aphelion_distance", "mean_anomaly", "mean_motion"), _AS_TEXT),
    "equinox": "text",
}
_DIAMETERS = dict.fromkeys(("estimated_diameter_min", "estimated_diameter_max"), "number")
_NEO = {
    "links": {"self": "address"},
    "id": "whole number as text",
    "neo_reference_id": "whole number as text",
    "name": "text",
    "name_limited": "text or absent",  # from the unnamed
    "designation": "text or absent",  # 276274 had none in 2018
    "nasa_jpl_url": "address",
    "absolute_magnitude_h": "number",
    "estimated_diameter": dict.fromkeys(("kilometers", "meters", "miles", "feet"), _DIAMETERS),
    "is_potentially_hazardous_asteroid": "boolean",
    "close_approach_data": [_APPROACH],
    "orbital_data": _ORBIT,
    "is_sentry_object": "boolean",
    "sentry_data": "address or nowhere",  # only of what Sentry watches
}
_PAGE = {
    "links": {"next": "address", "prev": "address or nowhere", "self": "address"},
    "page": dict.fromkeys(("size", "total_elements", "total_pages", "number"), "whole number"),
    "near_earth_objects": [_NEO],
}


def _forms(value, path=""):
    """Yield each path of a page with its form."""
    path, nullable, _ = path.partition(" or null")
    if isinstance(value, dict):
        yield path, f"object{nullable}"
        for name, one in value.items():
            yield from _forms(one, f"{path}.{name}".removeprefix("."))
    elif isinstance(value, list):
        yield path, "list"
        yield from _forms(value[0], f"{path}[]")
    else:
        yield path, value


FORMS = {path: form for path, form in _forms(_PAGE) if path}


def _epoch_ms(minute):
    return datetime.strptime(minute, "%Y-%b-%d %H:%M").replace(tzinfo=UTC).timestamp() * 1_000


def _diameter_m(albedo):
    return lambda magnitude_h: 1_329_000 / sqrt(albedo) * 10 ** (-float(magnitude_h) / 5)


class Unit(NamedTuple):
    """The value that another value of the same object implies, in the expected unit."""

    other: str
    expected: Callable
    tolerance: float = 1e-4  # below the difference between NeoWs's and CNEOS's lunar distance


# No value states its unit, but related values show it.
UNITS = {
    "near_earth_objects[].close_approach_data[]": {
        "epoch_date_close_approach": Unit("close_approach_date_full", _epoch_ms, tolerance=1e-9),
        "relative_velocity.kilometers_per_second": Unit(
            "relative_velocity.kilometers_per_hour", lambda km_h: float(km_h) / 3_600
        ),
        "miss_distance.lunar": Unit(
            "miss_distance.astronomical", lambda au: float(au) * LUNAR_DISTANCES_PER_AU
        ),
        "miss_distance.kilometers": Unit(
            "miss_distance.astronomical", lambda au: float(au) * KM_PER_AU
        ),
    },
    "near_earth_objects[]": {
        "estimated_diameter.meters.estimated_diameter_min": Unit(
            "absolute_magnitude_h", _diameter_m(albedo=0.25)
        ),
        "estimated_diameter.meters.estimated_diameter_max": Unit(
            "absolute_magnitude_h", _diameter_m(albedo=0.05)
        ),
        "orbital_data.orbital_period": Unit(  # days, by Kepler's third law
            "orbital_data.semi_major_axis", lambda axis_au: 365.25 * float(axis_au) ** 1.5
        ),
    },
}

BODIES = ("Earth", "Venus", "Mars", "Merc", "Juptr", "Moon")
CATALOGUE_SIZE = 41_000  # in 2026; half or twice as many would be another listing
HEADERS = {
    "Date": "date of HTTP",
    "X-RateLimit-Limit": "whole number as text",  # 1,000 or 2,000 an hour
    "X-RateLimit-Remaining": "whole number as text",
}
