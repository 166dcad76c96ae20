"""Figures of the yearly statistics: approaches per year to Earth and others, and the nearest."""

from collections.abc import Iterable
from itertools import zip_longest

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from neo_utils.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    CaptionedFigure,
    default_style,
    draw_bars,
    empty_figure,
    legend_above,
    titled_axes,
    titled_figure,
    use_log_scale,
    with_alt_text,
)
from neo_utils.limits import LISTED_WITHIN_AU
from neo_utils.store.selection import Selection
from neo_utils.text import printable
from neo_utils.units import LUNAR_DISTANCES_PER_AU

_NAMED = 3  # nearest passages with their name in the figure
_WIDTH_YEARS, _HEIGHT = 150, 1.3  # of a name, on the two axes


def approaches_per_year(yearly: pd.DataFrame) -> pd.DataFrame:
    """Return the approaches to Earth under the threshold in each year, past and predicted.

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.

    Returns
    -------
    DataFrame
        A row for each year from the first to the last of any approach, with two columns of counts.
        No rows if nothing is listed.

    Examples
    --------
    A year without approaches is a row of zeros:

    >>> yearly = pd.DataFrame(
    ...     {
    ...         "year": [2025, 2027],
    ...         "orbiting_body": ["Earth", "Earth"],
    ...         "close_approaches_under_threshold": [5, 2],
    ...         "predicted_under_threshold": [0, 2],
    ...     }
    ... )
    >>> approaches_per_year(yearly).to_dict("index")
    {2025: {'past': 5, 'predicted': 0}, 2026: {'past': 0, 'predicted': 0}, \
2027: {'past': 0, 'predicted': 2}}
    """
    earth = yearly[yearly["orbiting_body"] == "Earth"].set_index("year")
    under = earth["close_approaches_under_threshold"].reindex(_years(yearly), fill_value=0)
    predicted = earth["predicted_under_threshold"].reindex(_years(yearly), fill_value=0)
    return pd.DataFrame({"past": under - predicted, "predicted": predicted}).astype("int64")


def _years(yearly: pd.DataFrame) -> pd.RangeIndex:
    listed = yearly["year"]
    bounds = (listed.min(), listed.max() + 1) if len(listed) else (0, 0)
    return pd.RangeIndex(*bounds, name="year")


@default_style
def plot_approaches_per_year(
    per_year: pd.DataFrame, selection: Selection, threshold_au: float
) -> CaptionedFigure:
    """Draw the table of `approaches_per_year` as stacked bars."""
    figure, axes = titled_axes(
        f"Close approaches to Earth per year, closer than {threshold_au} AU, past and predicted",
        "year",
        "close approaches per year",
        selection,
    )
    if not per_year.to_numpy().any():
        reason = f"no approach to Earth closer than {threshold_au} AU is listed"
        return empty_figure(figure, axes, reason, selection)
    _draw_years(axes, per_year, BLUE)
    axes.set_ylim(0, 1.05 * float(per_year.sum(axis=1).max()))
    legend_above(axes)
    counts, (past, predicted) = per_year.sum(axis=1), per_year.sum()
    return with_alt_text(
        figure,
        f"Stacked bars of the listed close approaches to Earth per year, closer than "
        f"{threshold_au} AU, from {counts.index[0]} to {counts.index[-1]}: {past:,} past, "
        f"{predicted:,} predicted. The fewest in a year are {counts.min():,} ({counts.idxmin()}), "
        f"the most {counts.max():,} ({counts.idxmax()}).",
        selection,
    )


def _draw_years(axes: Axes, per_year: pd.DataFrame, colour: str) -> None:
    base = pd.Series(0, index=per_year.index)
    edges = [*(per_year.index - 0.5), per_year.index[-1] + 0.5]
    for label in map(str, per_year):
        top = base + per_year[label]
        draw_bars(axes, edges, base, top, colour, label)
        base = top
    axes.set_xlim(edges[0], edges[-1])


def other_bodies_per_year(yearly: pd.DataFrame) -> pd.DataFrame:
    """Return the listed approaches to each body except Earth in each year, past and predicted.

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.

    Returns
    -------
    DataFrame
        A row for each year from the first to the last of any approach, with two columns per body,
        such as "Venus, past" and "Venus, predicted". Each body has a listing limit of its own, so
        the counts of different bodies cannot be compared.
    """
    others = yearly[yearly["orbiting_body"] != "Earth"].set_index(["orbiting_body", "year"])
    columns = {}
    for body in _in_order(others.index.unique("orbiting_body")):
        counts = others.loc[body].reindex(_years(yearly), fill_value=0)
        columns[f"{body}, past"] = counts["close_approaches"] - counts["predicted"]
        columns[f"{body}, predicted"] = counts["predicted"]
    return pd.DataFrame(columns, index=_years(yearly)).astype("int64")


def _in_order(bodies: Iterable[str]) -> list[str]:
    known = [*LISTED_WITHIN_AU]
    return sorted(
        bodies, key=lambda body: (known.index(body) if body in known else len(known), body)
    )


