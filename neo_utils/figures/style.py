"""The style of all figures: title, axes, source line, palette, alternative text."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from textwrap import fill
from typing import Any

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from neo_utils.store.selection import Selection

# Okabe and Ito's palette, distinguishable without colour vision: https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, BLACK, GREY = "#0072B2", "#E69F00", "#009E73", "#000000", "#555555"
# Decorator for plot functions: a user's matplotlib style must not change the figures.
default_style = style.context("default")
_PREDICTED_ALPHA = 0.45
_TITLE_SIZE = 10.5
_TITLE_WIDTH = 95  # characters; longer lines would be cut off at the figure's edge
_DPI = 120  # a little sharper than most screens; twice the resolution would double the size
_SHOWN_DPI = 96


class CaptionedFigure(Figure):
    """A figure with an alternative text, which notebooks show as a PNG."""

    @property
    def alt_text(self) -> str:
        """The kind of figure and what it shows, with numbers, range of NEOs and source."""
        return str(self.get_label())

    @property
    def png(self) -> bytes:
        """The figure as a PNG, drawn without the user's matplotlib settings."""
        content = BytesIO()
        default_style(self.savefig)(content, format="png", dpi=_DPI)
        return content.getvalue()

    @property
    def shown_width(self) -> int:
        """The width in CSS pixels."""
        return round(float(self.get_figwidth()) * _SHOWN_DPI)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, Any]]:
        data = {"image/png": b64encode(self.png).decode(), "text/plain": self.alt_text}
        return data, {"image/png": {"width": self.shown_width, "alt": self.alt_text}}


def titled_axes(title: str, x: str, y: str, selection: Selection) -> tuple[CaptionedFigure, Axes]:
    """Return an empty figure with title, axis labels, range of NEOs and source.

    Parameters
    ----------
    title
        One or more lines that state what is shown.
    x, y
        Axis labels, with units.
    """
    figure = _figure(selection)
    axes = figure.subplots()
    text = _title(title, selection)
    axes.set_title(text, loc="left", fontsize=_TITLE_SIZE, pad=26, parse_math=False)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def titled_figure(title: str, selection: Selection) -> CaptionedFigure:
    """Return an empty figure for several axes, with title, range of NEOs and source."""
    figure = _figure(selection)
    text = _title(title, selection)
    figure.suptitle(text, x=0.01, ha="left", fontsize=_TITLE_SIZE, parse_math=False)
    return figure


def _figure(selection: Selection) -> CaptionedFigure:
    figure = CaptionedFigure(figsize=(9, 4.5), layout="constrained")
    # Names from the service may contain "$", which would start a formula.
    source = selection.source_line
    figure.supxlabel(source, x=0.01, ha="left", fontsize=8, color=GREY, parse_math=False)
    return figure


def _title(title: str, selection: Selection) -> str:
    lines = [*title.splitlines(), selection.neos_line]
    return "\n".join(fill(line, _TITLE_WIDTH) for line in lines)


def legend_above(axes: Axes, handles: Sequence[Artist] | None = None) -> None:
    """Add a legend between title and axes, of all labelled artists or of ``handles``."""
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
    legend.set_in_layout(False)  # otherwise a long legend narrows the axes


def draw_bars(
    axes: Axes, edges: ArrayLike, base: ArrayLike, top: ArrayLike, colour: str, label: str
) -> None:
    """Draw adjacent bars from base to top; pale and hatched if the label ends with "predicted".

    They are a single shape, because 300 separate bars take half a second. The hatch remains visible
    in print and on dark pages.
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


def mark_empty(axes: Axes) -> None:
    """Remove the ticks and write "none listed" in the middle of the axes."""
    axes.tick_params(bottom=False, left=False, labelbottom=False, labelleft=False)
    axes.text(0.5, 0.5, "none listed", transform=axes.transAxes, ha="center", color=GREY)


def empty_figure(
    figure: CaptionedFigure, axes: Axes, reason: str, selection: Selection
) -> CaptionedFigure:
    """Return the figure with marked axes and the reason as its alternative text."""
    mark_empty(axes)
    return with_alt_text(figure, f"An empty figure: {reason}.", selection)


def use_whole_years(axes: Axes) -> None:
    """Put the ticks of the x axis at whole years, even if it covers only a few."""
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.ticklabel_format(axis="x", useOffset=False)


def use_log_scale(axes: Axes, names: str) -> None:
    """Make drawn axes ("x", "y" or "xy") logarithmic, labelled with plain numbers."""
    axes.set(**{f"{name}scale": "log" for name in names})
    for name in names:
        axis = axes.xaxis if name == "x" else axes.yaxis
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1_000 * low else (1.0,)))
        axis.set_major_formatter("{x:,.10g}")
        axis.set_minor_locator(NullLocator())  # minor ticks would double the drawing time


def with_alt_text(figure: CaptionedFigure, text: str, selection: Selection) -> CaptionedFigure:
    """Return the figure with an alternative text.

    Parameters
    ----------
    text
        The kind of figure and what it shows, with numbers.
    """
    figure.set_label(f"{text} {selection.neos_line}. {selection.source_line}.")
    return figure
