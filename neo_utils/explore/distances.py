"""Static figures of passages: miss distance by date, and the number within a distance.

Each function takes passages as `neo_utils.explore.linked.LinkedViews.selected` returns them.
"""

from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from neo_utils.explore.distance_law import distance_law
from neo_utils.figures.labels import label_line, label_periods, mark_empty, name_nearest
from neo_utils.figures.palette import BLUE, LIGHTER, ORANGE, PURPLE
from neo_utils.figures.style import (
    CaptionedFigure,
    default_style,
    titled_axes,
    use_log_scale,
    use_whole_years,
    with_alt_text,
)
from neo_utils.limits import limits_text
from neo_utils.store.selection import Selection
from neo_utils.text import plural, shown
from neo_utils.units import UNITS

_DOTS = 2_000  # more would hide each other
_MARKERS = "o^sDvP"  # by body, in alphabetical order
_CELLS = 120  # of a density, on each axis
_LONGEST_CONDITION = 400  # in a caption; half of a longer one is shown


@default_style
def plot_distance_by_date(
    passages: pd.DataFrame, condition: str, unit: str, selection: Selection
) -> CaptionedFigure:
    """Draw each passage by date and distance, or their density if they are many.

    Parameters
    ----------
    condition
        The condition in SQL that selected the passages, for the caption.
    unit
        A key of `UNITS`: LD, AU or km.
    """
    points = passages.dropna(subset=unit)  # an older version stored zeros, which are null here
    are_many = len(points) > _DOTS
    definition = _definition(passages, condition)
    figure, axes = titled_axes(
        "When do they pass, and how near?",
        f"{definition} {'Darker: more passages.' if are_many else 'One dot per passage.'}",
        "year",
        f"miss distance ({unit}, log scale)",
        selection,
    )
    if points.empty:
        mark_empty(axes)
    else:
        years = int(points["year"].min()), int(points["year"].max()) + 1
        if are_many:
            distances = np.geomspace(points[unit].min(), 1.001 * points[unit].max(), _CELLS)
            bins = (np.linspace(*years, _CELLS), distances)
            axes.hist2d(
                points["year"], points[unit], bins, cmap="Blues", norm=LogNorm(0.5), rasterized=True
            )
        else:
            _draw_dots(axes, points, unit)
        use_whole_years(axes, *years)
        use_log_scale(axes, "y")
        label = points["NEO"] + ", " + points["date"].astype(str)
        name_nearest(axes, pd.DataFrame({"x": points["year"], "y": points[unit], "label": label}))
        lighter = "" if are_many else " (lighter)"
        label_periods(axes, selection.fetched[1].year, f"predicted{lighter}")
    kind = "The density of passages" if are_many else "A dot for each passage"
    text = f"{kind}, by date and distance: {_counted(passages)}. {_nearest_text(points, unit)}"
    return with_alt_text(figure, f"{text} {definition}", selection)


@default_style
def plot_count_within(
    passages: pd.DataFrame, condition: str, unit: str, selection: Selection
) -> CaptionedFigure:
    """Draw the number of passages within a distance, and the power law fitted to it.

    Parameters
    ----------
    condition, unit
        As in `plot_distance_by_date`.
    """
    definition = _definition(passages, condition)
    figure, axes = titled_axes(
        "How many pass within a distance?",
        definition,
        f"miss distance ({unit}, log scale)",
        "passages within (log scale)",
        selection,
    )
    distance = np.sort(passages[unit].dropna().to_numpy())
    law = distance_law(passages)
    fitted = f"r^{law.exponent:.2f} ± {law.error:.2f}" if law else ""
    if len(distance):
        some = np.unique(np.geomspace(1, len(distance), 1_000).astype(int)) - 1
        axes.step(distance[some], some + 1, where="post", color=BLUE)
        label_line(axes, "listed", distance[-1], len(distance))
        if law:
            reach = np.geomspace(0.1, 1, 50) * law.up_to_au * UNITS[unit][0]
            power = reach**law.exponent
            # In the middle of all counts in this range, not through the last one.
            counts = np.maximum(np.searchsorted(distance, reach), 1)
            line = power * np.exp(np.mean(np.log(counts / power)))
            axes.plot(reach, line, color=ORANGE, linestyle="--")
            label_line(axes, fitted, reach[0], line[0], is_left=True)
        use_log_scale(axes, "xy")
        axes.set_ylim(bottom=0.8)
    else:
        mark_empty(axes)
    near = int((passages["LD"] < 1).sum())
    text = (
        "A rising line on two logarithmic axes, the number of passages within a distance: "
        f"{_counted(passages)}, {near:,} closer than 1 LD."
        f"{f' Up to {law.up_to_au:.3g} AU they grow as {fitted}.' if law else ''}"
    )
    return with_alt_text(figure, f"{text} {definition}", selection)


def _draw_dots(axes: Axes, points: pd.DataFrame, unit: str) -> None:
    """Draw a sign for each passage; with several bodies, each has its own."""
    by_body = points.groupby("body")
    for marker, (body, rows) in zip(cycle(_MARKERS), by_body):
        colour = BLUE if body == "Earth" else PURPLE
        shades = rows["predicted"].map({True: LIGHTER[colour], False: colour})
        axes.scatter(rows["year"], rows[unit], 8, color=shades, marker=marker, label=shown(body))
    if len(by_body) > 1:
        axes.legend(ncols=len(by_body), loc="lower left", bbox_to_anchor=(0, 1))


def _definition(passages: pd.DataFrame, condition: str) -> str:
    """Return which passages these are, and what NeoWs lists of their bodies."""
    limits = limits_text(sorted(passages["body"].unique()), passages["AU"].max())
    return f"Passages, past and predicted, where {shown(condition, _LONGEST_CONDITION)}{limits}."


def _counted(passages: pd.DataFrame) -> str:
    zeros = int(passages["AU"].isna().sum())
    left_out = f", of which {zeros:,} with a distance of 0 are not drawn" if zeros else ""
    by = plural(passages["id"].nunique(), "NEO")
    return f"{plural(len(passages), 'passage')} by {by}{left_out}"


def _nearest_text(points: pd.DataFrame, unit: str) -> str:
    if points.empty:
        return "There are none."
    nearest = points.nsmallest(1, unit).iloc[0]
    distance = f"{nearest[unit]:{',.0f' if unit == 'km' else ',.4g'}} {unit}"
    return f"The nearest is {nearest['NEO']} on {nearest['date']:%Y-%m-%d}, at {distance}."
