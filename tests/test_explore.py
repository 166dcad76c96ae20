"""Compare what explore.ipynb shows with the pages, decoded with json."""

import datetime as dt
import warnings
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from neo_utils.errors import JobFailed, StoredDataMissing
from neo_utils.explore import catalogue as catalogue_module
from neo_utils.explore import explorer
from neo_utils.explore.catalogue import open_catalogue, stored_or_sample
from neo_utils.explore.distance_law import distance_law
from neo_utils.explore.distances import plot_count_within, plot_distance_by_date
from neo_utils.fetch.fetching import fetch
from neo_utils.figures.palette import BLUE, lighter
from neo_utils.interface import plan_fetch
from neo_utils.settings.service_address import NASA_URL
from tests.sample_neos import neos_of

FIGURES = [plot_distance_by_date, plot_count_within]
FETCHED_ON = "2026-03-01"
NEAR_EARTH = "body = 'Earth' AND AU < 0.2"
PAGES = [0, 1, 357]  # with a gap; the last page has a Sentry object
KEYS = {"LD": "lunar", "AU": "astronomical", "km": "kilometers"}


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output")
    for start, end in ((1, 40), (7141, 7160)):
        fetch(plan_fetch(start, end, "sample", output_dir=str(folder)))
    return folder


@pytest.fixture(scope="module")
def selection(output):
    return stored_or_sample(str(output))


@pytest.fixture(scope="module")
def catalogue(selection):
    return open_catalogue(selection)


@pytest.fixture(scope="module")
def views(catalogue):
    return explorer(catalogue)


@pytest.fixture
def draw(views, selection):
    """Draw the passages that meet a condition, or given passages."""

    def drawn(plot, where=NEAR_EARTH, passages=None, unit="LD"):
        if passages is None:
            passages = views.selected(where)
        return plot(passages, where, unit, selection)

    return drawn


@pytest.fixture(scope="module")
def neos():
    return neos_of(PAGES)


def largest_m(neo):
    estimate = neo["estimated_diameter"]["meters"]
    return (estimate["estimated_diameter_min"] * estimate["estimated_diameter_max"]) ** 0.5


def is_near_earth(_, one):
    return one["orbiting_body"] == "Earth" and au_of(one) < 0.2


def orbit_of(neo, name):
    return float(neo["orbital_data"][name])


def au_of(approach):
    return float(approach["miss_distance"]["astronomical"])


def expected_rows(neos, meets=is_near_earth):
    """Return the NEO and approach of each passage that meets a condition."""
    rows = [(neo, one) for neo in neos for one in neo["close_approach_data"]]
    return [row for row in rows if meets(*row)]


@pytest.mark.parametrize(
    ("where", "meets"),
    [
        (NEAR_EARTH, is_near_earth),
        (
            "body IN ('Venus', 'Merc') AND AU < 0.08",
            lambda _, one: one["orbiting_body"] in ("Venus", "Merc") and au_of(one) < 0.08,
        ),
        (  # as NeoWs spells it, or by name
            "body IN ('Juptr', 'Mercury')",
            lambda _, one: one["orbiting_body"] in ("Juptr", "Merc"),
        ),
        (
            '"Earth MOID (AU)" < 0.05 AND "inclination (deg)" < 10 AND "Tisserand invariant" > 4',
            lambda neo, _: (
                orbit_of(neo, "minimum_orbit_intersection") < 0.05
                and orbit_of(neo, "inclination") < 10
                and orbit_of(neo, "jupiter_tisserand_invariant") > 4
            ),
        ),
        (
            "year >= 1950 AND year < 2011",
            lambda _, one: "1950" <= one["close_approach_date"][:4] <= "2010",
        ),
        (
            "hazard = 'potentially hazardous' AND \"diameter (m)\" > 500",
            lambda neo, _: neo["is_potentially_hazardous_asteroid"] and largest_m(neo) > 500,
        ),
    ],
)
def test_selected_passages_match_the_pages(views, neos, where, meets):
    expected = expected_rows(neos, meets)
    passages = views.selected(where)
    assert 0 < len(expected) == len(passages)
    for unit, key in KEYS.items():
        distances = sorted(float(one["miss_distance"][key]) for _, one in expected)
        assert sorted(passages[unit]) == pytest.approx(distances, rel=1e-6)
    assert passages["id"].nunique() == len({neo["id"] for neo, _ in expected})


CONDITIONS = {
    "some": NEAR_EARTH,
    "none": "AU < 1e-5",
    "one year": "year BETWEEN 2026 AND 2027",
    "one": 'LD = (SELECT min("LD") FROM explored)',
    "everything": "TRUE",
}


