"""What the service's first page is known to look like, of what was recorded from 2021 to 2026.

A description for `make test-live` to compare with; what of it we read follows from
`neo_utils.neows.contract`. Where a change of the service is there to stay, this page follows it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from math import sqrt
from typing import NamedTuple

from neo_utils.statistics.definitions import KM_PER_AU, LUNAR_DISTANCES_PER_AU

_NEO = "near_earth_objects[]"
_APPROACH = f"{_NEO}.close_approach_data[]"
_ORBIT = f"{_NEO}.orbital_data"
_DIAMETER = f"{_NEO}.estimated_diameter"

# Path -> form, one of those of `tests.page_forms`, or several. "or absent": from some of the
# objects; "or nowhere": perhaps from all of them.
FORMS = {
    "links": "object",
    "links.next": "address",
    "links.prev": "address or nowhere",  # not on the first page
    "links.self": "address",
    "page": "object",
    "page.size": "whole number",
    "page.total_elements": "whole number",
    "page.total_pages": "whole number",
    "page.number": "whole number",
    "near_earth_objects": "list",
    _NEO: "object",
    f"{_NEO}.links": "object",
    f"{_NEO}.links.self": "address",
    f"{_NEO}.id": "whole number as text",
    f"{_NEO}.neo_reference_id": "whole number as text",
    f"{_NEO}.name": "text",
    f"{_NEO}.name_limited": "text or absent",  # from the unnamed
    f"{_NEO}.designation": "text or absent",  # 276274 had none in 2018
    f"{_NEO}.nasa_jpl_url": "address",
    f"{_NEO}.absolute_magnitude_h": "number",
    _DIAMETER: "object",
    **{
        path: form
        for unit in ("kilometers", "meters", "miles", "feet")
        for path, form in {
            f"{_DIAMETER}.{unit}": "object",
            f"{_DIAMETER}.{unit}.estimated_diameter_min": "number",
            f"{_DIAMETER}.{unit}.estimated_diameter_max": "number",
        }.items()
    },
    f"{_NEO}.is_potentially_hazardous_asteroid": "boolean",
    f"{_NEO}.close_approach_data": "list",
    _APPROACH: "object",
    f"{_APPROACH}.close_approach_date": "date from 1900 to 2200",
    f"{_APPROACH}.close_approach_date_full": "date with English month, hour and minute",
    f"{_APPROACH}.epoch_date_close_approach": "whole number",
    f"{_APPROACH}.relative_velocity": "object",
    f"{_APPROACH}.relative_velocity.kilometers_per_second": "number as text",
    f"{_APPROACH}.relative_velocity.kilometers_per_hour": "number as text",
    f"{_APPROACH}.relative_velocity.miles_per_hour": "number as text",
    f"{_APPROACH}.miss_distance": "object",
    f"{_APPROACH}.miss_distance.astronomical": "number as text",
    f"{_APPROACH}.miss_distance.lunar": "number as text",
    f"{_APPROACH}.miss_distance.kilometers": "number as text",
    f"{_APPROACH}.miss_distance.miles": "number as text",
    f"{_APPROACH}.orbiting_body": "body",
    _ORBIT: "object",
    f"{_ORBIT}.orbit_id": "text",
    f"{_ORBIT}.orbit_determination_date": "date and time",
    # These five were null for 276274 in 2018.
    f"{_ORBIT}.first_observation_date": "date or null",
    f"{_ORBIT}.last_observation_date": "date or null",
    f"{_ORBIT}.data_arc_in_days": "whole number or null",
    f"{_ORBIT}.observations_used": "whole number or null",
    f"{_ORBIT}.orbit_class": "object or null",
    f"{_ORBIT}.orbit_class.orbit_class_type": "text",
    f"{_ORBIT}.orbit_class.orbit_class_description": "text",
    f"{_ORBIT}.orbit_class.orbit_class_range": "text",
    f"{_ORBIT}.orbit_uncertainty": "whole number as text",
    f"{_ORBIT}.minimum_orbit_intersection": "number as text",
    f"{_ORBIT}.jupiter_tisserand_invariant": "number as text",
    f"{_ORBIT}.epoch_osculation": "number as text",
    f"{_ORBIT}.eccentricity": "number as text",
    f"{_ORBIT}.semi_major_axis": "number as text",
    f"{_ORBIT}.inclination": "number as text",
    f"{_ORBIT}.ascending_node_longitude": "number as text",
    f"{_ORBIT}.orbital_period": "number as text",
    f"{_ORBIT}.perihelion_distance": "number as text",
    f"{_ORBIT}.perihelion_argument": "number as text",
    f"{_ORBIT}.aphelion_distance": "number as text",
    f"{_ORBIT}.perihelion_time": "number as text",
    f"{_ORBIT}.mean_anomaly": "number as text",
    f"{_ORBIT}.mean_motion": "number as text",
    f"{_ORBIT}.equinox": "text",
    f"{_NEO}.is_sentry_object": "boolean",
    f"{_NEO}.sentry_data": "address or nowhere",  # only of what Sentry watches
}


def _epoch_ms(minute):
    return datetime.strptime(minute, "%Y-%b-%d %H:%M").replace(tzinfo=UTC).timestamp() * 1_000


def _diameter_m(magnitude_h, albedo):
    return 1_329_000 / sqrt(albedo) * 10 ** (-float(magnitude_h) / 5)


class Unit(NamedTuple):
    """What a value is in its unit, as follows from another value of the same object."""

    other: str
    expected: Callable
    tolerance: float = 1e-4  # finer than from NeoWs's lunar distance to CNEOS's, 389.17 to the AU


# A unit stands in no value, but in what values have to do with each other.
UNITS = {
    _APPROACH: {
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
    _NEO: {
        "estimated_diameter.meters.estimated_diameter_min": Unit(
            "absolute_magnitude_h", lambda h: _diameter_m(h, albedo=0.25)
        ),
        "estimated_diameter.meters.estimated_diameter_max": Unit(
            "absolute_magnitude_h", lambda h: _diameter_m(h, albedo=0.05)
        ),
        "orbital_data.orbital_period": Unit(  # days, by Kepler's third law
            "orbital_data.semi_major_axis", lambda axis_au: 365.25 * float(axis_au) ** 1.5
        ),
    },
}

BODIES = ("Earth", "Venus", "Mars", "Merc", "Juptr", "Moon")
CATALOGUE_SIZE = 41_000  # 2026; with half or twice as many, it is another listing
HEADERS = {
    "Date": "date of HTTP",
    "X-RateLimit-Limit": "whole number as text",  # 1,000 or 2,000 an hour
    "X-RateLimit-Remaining": "whole number as text",
}
