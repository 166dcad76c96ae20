"""Passages one by one: when, how near, how large, how fast.

Each function takes passages as `neo_utils.explore.question.passages_of` returns them.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from neo_utils.explore.question import UNITS, Question
from neo_utils.figures.frame import (
    BLACK,
    BLUE,
    ORANGE,
    describe,
    legend_above,
    plain_log,
    titled_axes,
)
from neo_utils.selection import Selection

# As many are drawn one by one, in a tenth of a second; more would hide each other.
_MARKERS = 3_000
_BINS = 100


def plot_distance_by_date(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> Figure:
    """Draw miss distance against date; markers grow with size, the hazardous are outlined."""
    return _scattered(
        passages.assign(x=passages["decimal_year"], y=passages["distance"]),
        ("Miss distance by date", "year", question.distance_label),
        "y",
        question,
        selection,
    )


def plot_size_by_distance(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> Figure:
    """Draw the estimated diameter against miss distance, both logarithmic."""
    middle = np.sqrt(passages["minimum_diameter_m"] * passages["maximum_diameter_m"])
    return _scattered(
        passages.assign(x=passages["distance"], y=middle),
        (
            "Size by miss distance",
            question.distance_label,
            "diameter (m, log scale; estimated from H,\nmiddle of albedos 0.25 and 0.05)",
        ),
        "xy",
        question,
        selection,
    )


def plot_velocity_by_distance(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> Figure:
    """Draw the velocity relative to the body against miss distance."""
    return _scattered(
        passages.assign(x=passages["distance"], y=passages["relative_velocity_km_per_sec"]),
        (
            "Relative velocity by miss distance",
            question.distance_label,
            "velocity relative to the body (km/s)",
        ),
        "x",
        question,
        selection,
    )


def _scattered(
    points: pd.DataFrame,
    names: tuple[str, str, str],
    log: str,
    question: Question,
    selection: Selection,
) -> Figure:
    """Draw points ``x``, ``y``: the nearest one by one, and all as shades where they are many."""
    title, x, y = names
    points = points[points["x"].notna() & points["y"].notna()]
    are_many = len(points) > _MARKERS
    if are_many:
        title = f"{title}: all as shades, the {_MARKERS:,} nearest as markers"
    figure, axes = titled_axes(f"{title}\n{question.in_words}", x, y, selection)
    if are_many:
        _shade(axes, points["x"].to_numpy(float), points["y"].to_numpy(float), log)
    _mark(axes, points.nsmallest(_MARKERS, "distance"))
    axes.scatter(
        [], [], 30, facecolors="none", edgecolors=BLACK, label="potentially hazardous, outlined"
    )
    plain_log(axes, log)
    legend_above(axes)
    text = (
        f"Points, one a passage, {names[0].lower()}: close approaches {question.in_words}. "
        f"{len(points):,} in all, {int(points['is_potentially_hazardous'].sum()):,} by potentially "
        f"hazardous NEOs. {_nearest_text(points, question)}"
    )
    return describe(figure, text, selection)


def _mark(axes: Axes, points: pd.DataFrame) -> None:
    """Draw points one by one; from 10 m to 10 km of diameter, the area grows tenfold."""
    decades = np.log10(points["maximum_diameter_m"].fillna(10).clip(10, 10_000)) - 1
    area = 4 + 12 * decades
    for predicted, colour, label in ((False, BLUE, "past"), (True, ORANGE, "predicted")):
        for hazardous in (False, True):
            some = (points["is_predicted"] == predicted) & (
                points["is_potentially_hazardous"] == hazardous
            )
            axes.scatter(
                points["x"][some],
                points["y"][some],
                area[some],
                facecolors=colour,
                edgecolors=BLACK if hazardous else "none",
                linewidths=0.8,
                alpha=0.7,
                label=None if hazardous else label,
            )


def _shade(axes: Axes, x: np.ndarray, y: np.ndarray, log: str) -> None:
    counts, x_edges, y_edges = np.histogram2d(x, y, [_edges(x, "x" in log), _edges(y, "y" in log)])
    axes.pcolormesh(x_edges, y_edges, counts.T, cmap="Greys", norm=LogNorm(1), rasterized=True)


def _edges(values: np.ndarray, log: bool) -> np.ndarray:
    low, high = values.min(), values.max()
    return np.geomspace(low, high, _BINS) if log else np.linspace(low, high, _BINS)


def _nearest_text(points: pd.DataFrame, question: Question) -> str:
    if points.empty:
        return "There is none."
    nearest = points.loc[points["distance"].idxmin()]
    return (
        f"The nearest is that of {nearest['close_approach_date']:%Y-%m-%d}, at "
        f"{nearest['distance']:,.4g} {UNITS[question.unit][1]}."
    )
