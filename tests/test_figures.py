import datetime as dt
import re

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
    for shape in axes.patches:  # distinguishable in print and on a dark page
        assert bool(shape.get_hatch()) == shape.get_label().endswith("predicted")


def test_other_bodies_have_axes_of_their_own_with_their_limit(selection):
    unknown = YEARLY.iloc[[3]].assign(orbiting_body="Ceres", year=2028)
    yearly = pd.concat([unknown, YEARLY])
    assert list(other_bodies_per_year(yearly)) == [
        *("Venus, past", "Venus, predicted", "Merc, past", "Merc, predicted"),
        *("Ceres, past", "Ceres, predicted"),
    ]
    panels = draw_others(selection, yearly).axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "Venus, listed to 0.15 AU",
        "Merc, listed to 0.1 AU",
        "Ceres, limit unknown",
    ]
    assert [bars(axes) for axes in panels] == [
        {"past": {2024: (0, 2)}, "predicted": {}},
        {"past": {}, "predicted": {2026: (0, 1)}},
        {"past": {}, "predicted": {2028: (0, 1)}},
    ]
    assert {axes.get_xlim() for axes in panels} == {(2023.5, 2028.5)}


def test_nearest_figure_shows_earth_in_lunar_distances(selection):
    (axes,) = draw_nearest(selection).axes
    past, predicted = (points.get_offsets().tolist() for points in axes.collections)
    assert past == [[2024, pytest.approx(1)]]
    assert predicted == [[2026, pytest.approx(2)], [2027, pytest.approx(38.9)]]
    assert axes.get_yscale() == "log"


def test_nearest_table_names_the_neo(selection):
    nearest = nearest_per_year(YEARLY)
    assert nearest["name"].to_dict() == {2024: "Apophis", 2026: "(2010 AB)", 2027: "2000005"}
    assert nearest["miss_distance_au"].tolist() == [1 / 389, 2 / 389, 0.1]
    assert nearest["date"].tolist() == ["2024-05-06", "2026-08-09", "2027-01-01"]
    assert nearest["is_predicted"].tolist() == [False, True, True]
    (axes,) = draw_nearest(selection).axes
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["past", "predicted", "distance of the Moon"]


@pytest.mark.parametrize(
    ("draw", "definition", "unit"),
    [
        (draw_per_year, "approaches to Earth per year, closer than 0.2 AU", "per year"),
        (draw_others, "approaches to other bodies per year", ""),
        (draw_nearest, "approach to Earth in each year", "lunar distances"),
    ],
)
def test_figures_state_definition_unit_range_and_source(draw, definition, unit, selection):
    figure = draw(selection)
    axes = figure.axes[0]
    title = figure.get_suptitle() or axes.get_title(loc="left")
    for text in (definition, "past and predicted", "NEOs at positions 1 to 20"):
        assert text in title
    assert unit in axes.get_ylabel()
    source = figure.get_supxlabel()
    assert source == "Source: simulated sample, not NASA data, as listed on 2026-03-01 00:00 UTC"


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


def test_draws_a_single_year_and_body(selection):
    alone = YEARLY.head(1)
    assert draw_per_year(selection, alone).axes
    assert draw_nearest(selection, alone).axes
    assert draw_others(selection, YEARLY.iloc[[1]]).axes


@pytest.mark.parametrize(
    ("draw", "body"), [(draw_per_year, "Venus"), (draw_nearest, "Venus"), (draw_others, "Earth")]
)
def test_empty_figure_shows_none_listed(selection, draw, body):
    for listed in (YEARLY.head(0), YEARLY[YEARLY["orbiting_body"] == body]):
        figure = draw(selection, listed)
        (axes,) = figure.axes
        assert [text.get_text() for text in axes.texts] == ["none listed"]
        assert re.match("An empty figure: no approach .* is listed. NEOs at", figure.get_label())


def test_source_line_gives_first_and_last_fetch_time(selection):
    ((_, first),) = selection.provenances.items()
    last = first._replace(fetched_at=FETCHED + dt.timedelta(minutes=12))
    longer = selection._replace(provenances={Batch(1): last, Batch(21): first})
    assert longer.source_line.endswith("as listed from 2026-03-01 00:00 to 2026-03-01 00:12 UTC")
