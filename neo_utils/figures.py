"""Figures of the yearly statistics; each says what it shows, in which unit, from which source."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from neo_utils.selection import Selection

LUNAR_DISTANCES_PER_AU = 389  # as NeoWs converts them (CNEOS: 1 LD = 384,400 km = AU / 389.17)

# Okabe and Ito's palette, told apart by colour-blind readers too: https://jfly.uni-koeln.de/color/
_EARTH, _OTHER, _MARK = "#0072B2", "#E69F00", "#555555"
_PREDICTED_ALPHA = 0.45


def plot_approaches_per_year(yearly: pd.DataFrame, selection: Selection) -> Figure:
    """Draw the listed approaches per year: Earth and other bodies, past and predicted.

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.
    """
    figure, axes = _axes(
        "Close approaches per year, to any body, at any listed distance",
        "close approaches per year",
        selection,
    )
    is_earth = yearly["orbiting_body"] == "Earth"
    years = pd.Index(range(yearly["year"].min(), yearly["year"].max() + 1))
    base = pd.Series(0, index=years)
    for label, colour, rows in (
        ("to Earth", _EARTH, yearly[is_earth]),
        ("to other bodies", _OTHER, yearly[~is_earth]),
    ):
        counts = rows.groupby("year")[["close_approaches", "predicted"]].sum()
        counts = counts.reindex(years, fill_value=0)
        past = counts["close_approaches"] - counts["predicted"]
        axes.bar(years, past, 1.0, base, color=colour, label=label)
        axes.bar(
            years,
            counts["predicted"],
            1.0,
            base + past,
            color=colour,
            alpha=_PREDICTED_ALPHA,
            label=f"{label}, predicted",
        )
        base = base + counts["close_approaches"]
    axes.set_xlim(years[0] - 0.5, years[-1] + 0.5)
    axes.set_ylim(0, 1.05 * float(base.max()))
    _legend_above(axes)
    return figure


def plot_nearest_per_year(yearly: pd.DataFrame, selection: Selection) -> Figure:
    """Draw the smallest miss distance to Earth of every year, in lunar distances (log scale).

    Parameters
    ----------
    yearly
        The yearly statistics, a row per year and body.
    """
    figure, axes = _axes(
        "Nearest listed approach to Earth in each year",
        "miss distance (lunar distances, log scale)",
        selection,
    )
    earth = yearly[yearly["orbiting_body"] == "Earth"]
    distance = earth["nearest_miss_distance_au"] * LUNAR_DISTANCES_PER_AU
    predicted = earth["year"] > selection.fetched[1].year
    axes.scatter(
        earth["year"][~predicted],
        distance[~predicted],
        14,
        _EARTH,
        label="up to the year of the fetch",
    )
    axes.scatter(
        earth["year"][predicted],
        distance[predicted],
        14,
        facecolors="none",
        edgecolors=_EARTH,
        label="predicted",
    )
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.axhline(1, color=_MARK, linewidth=1, linestyle="--", label="distance of the Moon")
    _legend_above(axes)
    return figure


def _axes(title: str, unit: str, selection: Selection) -> tuple[Figure, Axes]:
    """Return an empty figure with what every figure carries: definition, unit, fetch, source."""
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    positions = selection.positions
    axes.set_title(
        f"{title}\nNEOs at positions {positions.start} to {positions.end or 'the last'}",
        loc="left",
        fontsize=11,
        pad=26,
    )
    axes.set_xlabel("year (UTC)")
    axes.set_ylabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(selection.source_line, x=0.01, ha="left", fontsize=8, color=_MARK)
    # Shown once, by the cell that it is the result of.
    plt.close(figure)
    return figure, axes


def _legend_above(axes: Axes) -> None:
    axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3)
