"""Labels beside what they name, in place of legends; and the mark of an empty figure."""

import pandas as pd
from matplotlib.axes import Axes

from neo_utils.figures.style import CaptionedFigure, with_alt_text
from neo_utils.store.selection import Selection
from neo_utils.text import shown

_NAMED = 3  # nearest points with their name
_NEAR_END = 0.1  # of the axes
_WIDTH, _HEIGHT = 0.35, 0.07  # of a name, as a share of the axes


def label_periods(axes: Axes, fetch_year: int) -> None:
    """Write "past" and "predicted" above the axes, on their sides of the year of the fetch."""
    low, high = axes.get_xlim()
    periods = [
        ("past", low, min(fetch_year, high)),
        ("predicted (lighter)", max(fetch_year, low), high),
    ]
    for text, start, end in periods:
        if end - start > (high - low) / 10:  # otherwise it has no room
            place = ((start + end) / 2, 1.01)
            axes.text(*place, text, transform=axes.get_xaxis_transform(), ha="center", fontsize=9)


def label_line(axes: Axes, text: str, x: float, y: float, *, is_left: bool = False) -> None:
    """Write a label beside the end of a line: on the right, or on the left."""
    axes.annotate(
        text,
        (x, y),
        xytext=(-4 if is_left else 4, 0),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center",
        fontsize=9,
        annotation_clip=False,
        parse_math=False,
    )


def label_above(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a label above a point, towards the middle if the point is near an end of the axes."""
    low, high = axes.get_xlim()
    share = (x - low) / (high - low)
    axes.annotate(
        text,
        (x, y),
        xytext=(0, 2),
        textcoords="offset points",
        ha="left" if share < _NEAR_END else "right" if share > 1 - _NEAR_END else "center",
        fontsize=8,
    )


def mark_empty(axes: Axes) -> None:
    """Remove the ticks and write "none listed" in the middle of the axes."""
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    axes.text(0.5, 0.5, "none listed", transform=axes.transAxes, ha="center")


def empty_figure(
    figure: CaptionedFigure, axes: Axes, reason: str, selection: Selection
) -> CaptionedFigure:
    """Return the figure with marked axes and the reason as its alternative text."""
    mark_empty(axes)
    return with_alt_text(figure, f"An empty figure: {reason}.", selection)


def name_nearest(axes: Axes, points: pd.DataFrame) -> list[str]:
    """Name the three nearest points whose names do not cover each other; return the names.

    The vertical axis is logarithmic, and gets room for a name below the nearest point.

    Parameters
    ----------
    points
        The columns x, y (distance) and label.
    """
    first, last = axes.get_xlim()
    lowest, highest = axes.get_ylim()
    width, height = _WIDTH * (last - first), (highest / lowest) ** _HEIGHT
    chosen: dict[str, tuple[float, float]] = {}
    for x, y, label in points.nsmallest(8 * _NAMED, "y")[["x", "y", "label"]].itertuples(
        index=False
    ):
        start = _start(x, width, last)
        beside = [
            other_y
            for other_x, other_y in chosen.values()
            if abs(_start(other_x, width, last) - start) < width
        ]
        if len(chosen) < _NAMED and all(y > height * other_y for other_y in beside):
            chosen.setdefault(shown(label), (x, y))
    axes.set_ylim(bottom=min(lowest, min(y for _, y in chosen.values()) / height))
    for label, (x, y) in chosen.items():
        is_right = _start(x, width, last) == x
        axes.annotate(
            label,
            (x, y),
            xytext=(5 if is_right else -5, 0),
            textcoords="offset points",
            ha="left" if is_right else "right",
            va="center",
            fontsize=8,
            parse_math=False,
        )
    return [*chosen]


def _start(x: float, width: float, last: float) -> float:
    """Return where the name of a point begins: on its right, if there is room."""
    return x if x + width < last else x - width
