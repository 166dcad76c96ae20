import hashlib
import json

import pytest

from neo_utils.sample import catalogue
from neo_utils.sample.catalogue import CATALOGUE_SIZE, PAGE_SIZE_LIMIT, page_body
from tests.sample_neos import KEY, NEOS, spread


@pytest.mark.parametrize(
    ("number", "sha256"),
    [
        (0, "ca9a7d424f836e7d80d8e8b714fbc3a6005bf090de1719dad518f780cb11c96e"),
        (2049, "f0617bf32920ba597038e447c55fc3ae178996f7c2fb0c4450d6f3940ef5d975"),
    ],
)
def test_page_bytes_are_the_same_on_every_machine(number, sha256):
    assert hashlib.sha256(page_body(number, 20, KEY)).hexdigest() == sha256


def test_flags_follow_from_the_other_fields():
    assert {neo["is_sentry_object"] for neo in spread()} == {True, False}
    for neo in spread():
        moid = float(neo["orbital_data"]["minimum_orbit_intersection"])
        near = neo["absolute_magnitude_h"] <= 22 and moid <= 0.05
        assert neo["is_potentially_hazardous_asteroid"] == near
        assert ("sentry_data" in neo) == neo["is_sentry_object"]


def test_page_links_use_http_and_the_callers_key():
    def links(number):
        return json.loads(page_body(number, 20, "a key"))["links"]

    base = "http://api.nasa.gov/neo/rest/v1/neo/browse?page={}&size=20&api_key=a%20key"
    assert links(0) == {"next": base.format(1), "self": base.format(0)}
    assert links(2049) == {"prev": base.format(2048), "self": base.format(2049)}
    assert list(links(7)) == ["next", "prev", "self"]


def test_last_page_of_other_size_is_shorter():
    page = json.loads(page_body(2411, 17, KEY))
    counts = {"size": 17, "total_elements": 41_000, "total_pages": 2412, "number": 2411}
    assert page["page"] == counts
    assert len(page[NEOS]) == 41_000 - 2411 * 17
    beyond = json.loads(page_body(2050, 20, KEY))
    assert (beyond[NEOS], "next" in beyond["links"]) == ([], False)


@pytest.mark.parametrize(
    ("number", "size", "reason"),
    [(-1, 20, "not -1"), (0, 0, "not 0"), (0, PAGE_SIZE_LIMIT + 1, "not 21")],
)
def test_rejects_invalid_page_number_and_size(number, size, reason):
    with pytest.raises(ValueError, match=reason):
        page_body(number, size, KEY)


@pytest.mark.parametrize("position", [0, CATALOGUE_SIZE + 1])
def test_rejects_position_outside_the_catalogue(position):
    with pytest.raises(ValueError, match=f"not {position}"):
        catalogue.neo(position, KEY)
