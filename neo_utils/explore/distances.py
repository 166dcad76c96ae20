"""Static figures of passages: miss distance by date, and the number within a distance.

Each function takes passages as `neo_utils.explore.linked.LinkedViews.selected` returns them.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm

from neo_utils.explore.distance_law import distance_law
from neo_utils.figures.labels import label_line, label_periods, mark_empty, name_nearest
from neo_utils.figures.palette import INK, ORANGE, lighter, sign_of
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
    # An older version stored zeros, which are null here.
    points = passages.dropna(subset=unit).assign(x=passages["decimal year"], y=passages[unit])
    are_many = len(points) > _DOTS
    definition = _definition(passages, condition)
    figure, axes = titled_axes(
        "When do they pass, and how near?",
        f"{definition} {'Darker: more passages.' if are_many else 'One sign per passage.'}",
        "year",
        f"miss distance ({unit}, log scale)",
        selection,
    )
    if points.empty:
        mark_empty(axes)
    else:
        years = int(points["year"].min()), int(points["year"].max()) + 1
        (_draw_density if are_many else _draw_dots)(axes, points)
        use_whole_years(axes, *years)
        use_log_scale(axes, "y")
        label = points["NEO"] + ", " + points["date"].astype(str)
        name_nearest(axes, points.assign(label=label))
        label_periods(axes, selection.fetched[1].year)
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
        axes.step(distance[some], some + 1, where="post", color=_colour_of(passages))
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


def _draw_dots(axes: Axes, points: pd.DataFrame) -> None:
    """Draw a sign for each passage, and a legend if they are of several bodies."""
    by_body = points.groupby("body")
    for body, rows in by_body:
        colour, marker = sign_of(body)
        shades = rows["predicted"].map({True: lighter(colour), False: colour})
        axes.scatter(rows["x"], rows["y"], 8, color=shades, marker=marker, label=shown(body))
    if len(by_body) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _draw_density(axes: Axes, points: pd.DataFrame) -> None:
    """Draw how many passages are in each cell: of all bodies together, predicted ones lighter."""
    colour = _colour_of(points)
    bins = (
        np.linspace(points["year"].min(), points["year"].max() + 1, _CELLS),
        np.geomspace(points["y"].min(), 1.001 * points["y"].max(), _CELLS),
    )
    counts, *_ = np.histogram2d(points["x"], points["y"], bins)
    for is_predicted, darkest in ((False, colour), (True, lighter(colour))):
        rows = points[points["predicted"] == is_predicted]
        shades = LinearSegmentedColormap.from_list("", [lighter(lighter(darkest)), darkest])
        norm = LogNorm(0.5, max(1.0, counts.max()))
        axes.hist2d(rows["x"], rows["y"], bins, cmap=shades, norm=norm, rasterized=True)


def _colour_of(passages: pd.DataFrame) -> str:
    """Return the colour of the body passed, or that of text if there are several."""
    bodies = passages["body"].unique()
    return sign_of(bodies[0]).colour if len(bodies) == 1 else INK


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
