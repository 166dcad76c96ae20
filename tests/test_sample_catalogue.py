import hashlib
import json
import re
from datetime import UTC, datetime
from random import Random

import pytest

from neo_utils.sample import CATALOGUE_SIZE
from neo_utils.sample.catalogue import page_body
from neo_utils.sample.names import names, neo_id, rank_of
from neo_utils.sample.population import _arc
from tests.page_oracle import MODERN
from tests.sample_neos import KEY, NEOS, approaches_of, first_200, neos_of, spread

POSITIONS = range(1, CATALOGUE_SIZE + 1)


@pytest.mark.parametrize(
    ("number", "sha256"),
    [
        (0, "211c931c66d649a16f5b81b79040d4f9d26ad3a66b690dba2c5fd111c49e9110"),
        (2049, "1f22cc52e17ec4b4a55371bf49b7fcb99cf675113505cf52eee08bdfe7343ed0"),
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


def test_identifiers_are_unique_and_unsorted():
    identifiers = [neo_id(rank_of(position)) for position in POSITIONS]
    assert len(set(identifiers)) == CATALOGUE_SIZE
    assert identifiers != sorted(identifiers, key=int)
    # 2 + a number from 990001 up, or a 7-digit 39xxxxx, or an 8-digit 549xxxxx.
    assert all(re.fullmatch(r"299\d{4}|39\d{5}|549\d{5}", each) for each in identifiers)


def test_provisional_designations_are_unique():
    rng = Random(1)  # noqa: S311
    nights = {rank: _arc(rng, rank).first for rank in POSITIONS}
    designations = {names(rank, first)["name"].split("(")[1] for rank, first in nights.items()}
    assert len(designations) == CATALOGUE_SIZE


def test_names_and_designations_have_the_real_format():
    provisional = r"(A[89]\d\d|\d{4}) [A-HJ-Y][A-HJ-Z]\d+"
    for neo in spread():
        assert re.fullmatch(rf"(\d{{6}} ([A-Z][a-z]+ )?)?\({provisional}\)", neo["name"])
        assert neo.get("name_limited", "") in neo["name"]
        assert neo.get("designation", "") in neo["name"]


@pytest.mark.skipif(not MODERN.exists(), reason="the recorded page is not on this machine")
def test_diameters_match_a_real_page():
    # Objects of the same H have the same diameters, real or simulated.
    real = {
        neo["absolute_magnitude_h"]: neo["estimated_diameter"]
        for neo in json.loads(MODERN.read_text())[NEOS]
    }
    shared = [neo for neo in first_200() + spread() if neo["absolute_magnitude_h"] in real]
    assert shared
    for neo in shared:
        for unit, limits in real[neo["absolute_magnitude_h"]].items():
            assert neo["estimated_diameter"][unit] == pytest.approx(limits, abs=1e-9)


def test_numbers_have_the_format_of_the_service():
    assert not re.search(rb"[:,]-?\d+(\.\d+)?e", page_body(2049, 20, KEY))  # no exponent
    plain = re.compile(r"(0|[1-9]\d*)(\.\d{0,9}[1-9])?")
    leading_dot = re.compile(r"([1-9]\d*)?\.\d+")
    for approach in approaches_of(spread()):
        for values in (approach["relative_velocity"], approach["miss_distance"]):
            assert all(plain.fullmatch(value) for value in values.values())
    for neo in spread():
        orbit = neo["orbital_data"]
        for name in ("eccentricity", "semi_major_axis", "mean_motion", "inclination"):
            assert leading_dot.fullmatch(orbit[name]), name
        assert float(orbit["minimum_orbit_intersection"]) > 0
        assert "e" not in orbit["minimum_orbit_intersection"]


def test_approach_units_agree():
    for approach in approaches_of(first_200()):
        distance = {unit: float(text) for unit, text in approach["miss_distance"].items()}
        speed = {unit: float(text) for unit, text in approach["relative_velocity"].items()}
        km = distance["astronomical"] * 149_597_870.7
        assert distance["lunar"] == pytest.approx(distance["astronomical"] * 389, rel=1e-9)
        assert distance["kilometers"] == pytest.approx(km, rel=1e-9)
        assert distance["miles"] == pytest.approx(km * 0.62137119, rel=1e-9)
        per_hour = speed["kilometers_per_second"] * 3600
        assert speed["kilometers_per_hour"] == pytest.approx(per_hour, rel=1e-9)
        assert speed["miles_per_hour"] == pytest.approx(per_hour * 0.62137119, rel=1e-9)


def test_approach_date_is_that_of_its_time_in_utc():
    for approach in approaches_of(first_200()):
        at = datetime.fromtimestamp(approach["epoch_date_close_approach"] / 1000, UTC)
        assert approach["close_approach_date"] == at.date().isoformat()


def test_five_nullable_fields_are_null_together():
    nullable = {"data_arc_in_days", "observations_used", "orbit_class"}
    nullable |= {"first_observation_date", "last_observation_date"}
    orbits = [neo["orbital_data"] for neo in neos_of(range(50))]
    nulls = [{name for name, value in orbit.items() if value is None} for orbit in orbits]
    assert [each for each in nulls if each] == [nullable] * 2
