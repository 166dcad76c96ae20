import datetime as dt
import itertools
import re
import warnings

import numpy as np
import pandas as pd
import pytest

from neo_utils.figures.yearly import (
    approaches_per_year,
    nearest_per_year,
    other_bodies_per_year,
    plot_approaches_per_year,
    plot_nearest_per_year,
    plot_other_bodies,
)
from neo_utils.positions import Batch, position_range
from neo_utils.store.provenance import Provenance
from neo_utils.store.selection import Selection

FETCHED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
YEARLY = pd.DataFrame(
    [
        # year, body, all, predicted, under, of them predicted, nearest in AU, by, on, predicted
        (2024, "Earth", 3, 0, 2, 0, 1 / 389, "2000001", "2024-05-06", False),
        (2024, "Venus", 2, 0, 2, 0, 0.1, "2000002", "2024-01-01", False),
        (2026, "Earth", 5, 4, 4, 3, 2 / 389, "2000003", "2026-08-09", True),
        (2026, "Merc", 1, 1, 1, 1, 0.05, "2000004", "2026-12-31", True),
        (2027, "Earth", 1, 1, 1, 1, 0.1, "2000005", "2027-01-01", True),
    ],
    columns=[
        *("year", "orbiting_body", "close_approaches", "predicted"),
        *("close_approaches_under_threshold", "predicted_under_threshold"),
        *("nearest_miss_distance_au", "nearest_neo_id"),
        *("nearest_close_approach_date", "nearest_is_predicted"),
    ],
)
YEARLY["nearest_neo_name"] = ["Apophis", None, "(2010 AB)", None, None]


@pytest.fixture
def selection(tmp_path):
    provenance = Provenance("sample", "https://x/browse", FETCHED, "", 41_000)
    label = "simulated sample, not NASA data"
    return Selection(position_range(1, 20), tmp_path, label, {Batch(1): provenance})


def draw_per_year(selection, yearly=YEARLY):
    return plot_approaches_per_year(approaches_per_year(yearly), selection, 0.2)


def draw_others(selection, yearly=YEARLY):
    return plot_other_bodies(other_bodies_per_year(yearly), selection)


def draw_nearest(selection, yearly=YEARLY):
    return plot_nearest_per_year(nearest_per_year(yearly), selection)


def bars(axes):
    """Return the bars by label: year -> (bottom, top), without empty ones."""
    found = {}
    for shape in axes.patches:
        tops, edges, bottoms = shape.get_data()
        rows = zip(edges, bottoms, tops, strict=False)  # one more edge than bars
        found[shape.get_label()] = {
            round(edge + 0.5): (bottom, top) for edge, bottom, top in rows if top > bottom
        }
    return found


def test_table_has_every_year_and_each_approach_to_earth_under_the_threshold_once():
    table = approaches_per_year(YEARLY)
    assert table.columns.tolist() == ["past", "predicted"]
    rows = {year: tuple(counts) for year, *counts in table.itertuples()}
    assert rows == {2024: (2, 0), 2025: (0, 0), 2026: (1, 3), 2027: (0, 1)}


def test_bars_separate_past_and_predicted(selection):
    (axes,) = draw_per_year(selection).axes
    assert bars(axes) == {
        "past": {2024: (0, 2), 2026: (0, 1)},
        "predicted": {2026: (1, 4), 2027: (0, 1)},
    }
    assert axes.get_ylim()[1] > 4
    past, predicted = (shape.get_facecolor() for shape in axes.patches)
    assert sum(predicted[:3]) > sum(past[:3]) + 0.5  # lighter, in print as well
    labels = ["past", "predicted (lighter)", "most: 4 in 2026"]
    assert [text.get_text() for text in axes.texts] == labels


def test_other_bodies_have_axes_of_their_own_with_their_limit(selection):
    unknown = YEARLY.iloc[[3]].assign(orbiting_body="Ceres", year=2028)
    yearly = pd.concat([unknown, YEARLY])
    assert list(other_bodies_per_year(yearly)) == [
        *("Venus, past", "Venus, predicted", "Merc, past", "Merc, predicted"),
        *("Ceres, past", "Ceres, predicted"),
    ]
    panels = draw_others(selection, yearly).axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "Venus, up to 0.15 AU",
        "Mercury, up to 0.1 AU",
        "Ceres, limit unknown",
    ]
    assert [bars(axes) for axes in panels] == [
        {"past": {2024: (0, 2)}},
        {"predicted": {2026: (0, 1)}},
        {"predicted": {2028: (0, 1)}},
    ]
    assert {axes.get_xlim() for axes in panels} == {(2021, 2031)}  # ten years


def test_nearest_figure_shows_earth_in_lunar_distances(selection):
    (axes,) = draw_nearest(selection).axes
    (dots,) = axes.collections
    distances = pytest.approx(1), pytest.approx(2), pytest.approx(38.9)
    assert dots.get_offsets().tolist() == [
        [2024, distances[0]],
        [2026, distances[1]],
        [2027, distances[2]],
    ]
    past, *predicted = dots.get_facecolors().sum(axis=1).tolist()
    assert min(predicted) > past + 0.5  # lighter
    assert axes.get_yscale() == "log"


def test_nearest_table_names_the_neo(selection):
    nearest = nearest_per_year(YEARLY)
    assert nearest["name"].to_dict() == {2024: "Apophis", 2026: "(2010 AB)", 2027: "2000005"}
    assert nearest["miss_distance_au"].tolist() == [1 / 389, 2 / 389, 0.1]
    assert nearest["date"].tolist() == ["2024-05-06", "2026-08-09", "2027-01-01"]
    assert nearest["is_predicted"].tolist() == [False, True, True]
    (axes,) = draw_nearest(selection).axes
    labels = [text.get_text() for text in axes.texts]
    assert labels == [
        *("Apophis, 2024", "(2010 AB), 2026", "2000005, 2027", "Moon's\ndistance"),
        *("past", "predicted (lighter)"),
    ]


