"""Interactive controls of explore.ipynb, which set a question, and the figure that answers it."""

import math
from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.explore.counts import plot_count_within, plot_first_observations, plot_per_year
from neo_utils.explore.question import Question, listed_bodies, passages_of
from neo_utils.explore.scatter import (
    plot_distance_by_date,
    plot_size_by_distance,
    plot_velocity_by_distance,
)
from neo_utils.figures.style import CaptionedFigure
from neo_utils.store.selection import Selection
from neo_utils.units import UNITS

_FIGURES: dict[str, Callable[[pd.DataFrame, Question, Selection], CaptionedFigure]] = {
    "per year": plot_per_year,
    "distance by date": plot_distance_by_date,
    "size by distance": plot_size_by_distance,
    "velocity by distance": plot_velocity_by_distance,
    "count within a distance": plot_count_within,
    "first observations": plot_first_observations,
}
_LEAST_AU = 1e-5  # a quarter of Earth's radius; no passage is nearer


def explorer(catalogue: DuckDBSession, selection: Selection, question: Question) -> widgets.VBox:
    """Return controls that start with ``question``, and a figure that they update.

    Releasing a control redraws the figure within a fraction of a second.
    """
    bodies = listed_bodies(catalogue)
    question.check(bodies)
    farthest = catalogue.sql("SELECT coalesce(max(miss_distance_au), 1) FROM passages").collect()
    # Slightly farther, because a question selects passages closer than the chosen distance.
    inputs = _controls(bodies, max(1.001 * farthest[0][0], question.within_au), question)
    figure = widgets.Dropdown(options=list(_FIGURES), description="figure")
    answer = widgets.HTML()

    def redraw(_: Any = None) -> None:  # noqa: ANN401 - change event of ipywidgets
        current = _question(inputs)
        drawn = _FIGURES[figure.value](passages_of(catalogue, current), current, selection)
        answer.value = _picture(drawn)

    _keep_distance(inputs["within"], inputs["unit"])
    # Do not observe the unit: changing it also changes the distance, which already redraws.
    for control in (*(inputs[name] for name in inputs if name != "unit"), figure):
        control.observe(redraw, "value")
    redraw()
    return widgets.VBox([*inputs.values(), figure, answer])


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
    """Convert the slider's distance when the unit changes."""

    def convert(change: dict[str, Any]) -> None:
        ratio = UNITS[change["new"]][0] / UNITS[change["old"]][0]
        with within.hold_trait_notifications():  # meanwhile the value may be out of range
            within.min += math.log10(ratio)
            within.max += math.log10(ratio)
            within.value *= ratio

    unit.observe(convert, "value")


def _question(inputs: dict[str, widgets.ValueWidget]) -> Question:
    values = {name: control.value for name, control in inputs.items()}
    first_year, last_year = values.pop("years")
    per_au, _ = UNITS[values["unit"]]
    within_au = round(values.pop("within") / per_au, 12)  # removes errors of unit conversions
    return Question(first_year=first_year, last_year=last_year, within_au=within_au, **values)


def _picture(figure: CaptionedFigure) -> str:
    return (
        f'<img alt="{escape(figure.alt_text)}" width="{figure.shown_width}" '
        f'src="data:image/png;base64,{b64encode(figure.png).decode()}">'
    )
