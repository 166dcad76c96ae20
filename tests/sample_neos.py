"""What the tests of the sample share: NEOs as its pages list them."""

import json
from functools import cache

from neo_utils.sample.catalogue import page_body

KEY = "some-key"
NEOS = "near_earth_objects"


@cache
def first_200():
    return neos_of(range(10))


@cache
def spread():
    """Every 17th page, over 2,400 NEOs from all parts of the catalogue."""
    return neos_of(range(0, 2050, 17))


def neos_of(pages):
    return [neo for page in pages for neo in json.loads(page_body(page, 20, KEY))[NEOS]]


def approaches_of(neos):
    return [approach for neo in neos for approach in neo["close_approach_data"]]
