"""Count figures: passages per year and within a distance, and NEOs by first observation.

Each function takes passages as `neo_utils.explore.question.passages_of` returns them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from neo_utils.explore.question import Question
from neo_utils.figures.style import (
    BLUE,
    GREEN,
    ORANGE,
    CaptionedFigure,
    default_style,
    draw_bars,
    legend_above,
    mark_empty,
    titled_axes,
    use_log_scale,
    use_whole_years,
    with_alt_text,
)
from neo_utils.store.selection import Selection
from neo_utils.units import LUNAR_DISTANCES_PER_AU, UNITS

_AU_PER_LD = 1 / LUNAR_DISTANCES_PER_AU
_FEWEST_NEOS = 10


@default_style
def plot_per_year(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> CaptionedFigure:
    """Draw the number of passages per year, with predicted ones hatched."""
    figure, axes = titled_axes(
        f"Close approaches per year\n{question.in_words}",
        "year",
        "close approaches per year",
        selection,
    )
    years = np.arange(question.first_year, question.last_year + 1)
    predicted = passages["is_predicted"].to_numpy(dtype=bool)
    year = passages["year"].to_numpy()
    edges = np.append(years, years[-1] + 1)
    past, _ = np.histogram(year[~predicted], edges)
    future, _ = np.histogram(year[predicted], edges)
    draw_bars(axes, edges - 0.5, 0 * past, past, BLUE, "past")
    draw_bars(axes, edges - 0.5, past, past + future, BLUE, "predicted")
    axes.set_xlim(edges[0] - 0.5, edges[-1] - 0.5)
    use_whole_years(axes)
    if passages.empty:
        mark_empty(axes)
    legend_above(axes)
    text = (
        f"One bar per year: close approaches {question.in_words}. {past.sum():,} past, "
        f"{future.sum():,} predicted, at most {(past + future).max():,} in a year."
    )
    return with_alt_text(figure, text, selection)


@default_style
def plot_count_within(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> CaptionedFigure:
    """Draw the number of passages within a distance against that distance, both logarithmic."""
    figure, axes = titled_axes(
        f"Close approaches within a distance\n{question.in_words}",
        question.distance_label,
        "close approaches within (log scale)",
        selection,
    )
    distance = np.sort(passages["distance"].to_numpy())
    zeros = int((distance <= 0).sum())  # in data that an older version stored
    distance = distance[zeros:]
    count = np.arange(1, len(distance) + 1)
    some = np.unique(np.geomspace(1, max(len(distance), 1), 1_000).astype(int)) - 1
    some = some[some < len(distance)]
    axes.step(distance[some], count[some], where="post", color=BLUE, label="listed")
    fit = distance_law(passages, question.complete_to_au)
    if len(distance):
        if fit:
            law = f"r^{fit.exponent:.2f} ± {fit.error:.2f}, fitted"
            reach = np.geomspace(0.1, 1, 50) * question.complete_to_au * UNITS[question.unit][0]
            power = reach**fit.exponent
            # In the middle of all counts in this range, not through the last one.
            counts = np.maximum(np.searchsorted(distance, reach), 1)
            line = power * np.exp(np.mean(np.log(counts / power)))
            axes.plot(reach, line, color=ORANGE, linestyle="--", linewidth=1.5, label=law)
        use_log_scale(axes, "xy")
        axes.set_ylim(bottom=0.8)
        legend_above(axes)
    else:
        mark_empty(axes)
    nearer = int((passages["miss_distance_au"] < _AU_PER_LD).sum())
    than = "the Moon" if question.bodies == ("Earth",) else "a lunar distance to the body"
    text = (
        f"A rising line on two logarithmic axes: the number of close approaches within a distance, "
        f"{question.in_words}. {len(distance):,} in all, {nearer:,} closer than {than}."
        f"{f' Up to {question.shown(question.complete_to_au)} they grow as {law}.' if fit else ''}"
        f"{f' {zeros:,} with a distance of 0 are not drawn.' if zeros else ''}"
    )
    return with_alt_text(figure, text, selection)


class DistanceLaw(NamedTuple):
    """The number of passages within r as a power of r."""

    exponent: float
    error: float  # standard error


def distance_law(passages: pd.DataFrame, up_to_au: float) -> DistanceLaw | None:
    """Fit the power law N(<r) = n (r / up_to_au)^k to the passages up to a distance.

    Returns
    -------
    DistanceLaw or None
        None for passages of fewer than ten NEOs, which determine no exponent.

    Notes
    -----
    The most likely exponent is k = n / sum(ln(up_to_au / r)): Crawford, Jauncey and Murdoch,
    Astrophysical Journal 162, 405 (1970). Passages of one NEO are not independent, so its standard
    error is that of a ratio of sums over NEOs.

    Examples
    --------
    >>> au = np.sqrt(np.arange(1, 10_000) / 1e4)
    >>> even = pd.DataFrame({"miss_distance_au": au, "position": np.arange(len(au))})
    >>> law = distance_law(even, up_to_au=1)
    >>> f"{law.exponent:.2f} +- {law.error:.2f}"
    '2.00 +- 0.02'
    """
    au = passages["miss_distance_au"]
    within = passages[(au > 0) & (au < up_to_au)]
    logs = np.log(up_to_au / within["miss_distance_au"].to_numpy())
    by_neo = pd.Series(logs).groupby(within["position"].to_numpy()).agg(["size", "sum"])
    if len(by_neo) < _FEWEST_NEOS:
        return None
    exponent = len(within) / logs.sum()
    deviations = by_neo["size"] / len(within) - by_neo["sum"] / logs.sum()
    error = exponent * float(np.sqrt((deviations**2).sum()))
    return DistanceLaw(float(exponent), error)


@default_style
def plot_first_observations(
    passages: pd.DataFrame, question: Question, selection: Selection
) -> CaptionedFigure:
    """Draw the number of NEOs by the year of their first observation, each NEO once."""
    figure, axes = titled_axes(
        f"NEOs by the year of their first observation\nwith an approach {question.in_words}",
        "year of the first observation used in the orbit",
        "NEOs per year",
        selection,
    )
    neos = passages.drop_duplicates("position")
    # Coerce: data that an older version stored may contain a date that pandas cannot represent.
    observed = pd.to_datetime(neos["first_observation_date"], errors="coerce")
    years = observed.dt.year.dropna().astype(int)
    counts = years.value_counts().sort_index()
    axes.bar(counts.index, counts, 1.0, color=GREEN)
    use_whole_years(axes)
    if counts.empty:
        mark_empty(axes)
    most = f"the most in {counts.idxmax()} ({counts.max():,})" if len(counts) else "none"
    text = (
        f"One bar per year of first observation: NEOs with an approach {question.in_words}. "
        f"{counts.sum():,} of {len(neos):,} NEOs have a first observation, {most}."
    )
    return with_alt_text(figure, text, selection)
