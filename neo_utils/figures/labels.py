"""Labels beside what they name, in place of legends; and the mark of an empty figure."""

import pandas as pd
from matplotlib.axes import Axes

from neo_utils.figures.palette import INK
from neo_utils.figures.style import CaptionedFigure, with_alt_text
from neo_utils.store.selection import Selection
from neo_utils.text import shown

_NAMED = 3  # nearest points with their name
_WIDTH, _HEIGHT = 0.5, 0.07  # of a name, as a share of the axes


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


def label_line(
    axes: Axes, text: str, x: float, y: float, colour: str = INK, *, is_left: bool = False
) -> None:
    """Write a label beside the end of a line: on the right, or on the left."""
    axes.annotate(
        text,
        (x, y),
        xytext=(-4 if is_left else 4, 0),
        textcoords="offset points",
        ha="right" if is_left else "left",
        va="center",
        fontsize=9,
        color=colour,
        annotation_clip=False,
        parse_math=False,
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
    chosen: list[tuple[float, float, str]] = []
    candidates = points.nsmallest(4 * _NAMED, "y")[["x", "y", "label"]]
    for x, y, label in candidates.itertuples(index=False):
        beside = [other_y for other_x, other_y, _ in chosen if abs(other_x - x) < width]
        if len(chosen) < _NAMED and all(y > height * other_y for other_y in beside):
            chosen.append((x, y, shown(label)))
    axes.set_ylim(bottom=min(lowest, chosen[0][1] / height))
    for x, y, label in chosen:
        is_left = x < last - (last - first) / 4  # there is room on the right
        axes.annotate(
            label,
            (x, y),
            xytext=(5 if is_left else -5, -8),
            textcoords="offset points",
            ha="left" if is_left else "right",
            fontsize=8,
            parse_math=False,
        )
    return [label for *_, label in chosen]
