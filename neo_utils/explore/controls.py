"""The controls of explore.ipynb: they put a question together, and one figure answers it."""

import math
from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
from matplotlib.figure import Figure

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.explore.counts import plot_count_within, plot_first_observations, plot_per_year
from neo_utils.explore.question import UNITS, Question, listed_bodies, passages_of
from neo_utils.explore.scatter import (
    plot_distance_by_date,
    plot_size_by_distance,
    plot_velocity_by_distance,
)
from neo_utils.figures.notebook_display import show
from neo_utils.store.selection import Selection

_FIGURES: dict[str, Callable[[pd.DataFrame, Question, Selection], Figure]] = {
    "per year": plot_per_year,
    "distance by date": plot_distance_by_date,
    "size by distance": plot_size_by_distance,
    "velocity by distance": plot_velocity_by_distance,
    "count within a distance": plot_count_within,
    "first observations": plot_first_observations,
}
_LEAST_AU = 1e-5  # a quarter of Earth's radius: nothing passes nearer


def explorer(catalogue: DuckDBSession, selection: Selection, question: Question) -> widgets.VBox:
    """Return controls that begin with a question, and a figure that follows them.

    A figure is drawn anew when a control is let go, in a fraction of a second.
    """
    bodies = listed_bodies(catalogue)
    question.check(bodies)
    farthest = catalogue.sql("SELECT coalesce(max(miss_distance_au), 1) FROM passages").collect()
    # A little beyond, since what is asked for lies nearer than the distance that is picked.
    asked = _controls(bodies, max(1.001 * farthest[0][0], question.within_au), question)
    figure = widgets.Dropdown(options=list(_FIGURES), description="figure")
    answer = widgets.HTML()

    def redraw(_: Any = None) -> None:  # noqa: ANN401 - what ipywidgets tells of a change
        current = _question(asked)
        drawn = _FIGURES[figure.value](passages_of(catalogue, current), current, selection)
        answer.value = _picture(drawn)

    _keep_distance(asked["within"], asked["unit"])
    # Another unit moves the distance, too, which alone is to be answered.
    for control in (*(asked[name] for name in asked if name != "unit"), figure):
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([*asked.values(), figure, answer])


def _controls(
    bodies: list[str], farthest_au: float, question: Question
) -> dict[str, widgets.ValueWidget]:
    per_au, _ = UNITS[question.unit]
    offered = list(dict.fromkeys([*bodies, *question.bodies]))
    wide = {"layout": widgets.Layout(width="34rem"), "continuous_update": False}
    return {
        "bodies": widgets.SelectMultiple(
            options=offered,
            value=question.bodies,
            rows=min(len(offered), 6),
            description="bodies",
        ),
        "years": widgets.IntRangeSlider(
            value=(question.first_year, question.last_year),
            min=min(1900, question.first_year),
            max=max(2200, question.last_year),
            description="years",
            **wide,
        ),
        "within": widgets.FloatLogSlider(
            value=question.within_au * per_au,
            min=math.log10(min(_LEAST_AU, question.within_au) * per_au),
            max=math.log10(farthest_au * per_au),
            step=0.05,
            readout_format=".4r",
            description="within",
            **wide,
        ),
        "unit": widgets.ToggleButtons(
            options=list(UNITS),
            value=question.unit,
            description="in",
            tooltips=[name for _, name in UNITS.values()],
            style={"button_width": "5rem"},
        ),
        "hazardous_only": widgets.Checkbox(
            value=question.hazardous_only, description="potentially hazardous only"
        ),
        "at_least_m": widgets.FloatSlider(
            value=question.at_least_m,
            min=0,
            max=max(2_000, question.at_least_m),
            step=20,
            readout_format=".0f",
            description="size ≥ (m)",
            tooltip="the larger estimate of the diameter, from H for an albedo of 0.05",
            **wide,
        ),
    }


def _keep_distance(within: widgets.FloatLogSlider, unit: widgets.ToggleButtons) -> None:
    """Let the slider show the same distance in whatever unit is chosen."""

    def convert(change: dict[str, Any]) -> None:
        ratio = UNITS[change["new"]][0] / UNITS[change["old"]][0]
        with within.hold_trait_notifications():  # in between, it would lie outside of its ends
            within.min += math.log10(ratio)
            within.max += math.log10(ratio)
            within.value *= ratio

    unit.observe(convert, "value")


def _question(asked: dict[str, widgets.ValueWidget]) -> Question:
    values = {name: control.value for name, control in asked.items()}
    first_year, last_year = values.pop("years")
    per_au, _ = UNITS[values["unit"]]
    within_au = round(values.pop("within") / per_au, 12)  # the same after all conversions
    return Question(first_year=first_year, last_year=last_year, within_au=within_au, **values)


def _picture(figure: Figure) -> str:
    picture = show(figure)
    data = b64encode(picture.data).decode()
    return (
        f'<img alt="{escape(str(figure.get_label()))}" width="{picture.width}" '
        f'src="data:image/png;base64,{data}">'
    )