@pytest.mark.parametrize("plot", FIGURES)
@pytest.mark.parametrize("where", CONDITIONS.values(), ids=CONDITIONS)
def test_figures_state_condition_range_and_source(draw, plot, where):
    figure = draw(plot, where)
    assert figure.png  # drawing succeeds
    caption, text = " ".join(figure.get_supxlabel().split()), figure.get_label()
    assert where in caption
    assert where in text
    for shown in (caption, text):
        assert "NEOs at positions 1 to 40, 7141 to 7160" in shown
        assert "simulated sample, not NASA data, as listed on 2026-03-01" in shown
    assert figure.get_suptitle().endswith("?")
    assert figure.axes[0].get_xlabel()
    assert figure.axes[0].get_ylabel()


@pytest.mark.parametrize("unit", KEYS)
def test_count_within_ends_at_the_total(draw, neos, unit):
    distance, count = draw(plot_count_within, unit=unit).axes[0].lines[0].get_data()
    expected = [float(one["miss_distance"][KEYS[unit]]) for _, one in expected_rows(neos)]
    assert (distance[-1], count[-1]) == (pytest.approx(max(expected)), len(expected))
    middle = len(distance) // 2
    assert count[middle] == sum(one <= distance[middle] * (1 + 1e-6) for one in expected)


def test_predicted_passages_are_lighter(draw, neos):
    (dots,) = draw(plot_distance_by_date).axes[0].collections
    distances = sorted(dots.get_offsets()[:, 1])
    expected = expected_rows(neos)
    assert distances == pytest.approx(sorted(au_of(one) * 389 for _, one in expected), rel=1e-6)
    (past, predicted), counts = np.unique(dots.get_facecolors(), axis=0, return_counts=True)
    assert [round(value * 255) for value in past[:3]] == [*bytes.fromhex(BLUE[1:])]
    assert [round(value * 255) for value in predicted[:3]] == [*bytes.fromhex(lighter(BLUE)[1:])]
    later = sum(one["close_approach_date"] > FETCHED_ON for _, one in expected)
    assert counts.tolist() == [len(expected) - later, later]


def signs_of(figure):
    """Return the number of passages, the marker and the past's colour by the name of a body."""
    return {
        dots.get_label(): (
            len(dots.get_offsets()),
            dots.get_paths()[0].vertices.tobytes(),
            min(tuple(colour) for colour in dots.get_facecolors()),
        )
        for dots in figure.axes[0].collections
    }


def test_each_of_several_bodies_has_its_own_sign(draw, views):
    where = "body IN ('Earth', 'Venus', 'Mars', 'Mercury', 'Jupiter') AND AU < {}"
    near, far = (draw(plot_distance_by_date, where.format(au)) for au in (0.1, 1.9))
    signs, further = signs_of(near), signs_of(far)
    counts = views.selected(where.format(0.1))["body"].value_counts()
    assert {body: count for body, (count, *_) in signs.items()} == counts.to_dict()
    for kind in (1, 2):  # marker and colour
        assert len({sign[kind] for sign in further.values()}) == len(further) == 5
    assert all(further[body][1:] == sign[1:] for body, sign in signs.items())
    assert near.png  # lays it out
    axes = near.axes[0]
    (above, *_) = [text for text in axes.texts if text.get_text() == "past"]
    assert not axes.get_legend().get_window_extent().overlaps(above.get_window_extent())
    assert draw(plot_distance_by_date).axes[0].get_legend() is None


@pytest.mark.parametrize("where", ["LD BETWEEN 90 AND 95", "LD BETWEEN 20 AND 150", "LD < 100"])
def test_labels_of_distances_do_not_overlap(draw, where):
    figure = draw(plot_count_within, where, unit="km")
    assert figure.png  # lays it out
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    boxes = [
        tick.label1.get_window_extent()
        for tick in axes.xaxis.get_major_ticks()
        if low <= tick.get_loc() <= high
    ]
    assert len(boxes) >= 2
    assert not any(left.overlaps(right) for left, right in pairwise(boxes))


def test_the_nearest_passages_are_named(draw, views):
    nearest = views.selected(NEAR_EARTH).nsmallest(1, "AU").iloc[0]
    names = [text.get_text() for text in draw(plot_distance_by_date).axes[0].texts]
    assert f"{nearest['NEO']}, {nearest['date']:%Y-%m-%d}" in names


def test_many_passages_are_drawn_as_their_density(draw, views, monkeypatch):
    monkeypatch.setattr("neo_utils.explore.distances._DOTS", 50)
    at_one_place = pd.concat([views.selected(NEAR_EARTH).head(1)] * 60)
    assert draw(plot_distance_by_date, passages=at_one_place).png
    figure = draw(plot_distance_by_date)
    assert "predicted (lighter)" in [text.get_text() for text in figure.axes[0].texts]
    assert "Darker: more passages" in figure.get_supxlabel()
    past, predicted = figure.axes[0].collections
    counts = views.selected(NEAR_EARTH)["predicted"].value_counts()
    assert (past.get_array().sum(), predicted.get_array().sum()) == (counts[False], counts[True])
    assert past.cmap(1.0) == to_rgba(BLUE)
    assert predicted.cmap(1.0) == to_rgba(lighter(BLUE))


