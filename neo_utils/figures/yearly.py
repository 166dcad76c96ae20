"""Figures of the yearly statistics: approaches per year, and the nearest to Earth."""

import pandas as pd

from neo_utils.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    CaptionedFigure,
    default_style,
    draw_bars,
    legend_above,
    mark_empty,
    titled_axes,
    use_log_scale,
    with_alt_text,
)
from neo_utils.statistics.definitions import LUNAR_DISTANCES_PER_AU
from neo_utils.store.selection import Selection


def approaches_per_year(yearly: pd.DataFrame) -> pd.DataFrame:
    """Return the listed approaches per year: to Earth and to other bodies, past and predicted.

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.

    Returns
    -------
    DataFrame
        A row for each year from the first to the last, with four columns of counts. No rows if
        nothing is listed.

    Examples
    --------
    A year without approaches is a row of zeros:

    >>> yearly = pd.DataFrame(
    ...     {
    ...         "year": [2025, 2027],
    ...         "orbiting_body": ["Earth", "Venus"],
    ...         "close_approaches": [5, 2],
    ...         "predicted": [0, 2],
    ...     }
    ... )
    >>> approaches_per_year(yearly).to_dict("index")[2026]
    {'to Earth': 0, 'to Earth, predicted': 0, 'to other bodies': 0, 'to other bodies, predicted': 0}
    >>> approaches_per_year(yearly)["to other bodies, predicted"].to_dict()
    {2025: 0, 2026: 0, 2027: 2}
    """
    listed = yearly["year"]
    bounds = (listed.min(), listed.max() + 1) if len(listed) else (0, 0)
    years = pd.RangeIndex(*bounds, name="year")
    is_earth = yearly["orbiting_body"] == "Earth"
    columns = {}
    for label, rows in (("to Earth", yearly[is_earth]), ("to other bodies", yearly[~is_earth])):
        counts = rows.groupby("year")[["close_approaches", "predicted"]].sum()
        counts = counts.reindex(years, fill_value=0)
        columns[label] = counts["close_approaches"] - counts["predicted"]
        columns[f"{label}, predicted"] = counts["predicted"]
    return pd.DataFrame(columns)


@default_style
def plot_approaches_per_year(per_year: pd.DataFrame, selection: Selection) -> CaptionedFigure:
    """Draw the table of `approaches_per_year` as stacked bars."""
    figure, axes = titled_axes(
        "Close approaches per year, past and predicted, to any body, at any listed distance",
        "year",
        "close approaches per year",
        selection,
    )
    if per_year.empty:
        mark_empty(axes)
        return with_alt_text(figure, "An empty figure: no close approach is listed.", selection)
    base = pd.Series(0, index=per_year.index)
    edges = [*(per_year.index - 0.5), per_year.index[-1] + 0.5]
    for label in map(str, per_year):
        top = base + per_year[label]
        colour = BLUE if "Earth" in label else ORANGE
        draw_bars(axes, edges, base, top, colour, label)
        base = top
    axes.set_xlim(per_year.index[0] - 0.5, per_year.index[-1] + 0.5)
    axes.set_ylim(0, 1.05 * float(base.max()))
    legend_above(axes)
    sums = ", ".join(f"{count:,} {label}" for label, count in per_year.sum().items())
    return with_alt_text(
        figure,
        f"Stacked bars of the listed close approaches per year, from {per_year.index[0]} to "
        f"{per_year.index[-1]}: {sums}. The fewest in a year are {base.min():,} ({base.idxmin()}), "
        f"the most {base.max():,} ({base.idxmax()}).",
        selection,
    )


def nearest_per_year(yearly: pd.DataFrame, selection: Selection) -> pd.DataFrame:
    """Return the smallest miss distance to Earth of every year that has an approach to Earth.

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.

    Returns
    -------
    DataFrame
        By year: the distance in lunar distances and in AU, the NEO's id, and whether the year is
        after that of the fetch, so all its approaches are predicted. For the year of the fetch
        itself, the statistics do not show whether the nearest approach is past or predicted.
    """
    earth = yearly[yearly["orbiting_body"] == "Earth"].set_index("year")
    distance_au = earth["nearest_miss_distance_au"]
    return pd.DataFrame(
        {
            "miss_distance_lunar": distance_au * LUNAR_DISTANCES_PER_AU,
            "miss_distance_au": distance_au,
            "neo_id": earth["nearest_neo_id"],
            "after_year_of_fetch": earth.index > selection.fetched[1].year,
        }
    )


@default_style
def plot_nearest_per_year(nearest: pd.DataFrame, selection: Selection) -> CaptionedFigure:
    """Draw the table of `nearest_per_year` on a logarithmic axis."""
    figure, axes = titled_axes(
        "Nearest approach to Earth in each year, past and predicted, at any listed distance",
        "year",
        "miss distance (lunar distances, log scale)",
        selection,
    )
    if nearest.empty:
        mark_empty(axes)
        return with_alt_text(figure, "An empty figure: no approach to Earth is listed.", selection)
    last = selection.fetched[1].year
    for later, label in ((False, f"up to {last}"), (True, f"after {last}: all predicted")):
        some = nearest[nearest["after_year_of_fetch"] == later]
        face = "none" if later else BLUE
        axes.scatter(
            some.index,
            some["miss_distance_lunar"],
            14,
            facecolors=face,
            edgecolors=BLUE,
            label=label,
        )
    use_log_scale(axes, "y")
    axes.axhline(1, color=GREY, linewidth=1, linestyle="--", label="distance of the Moon")
    legend_above(axes)
    distance = nearest["miss_distance_lunar"]
    return with_alt_text(
        figure,
        f"One point per year for the nearest listed approach to Earth, past or predicted, in lunar "
        f"distances on a logarithmic axis: from {distance.min():.3g} ({distance.idxmin()}) to "
        f"{distance.max():.3g} ({distance.idxmax()}). {(distance < 1).sum()} of {len(nearest)} are "
        "closer than the Moon.",
        selection,
    )
