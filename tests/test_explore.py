"""Compare what explore.ipynb shows with the pages, decoded with json."""

import datetime as dt

import pandas as pd
import pytest

from neo_utils.errors import StoredDataMissing, WrongParameter
from neo_utils.explore import catalogue as catalogue_module
from neo_utils.explore.catalogue import open_catalogue, stored_or_sample
from neo_utils.explore.counts import plot_count_within, plot_first_observations, plot_per_year
from neo_utils.explore.question import Question, passages_of
from neo_utils.explore.scatter import (
    plot_distance_by_date,
    plot_size_by_distance,
    plot_velocity_by_distance,
)
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.limits import LISTED_WITHIN_AU
from neo_utils.settings.service_address import NASA_URL
from tests.sample_neos import neos_of

SCATTERED = [plot_distance_by_date, plot_size_by_distance, plot_velocity_by_distance]
FIGURES = [plot_per_year, plot_count_within, plot_first_observations, *SCATTERED]
FETCHED_ON = "2026-03-01"
DEFAULT = Question()
PAGES = [0, 1, 357]  # with a gap; the last page has a Sentry object


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


@pytest.fixture
def draw(catalogue, selection):
    """Draw the answer to a question, or given passages."""

    def drawn(plot, question=DEFAULT, passages=None):
        if passages is None:
            passages = passages_of(catalogue, question)
        return plot(passages, question, selection)

    return drawn


@pytest.fixture(scope="module")
def neos():
    return neos_of(PAGES)


def expected_rows(neos, question):
    """Return the NEO and approach of each passage that matches a question."""
    return [
        (neo, one)
        for neo in neos
        for one in neo["close_approach_data"]
        if one["orbiting_body"] in question.bodies
        and question.first_year <= int(one["close_approach_date"][:4]) <= question.last_year
        and float(one["miss_distance"]["astronomical"]) < question.within_au
        and (neo["is_potentially_hazardous_asteroid"] or not question.hazardous_only)
        and neo["estimated_diameter"]["meters"]["estimated_diameter_max"] >= question.at_least_m
    ]


@pytest.mark.parametrize(
    "question",
    [
        DEFAULT,
        Question(bodies=("Venus", "Merc"), within_au=0.08),
        Question(first_year=1950, last_year=2010),
        Question(hazardous_only=True, at_least_m=500.0),
        Question(bodies=("Earth", "Juptr"), within_au=2.0, at_least_m=3000.0),
        Question(within_au=0.05, unit="AU"),
        Question(within_au=0.05, unit="km"),
    ],
)
def test_answers_match_the_pages(catalogue, neos, question):
    expected = expected_rows(neos, question)
    passages = passages_of(catalogue, question)
    assert 0 < len(expected) == len(passages)
    key = {"LD": "lunar", "AU": "astronomical", "km": "kilometers"}[question.unit]
    distances = sorted(float(one["miss_distance"][key]) for _, one in expected)
    assert sorted(passages["distance"]) == pytest.approx(distances, rel=1e-6)
    assert passages["position"].nunique() == len({neo["id"] for neo, _ in expected})
    predicted = sum(one["close_approach_date"] > FETCHED_ON for _, one in expected)
    assert passages["is_predicted"].sum() == predicted


def test_question_in_words_covers_every_filter():
    question = Question(("Earth", "Moon"), 1950, 2050, 0.05, True, 140.0, "km")
    assert question.in_words == (
        "to Earth, Moon, closer than 7,479,894 km, 1950 to 2050, past and predicted, by "
        "potentially hazardous NEOs whose diameter, estimated from H for an albedo of 0.05, is "
        "140 m or more (NeoWs lists Moon up to 0.0085 AU)"
    )
    assert DEFAULT.in_words == (
        "to Earth, closer than 77.8 lunar distances, 1900 to 2200, past and predicted, by all NEOs"
    )


QUESTIONS = {
    "some": DEFAULT,
    "none": Question(within_au=1e-5),
    "no body": Question(bodies=()),
    "one year": Question(first_year=2026, last_year=2026),
    "all at once": Question(tuple(LISTED_WITHIN_AU), 1900, 2200, 2.0, True, 140.0, "km"),
}


@pytest.mark.parametrize("plot", FIGURES)
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_figures_state_question_range_and_source(draw, plot, question):
    figure = draw(plot, question)
    assert figure.png  # drawing succeeds
    title, text = " ".join(figure.axes[0].get_title(loc="left").split()), figure.get_label()
    for shown in (title, text):
        assert question.in_words in shown
        assert "NEOs at positions 1 to 40, 7141 to 7160" in shown
    assert "simulated sample, not NASA data, as listed on 2026-03-01" in figure.get_supxlabel()
    assert figure.axes[0].get_xlabel()
    assert figure.axes[0].get_ylabel()


def test_bars_show_approaches_per_year(draw, neos):
    past, both = (shape.get_data() for shape in draw(plot_per_year).axes[0].patches)
    expected = [one["close_approach_date"] for _, one in expected_rows(neos, DEFAULT)]
    assert past.values.sum() == sum(date <= FETCHED_ON for date in expected)
    of_2031 = list(past.edges).index(2030.5)
    assert both.values[of_2031] == sum(date.startswith("2031") for date in expected)


def test_count_within_ends_at_the_total(draw, neos):
    question = Question(unit="AU")
    distance, count = draw(plot_count_within, question).axes[0].lines[0].get_data()
    expected = [
        float(one["miss_distance"]["astronomical"]) for _, one in expected_rows(neos, question)
    ]
    assert (distance[-1], count[-1]) == (pytest.approx(max(expected)), len(expected))
    middle = len(distance) // 2
    assert count[middle] == sum(one <= distance[middle] * (1 + 1e-12) for one in expected)


