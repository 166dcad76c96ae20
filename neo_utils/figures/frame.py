"""What all figures share: title, axes, source, palette, a text in place of the picture."""

from collections.abc import Sequence
from textwrap import fill

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from neo_utils.store.selection import Selection

# Okabe and Ito's palette, told apart by colour-blind readers too: https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, BLACK, GREY = "#0072B2", "#E69F00", "#009E73", "#000000", "#555555"
# Decorates what draws: a user's matplotlib style must not change what a figure shows.
default_style = style.context("default")
_PREDICTED_ALPHA = 0.45
_TITLE_WIDTH = 95  # letters; more would be cut off at the figure's edge


def titled_axes(title: str, x: str, y: str, selection: Selection) -> tuple[Figure, Axes]:
    """Return an empty figure that says what it shows, in which units, of which NEOs, from where.

    Parameters
    ----------
    title
        What is shown; where it needs more than a line, the lines after it.
    x, y
        What the axes measure, and in which unit.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    lines = [*title.splitlines(), selection.neos_line]
    wrapped = "\n".join(fill(line, _TITLE_WIDTH) for line in lines)
    # A name of the service may hold "$", which would begin a formula.
    axes.set_title(wrapped, loc="left", fontsize=10.5, pad=26, parse_math=False)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    source = selection.source_line
    figure.supxlabel(source, x=0.01, ha="left", fontsize=8, color=GREY, parse_math=False)
    return figure, axes


def legend_above(axes: Axes, handles: Sequence[Artist] | None = None) -> None:
    """Put the legend between the title and the axes: of what has a label, or of these."""
    legend = axes.legend(
        handles=handles,
        frameon=False,
        ncols=8,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.3,
        columnspacing=1.0,
        handletextpad=0.4,
        fontsize=9,
    )
    legend.set_in_layout(False)  # else a long one makes the axes narrow


def draw_bars(
    axes: Axes, edges: ArrayLike, base: ArrayLike, top: ArrayLike, colour: str, label: str
) -> None:
    """Draw bars side by side, from base to top; what is labelled as predicted pale and hatched.

    As one shape: three hundred bars, each one of its own, take half a second. Hatched, since pale
    alone is hard to see, and is not pale where a page turns colours dark.
    """
    predicted = label.endswith("predicted")
    axes.stairs(
        top,
        edges,
        baseline=base,
        fill=True,
        facecolor=(colour, _PREDICTED_ALPHA if predicted else 1.0),
        edgecolor=colour,
        linewidth=0,
        hatch="/////" if predicted else None,
        label=label,
    )


def say_none(axes: Axes) -> None:
    """Write where the data would be that there are none; ticks would name values of nothing."""
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    axes.text(0.5, 0.5, "none listed", transform=axes.transAxes, ha="center", color=GREY)


def whole_years(axes: Axes) -> None:
    """Let the ticks of an axis of years stand at whole years, however few they are."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="x", useOffset=False)


def plain_log(axes: Axes, names: str) -> None:
    """Make axes that are drawn already logarithmic, with plain numbers: "x", "y" or "xy"."""
    axes.set(**{f"{name}scale": "log" for name in names})
    for name in names:
        axis = axes.xaxis if name == "x" else axes.yaxis
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1_000 * low else (1.0,)))
        axis.set_major_formatter("{x:,.10g}")
        axis.set_minor_locator(NullLocator())  # eight to a decade: half of the time of drawing


def describe(figure: Figure, text: str, selection: Selection) -> Figure:
    """Return the figure with a text for whoever does not see it: `presentation.show` hands it on.

    Parameters
    ----------
    text
        What kind of picture it is, and what is to be seen in it, with numbers.
    """
    figure.set_label(f"{text} {selection.neos_line}. {selection.source_line}.")
    return figure
