"""Small NeoWs objects and pages in the service's current format, with invented values."""

import copy
import datetime as dt
import json
from contextlib import contextmanager

from neo_utils.sample import service


def approach(**changes):
    """Return an approach; change a nested distance or velocity with `put`."""
    return {
        "close_approach_date": "2031-04-05",
        "close_approach_date_full": "2031-Apr-05 06:07",
        "epoch_date_close_approach": 1_933_135_620_000,
        "relative_velocity": {
            "kilometers_per_second": "12.5",
            "kilometers_per_hour": "45000",
            "miles_per_hour": "27961.7",
        },
        "miss_distance": {
            "astronomical": "0.25",
            "lunar": "97.25",
            "kilometers": "37399467.5",
            "miles": "23238948.1",
        },
        "orbiting_body": "Earth",
    } | changes


def passing(date, kilometers, body="Earth", velocity="12.5"):
    """Return an approach at midnight of a date."""
    one = approach(
        close_approach_date=date,
        close_approach_date_full=f"{date} 00:00",
        epoch_date_close_approach=int(dt.datetime.fromisoformat(f"{date}T00Z").timestamp()) * 1000,
        orbiting_body=body,
    )
    one = put(one, ("miss_distance", "kilometers"), kilometers)
    return put(one, ("relative_velocity", "kilometers_per_second"), velocity)


def neo(**changes):
    """Return an object with every stored field and some others."""
    number = changes.get("id", "3000001")
    return {
        "links": {"self": f"https://example.invalid/neo/{number}"},
        "id": number,
        "neo_reference_id": number,
        "name": "(2031 XX1)",
        "name_limited": "Testobject",
        "designation": "2031 XX1",
        "nasa_jpl_url": f"https://example.invalid/#/?sstr={number}",
        "absolute_magnitude_h": 20.5,
        "estimated_diameter": {
            "kilometers": {"estimated_diameter_min": 0.2, "estimated_diameter_max": 0.5},
            "meters": {"estimated_diameter_min": 200.5, "estimated_diameter_max": 500.5},
        },
        "is_potentially_hazardous_asteroid": False,
        "close_approach_data": [approach()],
        "orbital_data": {
            "orbit_id": "7",
            "orbit_determination_date": "2026-01-03 04:05:06",
            "first_observation_date": "2001-02-03",
            "last_observation_date": "2026-01-02",
            "data_arc_in_days": 9100,
            "observations_used": 321,
            "orbit_uncertainty": "1",
            "jupiter_tisserand_invariant": "4.5",
            "eccentricity": ".25",
            "orbital_period": "643.5",
            "perihelion_time": "2461000.123456789012",
            "orbit_class": {"orbit_class_type": "APO"},
        },
        "is_sentry_object": False,
    } | changes


def neos(count=20, **changes):
    """Return objects with the ids "3000001", "3000002", ..."""
    one = neo(**changes)  # copied below, so the objects are independent
    ids = [str(3_000_000 + place) for place in range(1, count + 1)]
    return [copy.deepcopy(one) | {"id": id_, "neo_reference_id": id_} for id_ in ids]


def page(neos, number=0, total=41_000, indent=None):
    """Return the bytes of a Browse page."""
    information = {"size": 20, "total_elements": total, "number": number}
    document = {"links": {}, "page": information, "near_earth_objects": neos}
    return json.dumps(document, indent=indent).encode()


def put(document, path, value):
    """Return a copy of a document with a new value at a path: `("miss_distance", "kilometers")`."""
    changed = copy.deepcopy(document)
    _parent(changed, path)[path[-1]] = value
    return changed


def without(document, *path):
    """Return a copy of a document without the value at this path."""
    changed = copy.deepcopy(document)
    del _parent(changed, path)[path[-1]]
    return changed


def _parent(document, path):
    for step in path[:-1]:
        document = document[step]
    return document


@contextmanager
def serve_changed(change):
    """Serve the sample after ``change`` edited the objects of each page; yield the address."""

    def answer(url, headers):
        given = service.answer(url, headers)
        page = json.loads(given.body)
        change(page["near_earth_objects"])
        return given._replace(body=json.dumps(page).encode())

    with service.serve(answer=answer) as url:
        yield url
