"""Figures of the yearly statistics: approaches per year to Earth and others, and the nearest."""

from collections.abc import Iterable
from itertools import zip_longest

import pandas as pd

from neo_utils.figures.labels import (
    empty_figure,
    label_above,
    label_line,
    label_periods,
    name_nearest,
)
from neo_utils.figures.palette import BLUE, INK, ORANGE, lighter, sign_of
from neo_utils.figures.style import (
    CaptionedFigure,
    default_style,
    draw_years,
    titled_axes,
    titled_figure,
    use_log_scale,
    use_whole_years,
    with_alt_text,
)
from neo_utils.limits import LISTED_WITHIN_AU, body_name
from neo_utils.store.selection import Selection
from neo_utils.text import shown
from neo_utils.units import LUNAR_DISTANCES_PER_AU

_MEAN_YEARS = 11  # of the running mean


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
    """Draw the table of `approaches_per_year` as stacked bars, with a running mean."""
    counts, fetch_year = per_year.sum(axis=1), selection.fetched[1].year
    # Of each period alone: what was found while it passed makes a step between them.
    means = [_mean(counts[counts.index < fetch_year]), _mean(counts[counts.index > fetch_year])]
    line = f" Line: mean of {_MEAN_YEARS} years, before and after the year of the fetch."
    figure, axes = titled_axes(
        "How often do NEOs pass close to Earth?",
        f"Listed close approaches to Earth, closer than {threshold_au} AU, in each calendar year; "
        "those after the day of the fetch are predicted."
        f"{line if any(map(len, means)) else ''}",
        "year",
        "close approaches per year",
        selection,
    )
    if not per_year.to_numpy().any():
        reason = f"no approach to Earth closer than {threshold_au} AU is listed"
        return empty_figure(figure, axes, reason, selection)
    draw_years(axes, per_year, BLUE)
    past, predicted = per_year.sum()
    drawn = [mean for mean in means if len(mean)]
    for mean in drawn:
        axes.plot(mean.index, mean, color=ORANGE, linewidth=2)
    if drawn:
        label_line(axes, "mean", drawn[-1].index[-1] + _MEAN_YEARS // 2, drawn[-1].iloc[-1])
    label_periods(axes, fetch_year)
    most = f"most: {counts.max():,} in {counts.idxmax()}"
    label_above(axes, most, counts.idxmax(), counts.max())
    return with_alt_text(
        figure,
        f"Stacked bars of the listed close approaches to Earth per year, closer than "
        f"{threshold_au} AU, from {counts.index[0]} to {counts.index[-1]}: {past:,} past, "
        f"{predicted:,} predicted. The fewest in a year are {counts.min():,} ({counts.idxmin()}), "
        f"the most {counts.max():,} ({counts.idxmax()}).",
        selection,
    )


def _mean(counts: pd.Series) -> pd.Series:
    """Return the running mean, which shows the trend that single years hide."""
    return counts.rolling(_MEAN_YEARS, center=True).mean().dropna()


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
        "How often do NEOs pass other bodies?",
        "Listed close approaches to each body in each calendar year; predicted ones are "
        "lighter. Each body is listed up to its own distance, so do not compare the panels.",
        selection,
    )
    if not bodies:
        reason = "no approach to another body is listed"
        return empty_figure(figure, figure.subplots(), reason, selection)
    columns = min(3, len(bodies))
    rows = -(-len(bodies) // columns)
    figure.set_size_inches(figure.get_figwidth(), max(figure.get_figheight(), 1.6 * rows + 1.3))
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for axes, body in zip_longest(grid.flat, bodies):
        if body is None:
            axes.remove()
            continue
        limit_au = LISTED_WITHIN_AU.get(body)
        limit = f"up to {limit_au} AU" if limit_au else "limit unknown"
        title = f"{shown(body_name(body))}, {limit}"
        axes.set_title(title, loc="left", fontsize=10, parse_math=False)
        draw_years(axes, _of_body(per_body, body), sign_of(body_name(body)).colour)
        axes.tick_params(labelbottom=True)
    figure.supylabel("close approaches per year", fontsize=10)
    totals = {body: _of_body(per_body, body).to_numpy().sum() for body in bodies}
    sums = ", ".join(f"{count:,} to {body_name(body)}" for body, count in totals.items())
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
    listed = yearly["nearest_miss_distance_au"] > 0  # an older version stored zeros
    earth = yearly[(yearly["orbiting_body"] == "Earth") & listed].set_index("year")
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
        "How near does the nearest one come?",
        "The nearest listed approach to Earth of each calendar year, at any listed distance; those "
        "after the day of the fetch are predicted. One lunar distance (LD) is 1/389 AU.",
        "year",
        "miss distance (LD, log scale)",
        selection,
    )
    if nearest.empty:
        return empty_figure(figure, axes, "no approach to Earth is listed", selection)
    colour = nearest["is_predicted"].map({True: lighter(BLUE), False: BLUE})
    axes.scatter(nearest.index, nearest["miss_distance_lunar"], 14, color=colour)
    use_whole_years(axes, nearest.index.min(), nearest.index.max())
    axes.axhline(1, color=INK, linewidth=0.8, linestyle="--")
    use_log_scale(axes, "y")
    distance, years = nearest["miss_distance_lunar"], nearest.index
    label = nearest["name"] + ", " + years.astype(str)
    named = name_nearest(axes, pd.DataFrame({"x": years, "y": distance, "label": label}))
    label_line(axes, "Moon's\ndistance", axes.get_xlim()[1], 1)
    label_periods(axes, selection.fetched[1].year)
    return with_alt_text(
        figure,
        f"One point per year for the nearest listed approach to Earth, past or predicted, in lunar "
        f"distances on a logarithmic axis: from {distance.min():.3g} ({distance.idxmin()}) to "
        f"{distance.max():.3g} ({distance.idxmax()}). {(distance < 1).sum()} of {len(nearest)} are "
        f"closer than the Moon. The named ones: {'; '.join(named)}.",
        selection,
    )
