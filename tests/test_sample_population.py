"""The sample has the features of the real catalogue; docs/sample.md shows both side by side."""

import math
from collections import Counter
from functools import cache
from pathlib import Path
from statistics import mean, median, quantiles

import numpy as np
import pandas as pd
import pytest

from neo_utils.sample import CATALOGUE_SIZE
from tests.sample_neos import first_200, neos_of, spread

# Features of 200 real NEOs recorded in March 2026, and what the sample may deviate.
FIRST_200 = {
    "median H": (16.5, 0.5),
    "5 % of H": (14, 1),
    "95 % of H": (19, 1),
    "hazardous, %": (25, 5),
    "Apollo, %": (49, 5),
    "Amor, %": (46, 5),
    "Aten, %": (5, 3),
    "Tisserand invariant below 3, %": (4, 3),
    "median MOID, AU": (0.12, 0.02),
    "passing Earth under 0.2 AU, %": (68, 4),
    "passing Earth under 0.05 AU, %": (21, 4),
    "median of approaches": (13, 2),
    "mean of approaches": (23, 2),
    "without approach": (22, 5),
    "median year of first observation": (1980, 5),
    "passages of 1980 to 1999, relative": (1.5, 0.2),
    "exponent of the distance law": (1.7, 0.1),
    "Earth's share of approaches, %": (63.5, 5),
}
# The first real NEOs with a number, up to 16834: JPL's Small-Body Database in 2020.
REAL = pd.read_csv(Path(__file__).parents[1] / "docs/measured/real-neos.csv")
# Two samples of 189 and 200 from one distribution differ by less than this at 95 % (Kolmogorov and
# Smirnov): 1.36 sqrt(1/189 + 1/200).
SAME_DISTRIBUTION = 0.138
# Real NEOs of the whole catalogue by the absolute magnitude H that they have at most.
LARGER = {17.75: 880, 22: 11_400}


def orbit(neo, name):
    return float(neo["orbital_data"][name])


def to_earth(neos):
    """Return date and miss distance (AU) of all listed passages of Earth."""
    return [
        (each["close_approach_date"], float(each["miss_distance"]["astronomical"]))
        for neo in neos
        for each in neo["close_approach_data"]
        if each["orbiting_body"] == "Earth"
    ]


def near_earth(neo, within_au):
    """Return the dates of the listed passages of Earth within a distance."""
    return [date for date, au in to_earth([neo]) if au < within_au]


@cache
def simulated():
    """Return the columns of ``REAL`` for the first 200 simulated NEOs."""
    neos = first_200()
    firsts = [neo["orbital_data"]["first_observation_date"] for neo in neos]
    return pd.DataFrame(
        {
            "absolute_magnitude_h": [neo["absolute_magnitude_h"] for neo in neos],
            "earth_moid_au": [orbit(neo, "minimum_orbit_intersection") for neo in neos],
            "first_observation_year": [date and int(date[:4]) for date in firsts],
        }
    )


def percent(flags):
    flags = [bool(flag) for flag in flags]
    return 100 * sum(flags) / len(flags)