@default_style
def plot_other_bodies(per_body: pd.DataFrame, selection: Selection) -> CaptionedFigure:
    """Draw the table of `other_bodies_per_year`, each body on axes of its own."""
    bodies = list(dict.fromkeys(name.rpartition(", ")[0] for name in per_body))
    figure = titled_figure(
        "Close approaches to other bodies per year, past and predicted, each up to its limit",
        selection,
    )
    if not bodies:
        reason = "no approach to another body is listed"
        return empty_figure(figure, figure.subplots(), reason, selection)
    columns = min(3, len(bodies))
    grid = figure.subplots(-(-len(bodies) // columns), columns, sharex=True, squeeze=False)
    for axes, body in zip_longest(grid.flat, bodies):
        if body is None:
            axes.remove()
            continue
        limit_au = LISTED_WITHIN_AU.get(body)
        name = f"{body}, listed to {limit_au} AU" if limit_au else f"{body}, limit unknown"
        axes.set_title(name, loc="left", fontsize=9, parse_math=False)
        _draw_years(axes, _of_body(per_body, body), ORANGE)
        axes.tick_params(labelbottom=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.supylabel("close approaches per year", fontsize=9)
    legend = figure.axes[0].get_legend_handles_labels()
    figure.legend(*legend, loc="outside upper right", ncols=2, frameon=False, fontsize=9)
    totals = {body: _of_body(per_body, body).to_numpy().sum() for body in bodies}
    sums = ", ".join(f"{count:,} to {body}" for body, count in totals.items())
    return with_alt_text(
        figure,
        f"Bars of the listed close approaches per year, one panel per body: {sums}. Each body has "
        "its own listing limit.",
        selection,
    )


def _of_body(per_body: pd.DataFrame, body: str) -> pd.DataFrame:
    return pd.DataFrame({kind: per_body[f"{body}, {kind}"] for kind in ("past", "predicted")})


def nearest_per_year(yearly: pd.DataFrame) -> pd.DataFrame:
    """Return the smallest miss distance to Earth of every year that has an approach to Earth.

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.

    Returns
    -------
    DataFrame
        By year: the distance in lunar distances and in AU, the NEO's name, the date of the
        approach, and whether it is predicted: dated after the day of the fetch.
    """
    earth = yearly[yearly["orbiting_body"] == "Earth"].set_index("year")
    distance_au = earth["nearest_miss_distance_au"]
    return pd.DataFrame(
        {
            "miss_distance_lunar": distance_au * LUNAR_DISTANCES_PER_AU,
            "miss_distance_au": distance_au,
            "name": earth["nearest_neo_name"].fillna(earth["nearest_neo_id"]),
            "date": earth["nearest_close_approach_date"],
            "is_predicted": earth["nearest_is_predicted"],
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
        return empty_figure(figure, axes, "no approach to Earth is listed", selection)
    for is_predicted, label in ((False, "past"), (True, "predicted")):
        some = nearest[nearest["is_predicted"] == is_predicted]
        face = "none" if is_predicted else BLUE
        axes.scatter(
            some.index,
            some["miss_distance_lunar"],
            14,
            facecolors=face,
            edgecolors=BLUE,
            label=label,
        )
    use_log_scale(axes, "y")
    named = _apart(nearest)
    for year, row in named.iterrows():
        _name_point(axes, int(year), row)
    axes.axhline(1, color=GREY, linewidth=1, linestyle="--", label="distance of the Moon")
    legend_above(axes)
    distance = nearest["miss_distance_lunar"]
    names = ", ".join(f"{name} in {year}" for year, name in named["name"].items())
    return with_alt_text(
        figure,
        f"One point per year for the nearest listed approach to Earth, past or predicted, in lunar "
        f"distances on a logarithmic axis: from {distance.min():.3g} ({distance.idxmin()}) to "
        f"{distance.max():.3g} ({distance.idxmax()}). {(distance < 1).sum()} of {len(nearest)} are "
        f"closer than the Moon. The named ones: {names}.",
        selection,
    )


def _apart(nearest: pd.DataFrame) -> pd.DataFrame:
    """Return the nearest of all years, without those whose name would cover another name."""
    chosen: list[int] = []
    distance = nearest["miss_distance_lunar"]
    for year in distance.nsmallest(4 * _NAMED).index:
        beside = [one for one in chosen if abs(one - year) < _WIDTH_YEARS]
        if all(distance[year] > _HEIGHT * distance[one] for one in beside):
            chosen.append(year)
    return nearest.loc[chosen[:_NAMED]]


def _name_point(axes: Axes, year: int, row: pd.Series) -> None:
    """Write the name of a NEO beside its point, on the right if it has room there."""
    first, last = axes.get_xlim()
    is_left = year < last - (last - first) / 4
    axes.annotate(
        printable(f"{row['name']}, {year}"),
        (year, row["miss_distance_lunar"]),
        xytext=(5 if is_left else -5, -3),
        textcoords="offset points",
        ha="left" if is_left else "right",
        fontsize=8,
        parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )
