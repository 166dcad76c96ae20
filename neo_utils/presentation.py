"""How notebooks show what they have: tables with a caption, figures with a text in their place."""

import re
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

import pandas as pd
from IPython.display import HTML, Image

from neo_utils.selection import Selection

if TYPE_CHECKING:  # fetch.ipynb has no figure, and matplotlib takes 0.3 s to load
    from matplotlib.figure import Figure

_DPI = 120  # a little sharper than most screens show it, at half the bytes of twice as sharp
_SHOWN_DPI = 96
# Without the full stop after it; the sample's address leads nowhere (.invalid: RFC 2606).
_ADDRESS = re.compile(r"https://(?![^/\s]*\.invalid/)[^\s<]*[^\s<.,]")


def show(figure: "Figure") -> Image:
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
    with pd.option_context("display.max_colwidth", None):  # texts are shown whole
        html = table.to_html(
            border=0,
            na_rep="",
            classes=[kind for kind, holds in kinds.items() if holds],
            justify="left",
            index=False,
            formatters=dict.fromkeys(counts, "{:,}".format),
        )
    html = "".join(line.strip() for line in html.splitlines())  # a notebook keeps one line of it
    html = _ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', html)
    # Long names may break after each of their words, where a page is narrow.
    return re.sub(r">[^<]+<", lambda text: text[0].replace("_", "_<wbr>"), html)
