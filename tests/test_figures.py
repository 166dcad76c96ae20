import datetime as dt
import re

import pandas as pd
import pytest

from neo_utils.figures.yearly import (
    approaches_per_year,
    nearest_per_year,
    plot_approaches_per_year,
    plot_nearest_per_year,
)
from neo_utils.positions import Batch, position_range
from neo_utils.store.provenance import Provenance
from neo_utils.store.selection import Selection

FETCHED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
YEARLY = pd.DataFrame(
    [
        # year, body, approaches, predicted, nearest in AU, by
        (2024, "Earth", 3, 0, 1 / 389, "2000001"),
        (2024, "Venus", 2, 0, 0.1, "2000002"),
        (2026, "Earth", 5, 4, 2 / 389, "2000003"),
        (2026, "Merc", 1, 1, 0.05, "2000004"),
        (2027, "Earth", 1, 1, 0.1, "2000005"),
    ],
    columns=[
        *("year", "orbiting_body", "close_approaches", "predicted"),
        *("nearest_miss_distance_au", "nearest_neo_id"),
    ],
)


@pytest.fixture
def selection(tmp_path):
    provenance = Provenance("sample", "https://x/browse", FETCHED, "", 41_000)
    label = "simulated sample, not NASA data"
    return Selection(position_range(1, 20), tmp_path, label, {Batch(1): provenance})


def draw_per_year(selection, yearly=YEARLY):
    return plot_approaches_per_year(approaches_per_year(yearly), selection)


def draw_nearest(selection, yearly=YEARLY):
    return plot_nearest_per_year(nearest_per_year(yearly, selection), selection)


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


def test_table_has_every_year_and_each_approach_once():
    table = approaches_per_year(YEARLY)
    assert table.columns.tolist() == [
        *("to Earth", "to Earth, predicted"),
        *("to other bodies", "to other bodies, predicted"),
    ]
    rows = {year: tuple(counts) for year, *counts in table.itertuples()}
    assert rows == {2024: (3, 0, 2, 0), 2025: (0, 0, 0, 0), 2026: (1, 4, 0, 1), 2027: (0, 1, 0, 0)}


def test_bars_separate_earth_and_predicted(selection):
    (axes,) = draw_per_year(selection).axes
    assert bars(axes) == {
        "to Earth": {2024: (0, 3), 2026: (0, 1)},
        "to Earth, predicted": {2026: (1, 5), 2027: (0, 1)},
        "to other bodies": {2024: (3, 5)},
        "to other bodies, predicted": {2026: (5, 6)},
    }
    assert axes.get_ylim()[1] > 6
    for shape in axes.patches:  # distinguishable in print and on a dark page
        assert bool(shape.get_hatch()) == shape.get_label().endswith("predicted")


def test_nearest_figure_shows_earth_in_lunar_distances(selection):
    (axes,) = draw_nearest(selection).axes
    past, predicted = (points.get_offsets().tolist() for points in axes.collections)
    assert past == [[2024, pytest.approx(1)], [2026, pytest.approx(2)]]
    assert predicted == [[2027, pytest.approx(38.9)]]
    assert axes.get_yscale() == "log"


def test_nearest_table_names_the_neo(selection):
    nearest = nearest_per_year(YEARLY, selection)
    assert nearest["neo_id"].to_dict() == {2024: "2000001", 2026: "2000003", 2027: "2000005"}
    assert nearest["miss_distance_au"].tolist() == [1 / 389, 2 / 389, 0.1]
    # The yearly statistics do not show whether the one of 2026 is after the day of the fetch.
    assert nearest["after_year_of_fetch"].tolist() == [False, False, True]
    (axes,) = draw_nearest(selection).axes
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["up to 2026", "after 2026: all predicted", "distance of the Moon"]


@pytest.mark.parametrize("draw", [draw_per_year, draw_nearest])
def test_figures_state_definition_unit_range_and_source(draw, selection):
    figure = draw(selection)
    (axes,) = figure.axes
    title = axes.get_title(loc="left")
    for text in ("approach", "past and predicted", "at any listed distance"):
        assert text in title
    assert "Earth" in title or "any body" in title
    assert "NEOs at positions 1 to 20" in title
    assert axes.get_xlabel() == "year"
    assert "per year" in axes.get_ylabel() or "lunar distances" in axes.get_ylabel()
    source = figure.get_supxlabel()
    assert source == "Source: simulated sample, not NASA data, as listed on 2026-03-01 00:00 UTC"


def test_alt_text_describes_the_figure(selection):
    bars_text = draw_per_year(selection).get_label()
    assert "from 2024 to 2027" in bars_text
    assert "4 to Earth, 5 to Earth, predicted" in bars_text
    assert "The fewest in a year are 0 (2025), the most 6 (2026)" in bars_text
    points_text = draw_nearest(selection).get_label()
    assert "from 1 (2024) to 38.9 (2027)" in points_text
    for text in (bars_text, points_text):
        assert "positions 1 to 20" in text
        assert "simulated sample" in text


def test_draws_a_single_year_and_body(selection):
    alone = YEARLY.head(1)
    assert draw_per_year(selection, alone).axes
    assert draw_nearest(selection, alone).axes


@pytest.mark.parametrize("listed", [YEARLY.head(0), YEARLY[YEARLY["orbiting_body"] == "Venus"]])
def test_empty_figure_shows_none_listed(selection, listed):
    drawn = [draw_nearest(selection, listed)]
    if listed.empty:
        assert approaches_per_year(listed).empty
        drawn.append(draw_per_year(selection, listed))
    for figure in drawn:
        (axes,) = figure.axes
        assert [text.get_text() for text in axes.texts] == ["none listed"]
        assert re.match("An empty figure: no .*approach.* is listed. NEOs at", figure.get_label())


def test_source_line_gives_first_and_last_fetch_time(selection):
    ((_, first),) = selection.provenances.items()
    last = first._replace(fetched_at=FETCHED + dt.timedelta(minutes=12))
    longer = selection._replace(provenances={Batch(1): last, Batch(21): first})
    assert longer.source_line.endswith("as listed from 2026-03-01 00:00 to 2026-03-01 00:12 UTC")
