"""The rows expected of a Browse page, from Python's `json` alone."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

from neo_utils.store.schemas import RAW

# Recorded answers of the service are stored outside the project, for copyright reasons.
_RECORDED = Path(__file__).parents[2] / "shared/neows/pages"
OLD = _RECORDED / "2017-04_page0_old-schema.json"
BETWEEN = _RECORDED / "2018-09_page0_nulls.json"
MODERN = _RECORDED / "2024-10_page0_modern.json"


def read_by_json(body):
    """Return the page with numbers as text, or None if `json` cannot read it."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        return json.loads(text, strict=False, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None


def rows(table):
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def expected_rows(objects):
    """Return the rows of the three tables: NEOs, approaches and orbits."""
    objects = list(objects)
    approaches = [row for one in objects for row in _approaches(one)]
    return [_neo(one) for one in objects], approaches, [_orbit(one) for one in objects]


def _neo(one):
    approaches = _approaches(one)
    _, when, *_, kilometers, velocity = min(approaches, key=lambda a: a[6], default=[None] * 8)
    meters = _part(one.get("estimated_diameter"), "meters")
    orbit = one.get("orbital_data")
    return (
        _id(one),
        *(one.get(name) for name in RAW.names[1:6]),
        _number(one.get("absolute_magnitude_h")),
        _boolean(one.get("is_potentially_hazardous_asteroid")),
        _number(_part(meters, "estimated_diameter_min")),
        _number(_part(meters, "estimated_diameter_max")),
        kilometers,
        when,
        velocity,
        _day(_part(orbit, "first_observation_date")),
        _day(_part(orbit, "last_observation_date")),
        whole(_part(orbit, "observations_used")),
        _number(_part(orbit, "orbital_period")),
    )


def _orbit(one):
    orbit = one.get("orbital_data")
    determined = _without_null(_part(orbit, "orbit_determination_date"))
    numbers = (
        *("minimum_orbit_intersection", "jupiter_tisserand_invariant", "epoch_osculation"),
        *("eccentricity", "semi_major_axis", "inclination", "ascending_node_longitude"),
        *("perihelion_argument", "mean_anomaly", "mean_motion", "perihelion_distance"),
        *("aphelion_distance", "perihelion_time"),
    )
    return (
        _id(one),
        _part(orbit, "orbit_id"),
        determined and dt.datetime.fromisoformat(determined),
        _part(_part(orbit, "orbit_class"), "orbit_class_type"),
        whole(_part(orbit, "orbit_uncertainty")),
        *(_number(_part(orbit, name)) for name in numbers),
        whole(_part(orbit, "data_arc_in_days")),
        _part(orbit, "equinox"),
        _boolean(one.get("is_sentry_object")),
    )


def _approaches(one):
    first_of = {}
    for each in one["close_approach_data"]:
        listed = _day(each["close_approach_date"])
        full = each.get("close_approach_date_full")
        time_ms = whole(each.get("epoch_date_close_approach")) if full else None
        row = (
            _id(one),
            listed,
            None if time_ms is None else _instant(time_ms),
            each["orbiting_body"],
            _number(each["miss_distance"]["astronomical"]),
            _number(each["miss_distance"].get("lunar")),
            _number(each["miss_distance"]["kilometers"]),
            _number(each["relative_velocity"]["kilometers_per_second"]),
        )
        first_of.setdefault((listed if time_ms is None else time_ms, each["orbiting_body"]), row)
    return list(first_of.values())


def whole(value):
    return None if _without_null(value) is None else int(Decimal(value))


def _without_null(value):
    # The decoder treats the text "null" as null except in text fields.
    return None if value is None or str(value).lower() == "null" else value


def _number(value):
    return None if _without_null(value) is None else float(value)


def _boolean(value):
    if _without_null(value) is None or isinstance(value, bool):
        return _without_null(value)
    return value.lower() == "true" if value.lower() in ("true", "false") else bool(int(value))


def _day(value):
    return None if _without_null(value) is None else dt.date.fromisoformat(value)


def _instant(milliseconds):
    return dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=milliseconds)


def _part(value, name):
    return (_without_null(value) or {}).get(name)


def _id(one):
    return one["neo_reference_id"] if one.get("id") is None else one["id"]
