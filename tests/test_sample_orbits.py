from collections import Counter
from datetime import datetime

import pytest

from neo_utils.sample.catalogue import AS_OF
from tests.sample_neos import spread


def test_orbital_elements_agree_with_each_other_and_the_class():
    kinds = Counter()
    for neo in spread():
        text = {k: v for k, v in neo["orbital_data"].items() if isinstance(v, str)}
        a, e, q, far, days = (
            float(text[name])
            for name in (
                "semi_major_axis",
                "eccentricity",
                "perihelion_distance",
                "aphelion_distance",
                "orbital_period",
            )
        )
        assert q == pytest.approx(a * (1 - e))
        assert far == pytest.approx(a * (1 + e))
        assert q < 1.3
        assert days == pytest.approx(365.25 * a**1.5)
        assert float(text["mean_motion"]) == pytest.approx(360 / days)
        if orbit_class := neo["orbital_data"]["orbit_class"]:
            kinds[orbit_class["orbit_class_type"]] += 1
            expected = {"AMO": q > 1.017, "APO": a > 1 and q < 1.017, "ATE": a < 1, "IEO": far < 1}
            assert expected[orbit_class["orbit_class_type"]]
    shares = {kind: count / kinds.total() for kind, count in kinds.items()}
    assert shares == pytest.approx({"AMO": 0.39, "APO": 0.54, "ATE": 0.07, "IEO": 0.004}, abs=0.03)


def test_observations_are_within_the_valid_dates():
    for neo in spread():
        orbit = neo["orbital_data"]
        if orbit["first_observation_date"] is None:
            continue
        first = datetime.fromisoformat(orbit["first_observation_date"])
        last = datetime.fromisoformat(orbit["last_observation_date"])
        assert datetime(1893, 1, 1) <= first <= last <= datetime(2026, 2, 23)
        assert (last - first).days == orbit["data_arc_in_days"]
        assert last < datetime.fromisoformat(orbit["orbit_determination_date"])
        assert datetime.fromisoformat(orbit["orbit_determination_date"] + "Z") < AS_OF
        assert orbit["observations_used"] > 0
