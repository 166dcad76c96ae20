import json
import re
from datetime import UTC, datetime

import pytest

from neo_utils.sample import catalogue
from tests.page_oracle import MODERN
from tests.sample_neos import KEY, NEOS, approaches_of, first_200, spread


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


def test_strings_have_the_format_of_the_service():
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


def test_numbers_have_no_exponent():
    assert not re.search(rb"[:,]-?\d+(\.\d+)?e", catalogue.page_body(2049, 20, KEY))


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
    listed = [catalogue.neo(position, KEY)["orbital_data"] for position in range(1, 1001)]
    nulls = [{name for name, value in orbit.items() if value is None} for orbit in listed]
    assert [each for each in nulls if each] == [nullable] * 2
