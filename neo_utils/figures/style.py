"""The style of all figures: title, caption, axes, alternative text."""

import re
from base64 import b64encode
from io import BytesIO
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from neo_utils.figures.palette import INK, lighter
from neo_utils.store.selection import Selection
from neo_utils.text import printable

_INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
_RC: dict[str, Any] = {
    **dict.fromkeys(_INKED, INK),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "neo_utils",  # the same data gives the same bytes
}
_COORDINATE = re.compile(r"\b([1-9]\d*\.\d\d)\d{4}\b")  # as Matplotlib writes it
_CAPTION_WIDTH = 115  # characters; longer lines would be cut off at the figure's edge
_FEWEST_YEARS = 10  # on an axis: a single year would be a wall
_PNG_DPI = 120  # a little sharper than most screens
_SHOWN_DPI = 96
# Decorator for plot functions: a user's matplotlib style must not change the figures.
default_style = style.context(["default", _RC])


class CaptionedFigure(Figure):
    """A figure with an alternative text, which notebooks show as SVG.

    A notebook also contains it as PNG, because JupyterLab shows no SVG in a notebook that it does
    not trust, such as one that was executed elsewhere.
    """

    @property
    def alt_text(self) -> str:
        """The kind of figure and what it shows, with numbers, range of NEOs and source."""
        return str(self.get_label())

    @property
    def svg(self) -> str:
        """The figure as SVG, with coordinates to a hundredth of a point."""
        svg = self._saved("svg", metadata={"Title": self.alt_text, "Date": None}).decode()
        return _COORDINATE.sub(r"\1", svg)

    @property
    def png(self) -> bytes:
        """The figure as PNG."""
        return self._saved("png", dpi=_PNG_DPI)

    @default_style
    def _saved(self, kind: str, **how: Any) -> bytes:  # noqa: ANN401 - savefig's options
        content = BytesIO()
        self.savefig(content, format=kind, transparent=True, **how)
        return content.getvalue()

    @property
    def shown_width(self) -> int:
        """The width in CSS pixels."""
        return round(float(self.get_figwidth()) * _SHOWN_DPI)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, Any]]:
        png = b64encode(self.png).decode()
        data = {"image/svg+xml": self.svg, "image/png": png, "text/plain": self.alt_text}
        shown = {"width": self.shown_width, "alt": self.alt_text}
        return data, {"image/svg+xml": shown, "image/png": shown}


def titled_figure(title: str, caption: str, selection: Selection) -> CaptionedFigure:
    """Return an empty figure with a title above and a caption below.

    Parameters
    ----------
    title
        One short line: the question that the figure answers.
    caption
        The definition of what is shown, in sentences. The range of NEOs, the source and the time of
        the fetch are added.
    """
    figure = CaptionedFigure(figsize=(9, 4.5), layout="constrained")
    # Names from the service may contain "$", which would start a formula.
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, weight="bold", parse_math=False)
    lines = (f"{caption} {selection.neos_line}.", f"{selection.source_line}.")
    text = "\n".join(fill(printable(" ".join(line.split())), _CAPTION_WIDTH) for line in lines)
    figure.supxlabel(text, x=0.01, ha="left", fontsize=9, parse_math=False)
    return figure


def titled_axes(
    title: str, caption: str, x: str, y: str, selection: Selection
) -> tuple[CaptionedFigure, Axes]:
    """Return a figure as `titled_figure` does, with axes.

    Parameters
    ----------
    x, y
        Axis labels, with units.
    """
    figure = titled_figure(title, caption, selection)
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def draw_years(axes: Axes, per_year: pd.DataFrame, colour: str) -> None:
    """Draw stacked bars of counts, a row per year with the columns past and predicted (lighter).

    Each column is a single shape, because 300 separate bars take half a second.
    """
    years = per_year.index
    base = pd.Series(0, index=years)
    for label, shade in (("past", colour), ("predicted", lighter(colour))):
        counted = per_year.index[per_year[label] > 0]
        if len(counted):
            span = slice(counted[0], counted[-1])
            bottom = base.loc[span]
            edges = [*(bottom.index - 0.5), counted[-1] + 0.5]
            top = bottom + per_year.loc[span, label]
            axes.stairs(top, edges, baseline=bottom, fill=True, color=shade, label=label)
        base = base + per_year[label]
    use_whole_years(axes, years[0], years[-1])
    axes.set_ylim(0, max(1.0, 1.08 * float(base.max())))
    use_whole_counts(axes)


def use_whole_counts(axes: Axes) -> None:
    """Put the ticks of the vertical axis at whole numbers."""
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.yaxis.set_major_formatter("{x:,.0f}")


def use_whole_years(axes: Axes, first: int, last: int) -> None:
    """Show these years, at least ten, with ticks at whole ones."""
    padding = max(0.0, (_FEWEST_YEARS - 1 - (last - first)) / 2)
    axes.set_xlim(first - 0.5 - padding, last + 0.5 + padding)
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.ticklabel_format(axis="x", useOffset=False)


def use_log_scale(axes: Axes, names: str) -> None:
    """Make drawn axes ("x", "y" or "xy") logarithmic, labelled with plain numbers."""
    axes.set(**{f"{name}scale": "log" for name in names})
    for name in names:
        axis = axes.xaxis if name == "x" else axes.yaxis
        low, high = axis.get_view_interval()
        if high < 10 * low:  # round numbers in between; LogLocator would give too many
            axis.set_major_locator(MaxNLocator(4))
        else:
            subs = (1.0, 2.0, 5.0) if high < 1_000 * low else (1.0,)
            axis.set_major_locator(LogLocator(subs=subs))
        axis.set_major_formatter(lambda value, _: f"{value:,.10f}".rstrip("0").rstrip("."))
        axis.set_minor_locator(NullLocator())  # minor ticks would double the drawing time


def with_alt_text(figure: CaptionedFigure, text: str, selection: Selection) -> CaptionedFigure:
    """Return the figure with an alternative text.

    Parameters
    ----------
    text
        The kind of figure and what it shows, with numbers.
    """
    # An SVG with a control character, such as in a name, would not be valid.
    figure.set_label(printable(f"{text} {selection.neos_line}. {selection.source_line}."))
    return figure
