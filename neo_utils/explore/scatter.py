"""Scatter figures of single passages: date, miss distance, size, velocity.

Each function takes passages as `neo_utils.explore.question.passages_of` returns them.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from neo_utils.explore.question import Question
from neo_utils.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    CaptionedFigure,
    default_style,
    legend_above,
    mark_empty,
    titled_axes,
    use_log_scale,
    use_whole_years,
    with_alt_text,
)
from neo_utils.store.selection import Selection

# Drawn as single markers, in a tenth of a second. More would hide each other.
_MARKERS = 3_000
_BINS = 100


@default_style
def plot_distance_by_date(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> CaptionedFigure:
    """Draw miss distance by date; markers grow with size, hazardous NEOs are outlined."""
    figure = _scattered(
        passages.assign(x=passages["decimal_year"], y=passages["distance"]),
        ("Miss distance by date", "year", question.distance_label),
        "y",
        question,
        selection,
    )
    use_whole_years(figure.axes[0])
    return figure


@default_style
def plot_size_by_distance(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> CaptionedFigure:
    """Draw the estimated diameter against miss distance, both logarithmic."""
    middle = np.sqrt(passages["minimum_diameter_m"] * passages["maximum_diameter_m"])
    return _scattered(
        passages.assign(x=passages["distance"], y=middle),
        (
            "Size by miss distance",
            question.distance_label,
            "diameter (m, log scale; estimated from H,\ngeometric mean for albedos 0.25 and 0.05)",
        ),
        "xy",
        question,
        selection,
    )


@default_style
def plot_velocity_by_distance(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> CaptionedFigure:
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
    passages: pd.DataFrame,
    names: tuple[str, str, str],
    log: str,
    question: Question,
    selection: Selection,
) -> CaptionedFigure:
    """Draw the points ``x``, ``y``; if they are many, all as shading and the nearest as markers."""
    title, x, y = names
    known = passages[passages["x"].notna() & passages["y"].notna()]
    # Data that an older version stored may contain zeros, which a logarithmic axis cannot show.
    points = known[(known[list(log)] > 0).all(axis="columns")]
    are_many = len(points) > _MARKERS
    if are_many:
        title = f"{title}: all as shading, the {_MARKERS:,} nearest as markers"
    figure, axes = titled_axes(f"{title}\n{question.in_words}", x, y, selection)
    if are_many:
        _shade(axes, points["x"].to_numpy(float), points["y"].to_numpy(float), log)
    if points.empty:
        mark_empty(axes)
    else:
        _mark(axes, points.nsmallest(_MARKERS, "distance"))
        use_log_scale(axes, log)
        unknown = points["maximum_diameter_m"].isna().any()
        further = [*([_SHADES] if are_many else []), *([_UNKNOWN] if unknown else [])]
        legend_above(axes, [*_KEY, *further, *_SIZES])
    note = _left_out_text(len(passages) - len(known), len(known) - len(points))
    axes.text(1, 1.01, note, transform=axes.transAxes, ha="right", fontsize=8, color=GREY)
    text = (
        f"One point per passage, {names[0].lower()}: close approaches {question.in_words}. "
        f"{len(points):,} in all, {int(points['is_potentially_hazardous'].sum()):,} by potentially "
        f"hazardous NEOs. {_nearest_text(points, question)} {note}".rstrip()
    )
    return with_alt_text(figure, text, selection)


def _left_out_text(unknown: int, zeros: int) -> str:
    reasons = {"without an estimated diameter": unknown, "with a distance or diameter of 0": zeros}
    texts = [f"{count:,} {reason} are not drawn." for reason, count in reasons.items() if count]
    return " ".join(texts)


def _mark(axes: Axes, points: pd.DataFrame) -> None:
    """Draw markers scaled by the larger size estimate, and crosses if the size is unknown.

    Large markers are drawn below small ones, so none is hidden.
    """
    points = points.sort_values("maximum_diameter_m", ascending=False)
    unknown = points["maximum_diameter_m"].isna()
    area = _area(points["maximum_diameter_m"])
    colour = np.where(points["is_predicted"], ORANGE, BLUE)
    edge = np.where(points["is_potentially_hazardous"], 0.8, 0)
    for some, marker in ((~unknown, "o"), (unknown, "x")):
        # A cross has no edge.
        how = {"edgecolors": BLACK, "linewidths": edge[some]} if marker == "o" else {}
        axes.scatter(
            points["x"][some],
            points["y"][some],
            area[some],
            c=colour[some],
            marker=marker,
            alpha=0.7,
            **how,
        )


def _area(diameter_m: pd.Series) -> pd.Series:
    """Return the area of a marker (square points), three times as large per decade of diameter."""
    decades = np.log10(diameter_m.clip(10, 10_000)) - 1
    return (2.5 * 3**decades).fillna(12)


def _key(label: str, area: float = 30, **drawn: Any) -> Line2D:  # noqa: ANN401 - Line2D's options
    return Line2D([], [], marker="o", linestyle="", markersize=area**0.5, label=label, **drawn)


_KEY = (
    _key("past", color=BLUE),
    _key("predicted", color=ORANGE),
    _key("potentially hazardous", markerfacecolor="none", markeredgecolor=BLACK),
)
_SHADES = Patch(facecolor="#999999", label="darker: more")
_UNKNOWN = Line2D([], [], marker="x", linestyle="", color=GREY, label="size unknown")
_SIZES = tuple(
    _key(label, area, color=GREY)
    for label, area in zip(
        ("30 m", "300 m", "3 km (from H)"),
        _area(pd.Series([30.0, 300.0, 3_000.0])),
        strict=True,
    )
)


def _shade(axes: Axes, x: np.ndarray, y: np.ndarray, log: str) -> None:
    counts, x_edges, y_edges = np.histogram2d(x, y, [_edges(x, "x" in log), _edges(y, "y" in log)])
    axes.use_sticky_edges = False  # otherwise the outermost markers are cut in half
    axes.pcolormesh(x_edges, y_edges, counts.T, cmap="Greys", norm=LogNorm(1), rasterized=True)


def _edges(values: np.ndarray, log: bool) -> np.ndarray:
    low, high = values.min(), values.max()
    return np.geomspace(low, high, _BINS) if log else np.linspace(low, high, _BINS)


def _nearest_text(points: pd.DataFrame, question: Question) -> str:
    if points.empty:
        return "There are none."
    nearest = points.loc[points["distance"].idxmin()]
    return (
        f"The nearest is on {nearest['close_approach_date']:%Y-%m-%d}, at "
        f"{question.shown(nearest['miss_distance_au'])}."
    )