def features_of(neos):
    """Return the features that both catalogues share, by name."""
    magnitudes = quantiles([neo["absolute_magnitude_h"] for neo in neos], n=20)
    kinds = [(neo["orbital_data"]["orbit_class"] or {}).get("orbit_class_type") for neo in neos]
    counts = [len(neo["close_approach_data"]) for neo in neos]
    firsts = [neo["orbital_data"]["first_observation_date"] for neo in neos]
    spans = Counter(int(date[:4]) // 20 for neo in neos for date in near_earth(neo, 0.2))
    others = [spans[span] for span in range(95, 110) if span != 99]
    of_earth = [au for _, au in to_earth(neos)]
    near = [au for au in of_earth if au < 0.2]
    return {
        "median H": magnitudes[9],
        "5 % of H": magnitudes[0],
        "95 % of H": magnitudes[-1],
        "hazardous, %": percent(neo["is_potentially_hazardous_asteroid"] for neo in neos),
        "Apollo, %": percent(kind == "APO" for kind in kinds),
        "Amor, %": percent(kind == "AMO" for kind in kinds),
        "Aten, %": percent(kind == "ATE" for kind in kinds),
        "Tisserand invariant below 3, %": percent(
            orbit(neo, "jupiter_tisserand_invariant") < 3 for neo in neos
        ),
        "median MOID, AU": median(orbit(neo, "minimum_orbit_intersection") for neo in neos),
        "passing Earth under 0.2 AU, %": percent(near_earth(neo, 0.2) for neo in neos),
        "passing Earth under 0.05 AU, %": percent(near_earth(neo, 0.05) for neo in neos),
        "median of approaches": median(counts),
        "mean of approaches": mean(counts),
        "without approach": counts.count(0),
        "median year of first observation": median(int(date[:4]) for date in firsts if date),
        "passages of 1980 to 1999, relative": spans[99] / mean(others),
        "exponent of the distance law": len(near) / sum(math.log(0.2 / au) for au in near),
        "Earth's share of approaches, %": 100 * len(of_earth) / sum(counts),
    }


@pytest.fixture(scope="module")
def found():
    return features_of(first_200())


@pytest.mark.parametrize("feature", FIRST_200)
def test_first_200_resemble_the_real_ones(found, feature):
    real, tolerance = FIRST_200[feature]
    assert abs(found[feature] - real) <= tolerance


@pytest.mark.parametrize(
    "column", ["absolute_magnitude_h", "earth_moid_au", "first_observation_year"]
)
def test_distributions_match_the_real_ones(column):
    real, ours = np.sort(REAL[column]), np.sort(simulated()[column].dropna())
    values = np.concatenate([real, ours])
    shares = [np.searchsorted(one, values, "right") / len(one) for one in (real, ours)]
    assert abs(shares[0] - shares[1]).max() < SAME_DISTRIBUTION


def test_one_of_the_first_200_has_very_many_approaches():
    assert max(len(neo["close_approach_data"]) for neo in first_200()) > 200


def test_catalogue_has_as_many_large_and_hazardous_neos_as_the_real_one():
    neos = spread()
    factor = CATALOGUE_SIZE / len(neos)
    large = factor * sum(neo["absolute_magnitude_h"] <= 17.75 for neo in neos)
    medium = factor * sum(neo["absolute_magnitude_h"] <= 22 for neo in neos)
    hazardous = factor * sum(neo["is_potentially_hazardous_asteroid"] for neo in neos)
    assert large == pytest.approx(LARGER[17.75], rel=0.3)
    assert medium == pytest.approx(LARGER[22], rel=0.1)
    assert hazardous == pytest.approx(2_500, rel=0.25)


@pytest.mark.slow  # reads all pages of the sample: about 15 s
def test_whole_catalogue_has_the_numbers_of_the_real_one():
    counts = Counter()
    for page in range(CATALOGUE_SIZE // 20):
        for neo in neos_of([page]):
            counts["large"] += neo["absolute_magnitude_h"] <= 17.75
            counts["medium"] += neo["absolute_magnitude_h"] <= 22
            counts["hazardous"] += neo["is_potentially_hazardous_asteroid"]
            counts.update(date[:4] for date in near_earth(neo, 1 / 389))
    assert counts["large"] == pytest.approx(LARGER[17.75], rel=0.05)
    assert counts["medium"] == pytest.approx(LARGER[22], rel=0.05)
    assert counts["hazardous"] == pytest.approx(2_500, rel=0.05)
    assert counts["2020"] >= 30  # within a lunar distance
    assert counts["1950"] + counts["2150"] <= 10


def test_most_passages_are_listed_around_the_present():
    decades = Counter(date[:3] for neo in spread() for date in near_earth(neo, 0.2))
    assert decades["202"] > 3 * max(decades["195"], decades["215"])


def test_small_neos_were_found_while_passing_within_a_lunar_distance():
    small = [neo for neo in spread() if neo["absolute_magnitude_h"] > 26]
    near = Counter(date[:4] for neo in small for date in near_earth(neo, 1 / 389))
    since_2016 = sum(near[str(year)] for year in range(2016, 2026)) / 10
    assert since_2016 * 41_000 / len(spread()) > 20
    found = [neo["orbital_data"]["first_observation_date"] for neo in small]
    passing = [date in near_earth(neo, 0.2) for neo, date in zip(small, found, strict=True) if date]
    assert sum(passing) > 0.8 * len(passing)
