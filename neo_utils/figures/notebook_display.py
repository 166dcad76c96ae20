"""How notebooks show what they have: tables with a caption, figures with a text in their place."""

import re
from datetime import date
from html import escape
from io import BytesIO
from numbers import Number
from typing import TYPE_CHECKING

import pandas as pd
from IPython.display import HTML, Image

from neo_utils.figures.links import with_links
from neo_utils.store.selection import Selection
from neo_utils.text import printable

if TYPE_CHECKING:  # fetch.ipynb has no figure, and matplotlib takes 0.3 s to load
    from matplotlib.figure import Figure

_DPI = 120  # a little sharper than most screens show it, at half the bytes of twice as sharp
_SHOWN_DPI = 96
# Texts are shown whole. The others are pandas' defaults: a user's own must not change numbers.
_TABLE_OPTIONS = (
    *("display.max_colwidth", None, "display.max_rows", None, "display.max_columns", None),
    *("display.precision", 6, "display.float_format", None, "display.chop_threshold", None),
    *("display.multi_sparse", True, "display.show_dimensions", False),
)


def show(figure: "Figure") -> Image:
    """Return a figure as a picture with its alternative text, which is the figure's label."""
    from neo_utils.figures.frame import default_style

    png = BytesIO()
    default_style(figure.savefig)(png, format="png", dpi=_DPI)
    width = round(figure.get_size_inches()[0] * _SHOWN_DPI)
    return Image(png.getvalue(), width=width, alt=figure.get_label())


def captioned(table: pd.DataFrame, what: str, selection: Selection) -> HTML:
    """Return a table, whole, under a caption.

    Parameters
    ----------
    what
        What the table tells: of which body, past or predicted, under which threshold. The NEOs, the
        source and the day of the fetch are added.
    """
    caption = _breakable(printable(f"{what}. {selection.neos_line}. {selection.source_line}."))
    # The caption stands outside of what scrolls where a table is wide.
    return HTML(
        f'<figure>\n<figcaption>{caption}</figcaption>\n<div class="table">{_rows(table)}</div>\n'
        "</figure>"
    )


def _rows(table: pd.DataFrame) -> str:
    if table.index.names != [None]:
        table = table.reset_index()
    numbers = table.select_dtypes("number").columns
    counts = [name for name in table.select_dtypes("integer") if name != "year"]
    kinds = {"counts": len(numbers) > 0, "words": table.columns[-1] not in numbers}
    # Every text becomes HTML here: names, bodies and addresses come from the service.
    table = table.map(_cell).set_axis([_html(str(name)) for name in table.columns], axis="columns")
    with pd.option_context(*_TABLE_OPTIONS):
        html = table.to_html(
            border=0,
            na_rep="",
            classes=[kind for kind, holds in kinds.items() if holds],
            justify="left",
            index=False,
            escape=False,
            formatters=dict.fromkeys(map(_html, counts), "{:,}".format),
        )
    return "".join(line.strip() for line in html.splitlines())  # a notebook keeps one line of it


def _cell(value: object) -> object:
    """Return a value as the table shows it: numbers stay, whose digits pandas chooses."""
    if value is None or isinstance(value, Number | date | pd.api.typing.NaTType):
        return value
    return _html(str(value))


def _html(text: str) -> str:
    return with_links(printable(text), _breakable)


def _breakable(text: str) -> str:
    """Return the text as HTML; long names may break after each of their words."""
    html = escape(text, quote=False).replace("_", "_<wbr>")
    # Outside of its own element, JupyterLab would take one of these for the start of a formula.
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html)
