from tests.sample_neos import spread

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
