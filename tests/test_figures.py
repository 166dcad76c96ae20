import datetime as dt

import pandas as pd
import pytest

from neo_utils.batches import Batch, position_range
from neo_utils.figures import plot_approaches_per_year, plot_nearest_per_year
from neo_utils.provenance import Provenance
from neo_utils.selection import Selection

FETCHED = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
YEARLY = pd.DataFrame(
    [
        # year, body, approaches, predicted, nearest in AU
        (2024, "Earth", 3, 0, 1 / 389),
        (2024, "Venus", 2, 0, 0.1),
        (2026, "Earth", 5, 4, 2 / 389),
        (2026, "Merc", 1, 1, 0.05),
        (2027, "Earth", 1, 1, 0.1),
    ],
    columns=["year", "orbiting_body", "close_approaches", "predicted", "nearest_miss_distance_au"],
)


@pytest.fixture
def selection(tmp_path):
    provenance = Provenance("sample", "https://x/browse", FETCHED, "", 41_000)
    label = "simulated sample, not NASA data"
    return Selection(position_range(1, 20), tmp_path, label, {Batch(1): provenance})


def bars(axes):
    """Return the bars by their legend: year -> (bottom, top), empty ones left out."""
    return {
        container.get_label(): {
            round(bar.get_x() + 0.5): (bar.get_y(), bar.get_y() + bar.get_height())
            for bar in container
            if bar.get_height()
        }
        for container in axes.containers
    }


def test_the_bars_tell_earth_from_other_bodies_and_past_from_predicted(selection):
    (axes,) = plot_approaches_per_year(YEARLY, selection).axes
    assert bars(axes) == {
        "to Earth": {2024: (0, 3), 2026: (0, 1)},
        "to Earth, predicted": {2026: (1, 5), 2027: (0, 1)},
        "to other bodies": {2024: (3, 5)},
        "to other bodies, predicted": {2026: (5, 6)},
    }
    assert axes.get_ylim()[1] > 6


def test_the_nearest_are_those_of_earth_in_lunar_distances(selection):
    (axes,) = plot_nearest_per_year(YEARLY, selection).axes
    past, predicted = (points.get_offsets().tolist() for points in axes.collections)
    assert past == [[2024, pytest.approx(1)], [2026, pytest.approx(2)]]
    assert predicted == [[2027, pytest.approx(38.9)]]
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize("plot", [plot_approaches_per_year, plot_nearest_per_year])
def test_every_figure_says_definition_unit_range_source_and_fetch(plot, selection):
    figure = plot(YEARLY, selection)
    (axes,) = figure.axes
    assert "approach" in axes.get_title(loc="left")
    assert "positions 1 to 20" in axes.get_title(loc="left")
    assert axes.get_xlabel() == "year (UTC)"
    assert "per year" in axes.get_ylabel() or "lunar distances" in axes.get_ylabel()
    source = figure.get_supxlabel()
    assert source == "Source: simulated sample, not NASA data, as listed on 2026-03-01"


def test_one_year_and_one_body_are_enough(selection):
    alone = YEARLY.head(1)
    assert plot_approaches_per_year(alone, selection).axes
    assert plot_nearest_per_year(alone, selection).axes
