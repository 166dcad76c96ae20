from collections import Counter

import pytest

from tests.sample_neos import approaches_of, first_200, spread

# 200 real NEOs recorded in March 2026: 4,677 approaches, 22 NEOs with none.
REAL_MIX = {"Earth": 2970, "Venus": 906, "Juptr": 384, "Mars": 290, "Merc": 120, "Moon": 7}
LIMITS_AU = {"Venus": 0.15, "Mars": 0.1, "Merc": 0.1, "Juptr": 2.0, "Moon": 0.0085}


def au(approach):
    return float(approach["miss_distance"]["astronomical"])


def test_approaches_are_sorted_and_unique():
    for neo in spread():
        listed = neo["close_approach_data"]
        times = [approach["epoch_date_close_approach"] for approach in listed]
        assert times == sorted(times)
        keys = {(each["close_approach_date"], each["orbiting_body"]) for each in listed}
        assert len(keys) == len(listed)


def test_distances_are_within_the_limit_of_the_body_and_beyond_the_moid():
    for neo in spread():
        moid = float(neo["orbital_data"]["minimum_orbit_intersection"])
        # Earth's wider limit ended in November 2024.
        determined = neo["orbital_data"]["orbit_determination_date"]
        limits = LIMITS_AU | {"Earth": 0.5 if determined < "2024-12" else 0.2}
        for approach in neo["close_approach_data"]:
            body = approach["orbiting_body"]
            least = moid - 1e-6 if body == "Earth" else 0
            assert least < au(approach) < limits[body]


def test_moon_approach_has_earth_approach_on_same_date():
    moons = 0
    for neo in spread():
        dates = {"Earth": set(), "Moon": set()}
        for approach in neo["close_approach_data"]:
            dates.get(approach["orbiting_body"], set()).add(approach["close_approach_date"])
        moons += len(dates["Moon"])
        assert dates["Moon"] <= dates["Earth"]
    assert moons > 0


@pytest.mark.parametrize("sample", [first_200, spread])
def test_mix_of_bodies_matches_the_real_listing(sample):
    neos = sample()
    bodies = Counter(approach["orbiting_body"] for approach in approaches_of(neos))
    assert 22 < bodies.total() / len(neos) < 26
    for body, real in REAL_MIX.items():
        share = bodies[body] / bodies.total() / (real / 4677)
        assert share == pytest.approx(1, abs=1 / 3 if body in ("Merc", "Moon") else 1 / 5), body


def test_tenth_of_neos_has_no_approach():
    def empty(neos):
        return sum(not neo["close_approach_data"] for neo in neos) / len(neos)

    assert 0.08 <= empty(first_200()) <= 0.14  # 22 of the real 200
    assert 0.08 <= empty(spread()) <= 0.12


def test_three_fifths_of_first_earth_approaches_are_below_0_2_au():
    # 1,836 of 2,970 in the real listing, which mixes two limits.
    earth = [au(each) for each in approaches_of(first_200()) if each["orbiting_body"] == "Earth"]
    assert 0.55 < sum(distance < 0.2 for distance in earth) / len(earth) < 0.70


def test_earth_approaches_grow_with_square_of_distance():
    # Uniform crossings of the target plane: the number within r grows as r**2.
    narrow = [
        au(approach)
        for neo in spread()
        if neo["orbital_data"]["orbit_determination_date"] > "2024-12"
        for approach in neo["close_approach_data"]
        if approach["orbiting_body"] == "Earth"
    ]
    within_half = sum(distance < 0.1 for distance in narrow)
    assert len(narrow) / within_half == pytest.approx(4, rel=0.15)


def test_present_years_have_more_approaches_than_distant_years():
    years = Counter(
        int(each["close_approach_date"][:4]) // 50 * 50 for each in approaches_of(spread())
    )
    assert 1.2 < years[2000] / years[2150] < 2.2