def test_each_neo_is_counted_once_by_first_observation(draw, neos):
    found = {neo["id"]: neo for neo, _ in expected_rows(neos, DEFAULT)}.values()
    observed = [neo["orbital_data"].get("first_observation_date") for neo in found]
    patches = draw(plot_first_observations).axes[0].patches
    bars = {round(bar.get_x() + 0.5): bar.get_height() for bar in patches}
    assert sum(bars.values()) == len([date for date in observed if date])
    year = max(bars, key=bars.get)
    assert bars[year] == len([date for date in observed if date and date.startswith(str(year))])


def test_markers_show_size_hazard_and_prediction(catalogue, draw):
    # The second collection is for unknown sizes.
    markers, _ = draw(plot_distance_by_date).axes[0].collections
    passages = passages_of(catalogue, DEFAULT).set_index("distance")
    distances = markers.get_offsets()[:, 1]
    outlined = [width > 0 for width in markers.get_linewidths()]
    assert outlined == list(passages["is_potentially_hazardous"][distances])
    assert 0 < sum(outlined) < len(outlined) == len(passages)
    areas = list(markers.get_sizes())
    assert areas == sorted(areas, reverse=True)  # small ones above large ones
    assert len(set(areas)) > 10
    is_orange = markers.get_facecolors()[:, 0] > 0.5
    days = passages["close_approach_date"][distances]
    assert is_orange.tolist() == list(days > pd.Timestamp(FETCHED_ON))


def test_many_passages_are_shaded_with_nearest_as_markers(catalogue, draw, monkeypatch):
    monkeypatch.setattr("neo_utils.explore.scatter._MARKERS", 50)
    passages = passages_of(catalogue, DEFAULT)
    axes = draw(plot_distance_by_date).axes[0]
    assert "all as shading, the 50 nearest as markers" in axes.get_title(loc="left")
    shades, *markers = axes.collections
    assert shades.get_array().sum() == len(passages)
    heights = [y for group in markers for _, y in group.get_offsets()]
    assert sorted(heights) == sorted(passages["distance"])[:50]


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bodies": ("earth",)}, "bodies=earth is unknown. Use one of Earth, Venus"),
        ({"unit": "miles"}, "unit=miles is unknown. Use LD or AU or km"),
        (
            {"first_year": 2100, "last_year": 2000},
            "first_year=2100 must not be later than",
        ),
        ({"within_au": 0}, "within_au=0 .*within_au must be above 0"),
        ({"within_au": float("nan")}, "within_au=nan"),
        ({"within_au": float("inf")}, "within_au=inf"),
        ({"at_least_m": -1}, "at_least_m=-1"),
    ],
)
def test_invalid_question_gives_one_line(catalogue, values, message):
    question = Question(**values)
    with pytest.raises(WrongParameter, match=message):
        passages_of(catalogue, question)


def test_alt_text_mentions_the_moon_only_for_earth(draw):
    for bodies, limit in ((("Earth",), "the Moon"), (("Venus",), "a lunar distance to the body")):
        figure = draw(plot_count_within, Question(bodies))
        assert figure.get_label().count(f"closer than {limit}.") == 1


def test_passages_of_unknown_size_are_marked_or_excluded(catalogue, draw):
    passages = passages_of(catalogue, DEFAULT)
    passages.loc[passages.index[:7], ["minimum_diameter_m", "maximum_diameter_m"]] = None
    by_date = draw(plot_distance_by_date, passages=passages)
    drawn = sum(len(points.get_offsets()) for points in by_date.axes[0].collections)
    assert drawn == len(passages)
    key = [text.get_text() for text in by_date.axes[0].get_legend().get_texts()]
    assert "size unknown" in key
    by_size = draw(plot_size_by_distance, passages=passages)
    assert "7 without an estimated diameter are not drawn." in by_size.get_label()
    assert "not drawn" not in by_date.get_label()


def test_approaches_on_the_fetch_day_are_past(catalogue):
    predicted = catalogue.sql(
        "SELECT min(close_approach_date) FROM passages WHERE is_predicted"
    ).collect()
    assert predicted[0][0] > dt.date.fromisoformat(FETCHED_ON)


@pytest.mark.parametrize("count", [3, 3_100])
@pytest.mark.parametrize("plot", [plot_count_within, *SCATTERED])
def test_figures_report_excluded_zeros(plot, count, catalogue, draw):
    # An older version stored zeros. More than 3,000 passages are also shaded.
    question = Question(within_au=3, bodies=("Earth", "Venus"))
    passages = passages_of(catalogue, question)
    passages = pd.concat([passages] * -(-count // len(passages))).head(count)
    passages = passages.reset_index(drop=True)
    passages.loc[0, ["distance", "miss_distance_au", "minimum_diameter_m"]] = 0.0
    passages["first_observation_date"] = dt.date(1, 1, 1)
    figure = draw(plot, question, passages)
    figure.canvas.draw()
    assert "of 0 are not drawn" in figure.get_label()
    draw(plot_first_observations, question, passages).canvas.draw()


@pytest.mark.parametrize("body", ["$", "$x$", r"$\frac{$", "a $ b $ c_"])
def test_dollar_sign_in_a_body_is_drawn_literally(body, catalogue, draw):
    passages = passages_of(catalogue, DEFAULT)
    for plot in (plot_per_year, plot_count_within, plot_size_by_distance):
        figure = draw(plot, Question(bodies=(body, "Earth")), passages)
        figure.canvas.draw()
        assert body in figure.axes[0].get_title(loc="left")
