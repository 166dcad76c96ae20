"""Build the two Arrow tables of a page from its decoded objects."""

from collections.abc import Mapping
from itertools import chain
from typing import Any, NamedTuple

import pyarrow as pa

from neo_utils.neows.contract import Approach, Neo
from neo_utils.store.schemas import CLOSE_APPROACHES, RAW

_Columns = Mapping[str, list[Any]]  # the values of each column


def tables_of(neos: list[Neo]) -> tuple[pa.Table, pa.Table]:
    """Return the tables of these NEOs, with schema ``RAW`` and ``CLOSE_APPROACHES``.

    Duplicate approaches of a NEO, with the same time (or date) and body, are stored once.
    """
    of_approaches = _approach_columns(neos, *_distinct_approaches(neos))
    of_neos = _neo_columns(neos, of_approaches["miss_distance_km"])
    return _table(of_neos, _RAW), _table(of_approaches, _CLOSE_APPROACHES)


def _distinct_approaches(neos: list[Neo]) -> tuple[list[Approach], list[int | None]]:
    """Return all approaches and their times, NEO by NEO, and remove duplicates."""
    approaches = _all_approaches(neos)
    times = _times_ms(approaches)
    # On nearly every page all times differ, so there are no duplicates. Checking each NEO would
    # cost a third of the decoding time.
    if len(set(times)) < len(times):
        for neo in neos:
            neo.close_approach_data = _without_duplicates(neo.close_approach_data)
        approaches = _all_approaches(neos)
        times = _times_ms(approaches)
    return approaches, times


def _all_approaches(neos: list[Neo]) -> list[Approach]:
    return list(chain.from_iterable([neo.close_approach_data for neo in neos]))


def _times_ms(approaches: list[Approach]) -> list[int | None]:
    # Same as `Approach.time_ms`; calling the property would take three times as long.
    return [
        one.epoch_date_close_approach if one.close_approach_date_full else None
        for one in approaches
    ]


def _without_duplicates(approaches: list[Approach]) -> list[Approach]:
    first_of: dict[tuple[Any, str], Approach] = {}
    for approach in approaches:
        when = approach.time_ms if approach.time_ms is not None else approach.close_approach_date
        first_of.setdefault((when, approach.orbiting_body), approach)
    return list(first_of.values())


def _neo_columns(neos: list[Neo], kilometers: list[float]) -> _Columns:
    """Return the columns of ``RAW``, given the miss distances of all approaches, NEO by NEO."""
    closest = _closest_of_each(neos, kilometers)
    # "m and ...", "c and ...", "o and ...": null if the parent is null.
    meters = [neo.estimated_diameter and neo.estimated_diameter.meters for neo in neos]
    orbits = [neo.orbital_data for neo in neos]
    return {
        "id": [neo.id for neo in neos],
        "neo_reference_id": [neo.neo_reference_id for neo in neos],
        "name": [neo.name for neo in neos],
        "name_limited": [neo.name_limited for neo in neos],
        "designation": [neo.designation for neo in neos],
        "nasa_jpl_url": [neo.nasa_jpl_url for neo in neos],
        "absolute_magnitude_h": [neo.absolute_magnitude_h for neo in neos],
        "is_potentially_hazardous_asteroid": [
            neo.is_potentially_hazardous_asteroid for neo in neos
        ],
        "minimum_estimated_diameter_meters": [m and m.estimated_diameter_min for m in meters],
        "maximum_estimated_diameter_meters": [m and m.estimated_diameter_max for m in meters],
        "closest_approach_miss_distance_km": [c and c.miss_distance.kilometers for c in closest],
        "closest_approach_date": [c and c.close_approach_date for c in closest],
        "closest_approach_relative_velocity_km_per_sec": [
            c and c.relative_velocity.kilometers_per_second for c in closest
        ],
        "first_observation_date": [o and o.first_observation_date for o in orbits],
        "last_observation_date": [o and o.last_observation_date for o in orbits],
        "observations_used": [o and o.observations_used for o in orbits],
        "orbital_period": [o and o.orbital_period for o in orbits],
    }


def _closest_of_each(neos: list[Neo], kilometers: list[float]) -> list[Approach | None]:
    closest: list[Approach | None] = []
    start = 0
    for neo in neos:
        approaches = neo.close_approach_data
        own = kilometers[start : start + len(approaches)]
        closest.append(approaches[own.index(min(own))] if own else None)
        start += len(approaches)
    return closest


def _approach_columns(
    neos: list[Neo], approaches: list[Approach], times_ms: list[int | None]
) -> _Columns:
    """Return the columns of ``CLOSE_APPROACHES``."""
    distances = [one.miss_distance for one in approaches]
    return {
        "neo_id": [neo.id for neo in neos for _ in neo.close_approach_data],
        "close_approach_date": [one.close_approach_date for one in approaches],
        "close_approach_time": times_ms,
        "orbiting_body": [one.orbiting_body for one in approaches],
        "miss_distance_au": [one.astronomical for one in distances],
        "miss_distance_lunar": [one.lunar for one in distances],
        "miss_distance_km": [one.kilometers for one in distances],
        "relative_velocity_km_per_sec": [
            one.relative_velocity.kilometers_per_second for one in approaches
        ],
    }


class _Layout(NamedTuple):
    """A schema with precomputed column names, which saves 20 us per page."""

    schema: pa.Schema
    names: list[str]
    names_of_type: list[tuple[pa.DataType, list[str]]]

    @classmethod
    def of(cls, schema: pa.Schema) -> "_Layout":
        kinds = [(field.type, field.name) for field in schema]
        of_type = {kind: [name for other, name in kinds if other == kind] for kind, _ in kinds}
        return cls(schema, schema.names, list(of_type.items()))


_RAW, _CLOSE_APPROACHES = _Layout.of(RAW), _Layout.of(CLOSE_APPROACHES)


def _table(columns: _Columns, layout: _Layout) -> pa.Table:
    """Convert all columns of one type together, then slice them.

    Starting a conversion costs as much as converting 300 values, and a page has 25 columns of five
    types. This saves a tenth of the decoding time.
    """
    rows = len(columns[layout.names[0]])
    arrays: dict[str, pa.Array] = {}
    for kind, names in layout.names_of_type:
        values = pa.array(list(chain.from_iterable([columns[name] for name in names])), kind)
        for place, name in enumerate(names):
            arrays[name] = values.slice(place * rows, rows)
    return pa.Table.from_arrays([arrays[name] for name in layout.names], schema=layout.schema)
