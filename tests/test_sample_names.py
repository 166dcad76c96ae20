import re
from random import Random

from neo_utils.sample.catalogue import CATALOGUE_SIZE
from neo_utils.sample.names import names, neo_id, rank_of
from neo_utils.sample.orbits import simulate_asteroid
from tests.sample_neos import spread

POSITIONS = range(1, CATALOGUE_SIZE + 1)


def test_identifiers_are_unique_and_unsorted():
    identifiers = [neo_id(rank_of(position)) for position in POSITIONS]
    assert len(set(identifiers)) == CATALOGUE_SIZE
    assert identifiers != sorted(identifiers, key=int)
    # 2 + a number from 990001 up, or a 7-digit 39xxxxx, or an 8-digit 549xxxxx.
    assert all(re.fullmatch(r"299\d{4}|39\d{5}|549\d{5}", each) for each in identifiers)


def test_provisional_designations_are_unique():
    rng = Random(1)  # noqa: S311
    nights = {rank: simulate_asteroid(rng, rank).arc.first for rank in POSITIONS}
    designations = {names(rank, first)["name"].split("(")[1] for rank, first in nights.items()}
    assert len(designations) == CATALOGUE_SIZE


def test_names_and_designations_have_the_real_format():
    provisional = r"(A[89]\d\d|\d{4}) [A-HJ-Y][A-HJ-Z]\d+"
    for neo in spread():
        assert re.fullmatch(rf"(\d{{6}} ([A-Z][a-z]+ )?)?\({provisional}\)", neo["name"])
        assert neo.get("name_limited", "") in neo["name"]
        assert neo.get("designation", "") in neo["name"]