def test_law_is_fitted_within_the_distance_of_complete_listing(views):
    law = distance_law(views.selected(NEAR_EARTH))
    assert law.up_to_au == pytest.approx(0.2, rel=0.01)
    assert 1.3 < law.exponent < 2.2
    assert distance_law(views.selected("body IN ('Earth', 'Venus')")).up_to_au == 0.15


@pytest.mark.parametrize(
    "where",
    ["body = 'Earth' AND AU BETWEEN 0.1 AND 0.2", "id = (SELECT min(id) FROM explored)", "FALSE"],
)
def test_a_part_of_the_distances_or_a_few_neos_determine_no_law(views, where):
    assert distance_law(views.selected(where)) is None


def test_explores_the_sample_if_nothing_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue_module, "_SAMPLE_FOLDER", str(tmp_path / "sample"))
    monkeypatch.setattr(catalogue_module, "_SAMPLE_SIZE", 20)
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "nothing"))
    selection = stored_or_sample("")
    assert selection.label == "simulated sample, not NASA data"
    assert selection.neos_line == "NEOs at positions 1 to 20"
    assert not (tmp_path / "nothing").exists()


def test_empty_named_folder_is_an_error(tmp_path):
    with pytest.raises(StoredDataMissing, match="no data in .*/typo. Set output_dir"):
        stored_or_sample(str(tmp_path / "typo"))


def test_explores_output_dir_by_default(output, monkeypatch):
    monkeypatch.setenv("OUTPUT_DIR", str(output))
    assert stored_or_sample("").output == output


def test_does_not_mix_two_sources(output, selection, monkeypatch):
    batch, provenance = next(iter(selection.provenances.items()))
    mixed = selection.provenances | {batch: provenance._replace(source="nasa", url=NASA_URL)}
    monkeypatch.setattr("neo_utils.store.selection.stored_provenances", lambda *_: mixed)
    with pytest.raises(StoredDataMissing, match="NASA NeoWs and of simulated.*cannot be mixed"):
        stored_or_sample(str(output))


def test_a_comment_at_the_end_of_a_condition_changes_nothing(views):
    for where in (f"{NEAR_EARTH} -- near", "  \n"):
        assert views.selected(where)["date"].is_monotonic_increasing
    assert len(views.selected(f"{NEAR_EARTH} -- near")) == len(views.selected(NEAR_EARTH))


def test_captions_state_the_limits_of_the_bodies_and_part_of_a_long_condition(draw):
    assert "(NeoWs lists Moon up to 0.0085 AU" in caption(draw(plot_count_within, "AU < 0.09"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(plot_distance_by_date, " OR ".join([NEAR_EARTH] * 100))
        assert figure.png
    assert "characters)" in caption(figure)


def caption(figure):
    return " ".join(figure.get_supxlabel().split())


def test_objects_of_the_sample_have_no_page_at_jpl(views):
    assert views.selected()["page"].isna().all()


@pytest.mark.parametrize("where", ["bodi = 'Earth'", "AU <", "AU < 'x'", "AU < 0.2; DROP TABLE x"])
def test_an_invalid_condition_gives_one_line(views, where):
    with pytest.raises(JobFailed, match="^DuckDB query failed: [^\n]*$"):
        views.selected(where)


def test_approaches_on_the_fetch_day_are_past(catalogue):
    predicted = catalogue.sql(
        "SELECT min(close_approach_date) FROM passages WHERE is_predicted"
    ).collect()
    assert predicted[0][0] > dt.date.fromisoformat(FETCHED_ON)


@pytest.mark.parametrize("count", [3, 2_100])
@pytest.mark.parametrize("plot", FIGURES)
def test_figures_report_excluded_zeros(plot, count, views, draw):
    # An older version stored zeros, which the views show as null. Many passages are a density.
    passages = views.selected("TRUE")
    passages = pd.concat([passages] * -(-count // len(passages))).head(count)
    passages = passages.reset_index(drop=True)
    passages.loc[0, ["LD", "AU", "km"]] = None
    figure = draw(plot, "TRUE", passages)
    figure.canvas.draw()
    assert "1 with a distance of 0 are not drawn" in figure.get_label()


@pytest.mark.parametrize("name", ["$", "$x$", r"$\frac{$", "a $ b $ c_", "a\nb\x1b[1m"])
def test_signs_of_a_formula_are_drawn_literally(name, views, draw):
    passages = views.selected(NEAR_EARTH).assign(NEO=name)
    for plot in FIGURES:
        figure = draw(plot, f"NEO = '{name}'", passages)
        assert ElementTree.fromstring(figure.svg).tag.endswith("svg")  # noqa: S314 - our own
        assert "$" not in name or name in figure.get_supxlabel()
