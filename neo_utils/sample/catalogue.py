"""The simulated NEOs and their pages, as the JSON of NeoWs's Browse service."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote

import msgspec

from neo_utils.sample import CATALOGUE_SIZE
from neo_utils.sample.approaches import Approach, simulate_approaches
from neo_utils.sample.asteroids import Asteroid, simulate_asteroids
from neo_utils.sample.fields import (
    absolute_magnitude,
    close_approach_data,
    estimated_diameter,
    orbital_data,
)
from neo_utils.sample.names import names, neo_id, rank_of
from neo_utils.sample.population import draw

PAGE_SIZE_LIMIT = 20
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)  # the fetch time of every page

_SERVICE = "http://api.nasa.gov/neo/rest/v1/neo"  # http, as in the real service's links
_SEED = 20_260_217  # chosen because its first 200 objects resemble the real ones of 2026


def neos(positions: Sequence[int], api_key: str) -> list[dict[str, Any]]:
    """Return the NEOs at 1-based positions of the listing, in the format of NeoWs.

    Parameters
    ----------
    positions
        1 to ``CATALOGUE_SIZE``. A NEO does not depend on the others.
    api_key
        The caller's key, which the service repeats in every link.

    Examples
    --------
    >>> [second] = neos([2], api_key="any-key")
    >>> second["name"], second["absolute_magnitude_h"], len(second["close_approach_data"])
    ('990029 (1977 MB900)', 16.13, 51)
    >>> second["close_approach_data"][0]["miss_distance"]["astronomical"]
    '0.1483681397'
    """
    if not positions:
        return []
    ranks = [rank_of(position) for position in positions]
    rngs = [Random(_SEED * 100_000 + rank) for rank in ranks]  # noqa: S311 -- nothing secret
    drafts = [draw(rng, rank) for rng, rank in zip(rngs, ranks, strict=True)]
    asteroids, points = simulate_asteroids(drafts)
    approaches = simulate_approaches(rngs, asteroids, points)
    key = quote(api_key, safe="")
    return [_fields(*one, key) for one in zip(ranks, asteroids, approaches, strict=True)]


def page_body(number: int, size: int, api_key: str) -> bytes:
    """Return a Browse page as compact JSON.

    Parameters
    ----------
    number
        The page number, from 0; past the last page the list of NEOs is empty.
    size
        NEOs per page, 1 to ``PAGE_SIZE_LIMIT``.
    api_key
        The caller's key, which the service repeats in every link.

    Raises
    ------
    ValueError
        If ``number`` or ``size`` is out of range.
    """
    if number < 0 or not 1 <= size <= PAGE_SIZE_LIMIT:
        raise ValueError(f"there is no page {number} of {size} NEOs")
    pages = -(-CATALOGUE_SIZE // size)
    neighbours = {"next": number + 1, "prev": number - 1, "self": number}
    key = quote(api_key, safe="")
    first = number * size + 1
    positions = range(first, min(first + size, CATALOGUE_SIZE + 1))
    page = {
        "links": {
            name: f"{_SERVICE}/browse?page={page}&size={size}&api_key={key}"
            for name, page in neighbours.items()
            if name == "self" or 0 <= page < pages
        },
        "page": {
            "size": size,
            "total_elements": CATALOGUE_SIZE,
            "total_pages": pages,
            "number": number,
        },
        "near_earth_objects": neos(positions, api_key),
    }
    return msgspec.json.encode(page)


def _fields(
    rank: int, asteroid: Asteroid, approaches: list[Approach], quoted_key: str
) -> dict[str, Any]:
    magnitude, identifier = asteroid.magnitude_h_hundredths, neo_id(rank)
    is_sentry = asteroid.earth_moid_au < 0.0002 and asteroid.arc.is_short
    fields: dict[str, Any] = {
        "links": {"self": f"{_SERVICE}/{identifier}?api_key={quoted_key}"},
        "id": identifier,
        "neo_reference_id": identifier,
        **names(rank, asteroid.arc.first),
        "nasa_jpl_url": f"https://ssd.jpl.nasa.gov/tools/sbdb_lookup.html#/?sstr={identifier}",
        "absolute_magnitude_h": absolute_magnitude(magnitude),
        "estimated_diameter": estimated_diameter(magnitude),
        "is_potentially_hazardous_asteroid": asteroid.is_hazardous,
        "close_approach_data": close_approach_data(approaches),
        "orbital_data": orbital_data(rank, asteroid),
        "is_sentry_object": is_sentry,
    }
    if is_sentry:
        fields["sentry_data"] = f"{_SERVICE}/sentry/{identifier}?api_key={quoted_key}"
    return fields
