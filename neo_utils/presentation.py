"""How notebooks show what they have: tables with a caption, figures with a text in their place."""

from html import escape
from io import BytesIO

import pandas as pd
from IPython.display import HTML, Image
from matplotlib.figure import Figure

from neo_utils.selection import Selection

_DPI = 120  # a little sharper than most screens show it, at half the bytes of twice as sharp
_SHOWN_DPI = 96


def show(figure: Figure) -> Image:
    """Return a figure as a picture with its alternative text, which is the figure's label."""
    png = BytesIO()
    figure.savefig(png, format="png", dpi=_DPI)
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
    caption = escape(f"{what}. {selection.neos_line}. {selection.source_line}.")
    if table.index.names != [None]:
        table = table.reset_index()
    rows = table.to_html(
        border=0, na_rep="", classes="counts", justify="left", index=False, render_links=True
    )
    rows = "".join(line.strip() for line in rows.splitlines())  # a notebook keeps one line of it
    # The caption stands outside of what scrolls where a table is wide.
    return HTML(
        f'<figure>\n<figcaption>{caption}</figcaption>\n<div class="table">{rows}</div>\n</figure>'
    )
