"""Figures of the NEOs themselves: how many are known, and how they were found."""

import pandas as pd

from neo_utils.figures.labels import empty_figure, label_line
from neo_utils.figures.palette import BLUE, GREEN
from neo_utils.figures.style import (
    CaptionedFigure,
    default_style,
    titled_axes,
    use_whole_counts,
    use_whole_years,
    with_alt_text,
)
from neo_utils.store.selection import Selection

# From large to small. The statistics name the classes: neo_utils/statistics/sql/counted.sql.
_LINES = {
    "H at most 17.75": "-",
    "H above 17.75, at most 22": "--",
    "H above 22": "-.",
    "H unknown": ":",
}
_SHOWN_YEARS = 50  # before and after the first observation


@default_style
def plot_first_observations(first: pd.DataFrame, selection: Selection) -> CaptionedFigure:
    """Draw the table of `first_observations`: the NEOs observed up to each year, by size class."""
    figure, axes = titled_axes(
        "When were these NEOs first seen?",
        "NEOs observed up to each year, by the first observation that their orbit uses, and by "
        "size: H of 17.75 is about 1 km, 22 about 140 m, if the albedo is 0.14.",
        "year of the first observation",
        "NEOs observed so far",
        selection,
    )
    if first.empty:
        return empty_figure(figure, axes, "no first observation is listed", selection)
    last = max(selection.fetched[1].year, first["year"].max())
    for name, line in _LINES.items():
        some = first[first["size_class"] == name]
        if len(some):
            years, neos = [*some["year"], last], [*some["neos_so_far"], some["neos_so_far"].iat[-1]]
            axes.step(years, neos, where="post", color=GREEN, linestyle=line, label=name)
            label_line(axes, name.replace(", ", ",\n"), last, neos[-1])
    use_whole_years(axes, first["year"].min(), last)
    axes.set_ylim(bottom=0)
    use_whole_counts(axes)
    found = first.groupby("size_class")["neos"].sum()
    sums = ", ".join(f"{found[name]:,} with {name}" for name in _LINES if name in found)
    text = f"Rising steps, one line per size class, from {first['year'].min()} to {last}: {sums}."
    return with_alt_text(figure, text, selection)


@default_style
def plot_since_first_observation(
    since: pd.DataFrame, selection: Selection, threshold_au: float
) -> CaptionedFigure:
    """Draw the table of `since_first_observation` around the year of the first observation."""
    figure, axes = titled_axes(
        "Were they found because they passed?",
        f"Listed close approaches to Earth, closer than {threshold_au} AU, past and predicted, per "
        "NEO and year, by calendar years since the NEO's first observation.",
        "years since the first observation",
        "approaches per NEO and year",
        selection,
    )
    years = pd.RangeIndex(-_SHOWN_YEARS, _SHOWN_YEARS + 1)
    shown = since.set_index("years_since").reindex(years)  # NaN where no NEO has such a year
    rates = shown["approaches_per_neo_and_year"].astype(float)
    if not rates.fillna(0).any():
        reason = (
            f"no approach to Earth closer than {threshold_au} AU is listed within {_SHOWN_YEARS} "
            "years of a first observation"
        )
        return empty_figure(figure, axes, reason, selection)
    axes.bar(years, rates, 1.0, color=BLUE)
    use_whole_years(axes, years[0], years[-1])
    label_line(axes, "year of the first observation", 0.5, rates[0])
    others = shown.drop(0)[["approaches", "listed_years"]].sum()
    mean = others["approaches"] / others["listed_years"] if others["approaches"] else 0.0
    ratio = f", {rates[0] / mean:.1f} times the mean of the others" if mean else ""
    text = (
        f"One bar per year, {_SHOWN_YEARS} before and after the first observation: approaches to "
        f"Earth closer than {threshold_au} AU per NEO and year. In the year of the first "
        f"observation there are {rates[0]:.3g}{ratio}."
    )
    return with_alt_text(figure, text, selection)