@pytest.mark.parametrize(
    ("draw", "definition", "unit"),
    [
        (draw_per_year, "close approaches to Earth, closer than 0.2 AU, in each", "per year"),
        (draw_others, "close approaches to each body in each calendar year", ""),
        (draw_nearest, "approach to Earth of each calendar year, at any", "LD"),
    ],
)
def test_figures_state_definition_unit_range_and_source(draw, definition, unit, selection):
    figure = draw(selection)
    axes = figure.axes[0]
    assert len(figure.get_suptitle()) < 45
    assert figure.get_suptitle().endswith("?")
    caption = " ".join(figure.get_supxlabel().split())
    for text in (definition, "predicted", "NEOs at positions 1 to 20."):
        assert text in caption
    assert unit in axes.get_ylabel()
    source = "Source: simulated sample, not NASA data, as listed on 2026-03-01 00:00 UTC."
    assert caption.endswith(source)


def test_alt_text_describes_the_figure(selection):
    bars_text = draw_per_year(selection).get_label()
    assert "closer than 0.2 AU, from 2024 to 2027: 3 past, 4 predicted" in bars_text
    assert "The fewest in a year are 0 (2025), the most 4 (2026)" in bars_text
    others_text = draw_others(selection).get_label()
    assert "2 to Venus, 1 to Merc" in others_text
    points_text = draw_nearest(selection).get_label()
    assert "from 1 (2024) to 38.9 (2027)" in points_text
    for text in (bars_text, others_text, points_text):
        assert "positions 1 to 20" in text
        assert "simulated sample" in text


def test_a_single_year_has_whole_ticks_and_room_beside_it(selection):
    for draw, rows in ((draw_per_year, [0]), (draw_nearest, [0]), (draw_others, [1])):
        figure = draw(selection, YEARLY.iloc[rows])
        figure.canvas.draw()
        (axes,) = figure.axes
        low, high = axes.get_xlim()
        assert high - low == 10
        ticks = [text.get_text() for text in axes.get_xticklabels()]
        assert ticks == [str(int(tick)) for tick in axes.get_xticks()]
    counts = [*draw_per_year(selection, YEARLY.iloc[[0]]).axes[0].get_yticks()]
    assert counts == [int(count) for count in counts]


def test_a_running_mean_shows_the_trend(selection):
    years = pd.RangeIndex(2000, 2060)  # fetched in 2026, with a step in that year
    counts = pd.Series([0, 11] * 30, index=years).where(years <= 2026, 22)
    per_year = pd.DataFrame({"past": counts.where(years <= 2026, 0), "predicted": 0})
    per_year["predicted"] = counts - per_year["past"]
    (axes,) = plot_approaches_per_year(per_year, selection, 0.2).axes
    past, predicted = (line.get_data() for line in axes.lines)
    assert past[0].tolist() == list(range(2005, 2021))
    assert past[1].tolist() == pytest.approx([5, 6] * 8)
    assert predicted[0].tolist() == list(range(2032, 2055))
    assert set(predicted[1]) == {22}
    assert "mean of 11 years" in figure_caption(axes)


def figure_caption(axes):
    return " ".join(axes.figure.get_supxlabel().split())


@pytest.mark.parametrize(
    ("draw", "body"), [(draw_per_year, "Venus"), (draw_nearest, "Venus"), (draw_others, "Earth")]
)
def test_empty_figure_shows_none_listed(selection, draw, body):
    for listed in (YEARLY.head(0), YEARLY[YEARLY["orbiting_body"] == body]):
        figure = draw(selection, listed)
        (axes,) = figure.axes
        assert [text.get_text() for text in axes.texts] == ["none listed"]
        assert re.match("An empty figure: no approach .* is listed. NEOs at", figure.get_label())


def test_names_do_not_cover_each_other(selection):
    years = range(1900, 2200)
    for seed in range(12):
        distances = np.random.default_rng(seed).lognormal(-5, 2, len(years))
        yearly = pd.DataFrame(
            {
                "year": years,
                "orbiting_body": "Earth",
                "nearest_miss_distance_au": distances,
                "nearest_neo_id": "2000001",
                "nearest_neo_name": [f"990007 Drutevgol ({year} BA900)" for year in years],
                "nearest_close_approach_date": "",
                "nearest_is_predicted": False,
            }
        )
        figure = draw_nearest(selection, yearly)
        figure.canvas.draw()
        names = [one for one in figure.axes[0].texts if "Drutevgol" in one.get_text()]
        boxes = [name.get_window_extent() for name in names]
        assert len(names) > 1
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other), [name.get_text() for name in names]


def test_a_stored_distance_of_zero_is_not_drawn(selection):
    # No service lists one, but an older version stored zeros.
    for distances in ([0.0, 0.1], [0.0, 0.0], [None, None]):
        yearly = YEARLY.iloc[[0, 2]].assign(nearest_miss_distance_au=distances)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert draw_nearest(selection, yearly).png


def test_source_line_gives_first_and_last_fetch_time(selection):
    ((_, first),) = selection.provenances.items()
    last = first._replace(fetched_at=FETCHED + dt.timedelta(minutes=12))
    longer = selection._replace(provenances={Batch(1): last, Batch(21): first})
    assert longer.source_line.endswith("as listed from 2026-03-01 00:00 to 2026-03-01 00:12 UTC")
