"""Tables with a caption, shown as HTML in notebooks and in the report."""

import re
from datetime import date
from html import escape
from numbers import Number
from typing import NamedTuple

import pandas as pd

from neo_utils.figures.links import Linked, is_linked, with_links
from neo_utils.store.selection import Selection
from neo_utils.text import printable

# Texts are shown in full. The rest are pandas' defaults: a user's options must not change numbers.
_TABLE_OPTIONS = (
    *("display.max_colwidth", None, "display.max_rows", None, "display.max_columns", None),
    *("display.precision", 6, "display.float_format", None, "display.chop_threshold", None),
    *("display.multi_sparse", True, "display.show_dimensions", False),
)


_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d)?", re.ASCII)


class CaptionedTable(NamedTuple):
    """A complete table with its caption. Notebooks show ``html``, other programs the caption."""

    caption: str
    html: str

    def __repr__(self) -> str:
        return self.caption

    def _repr_html_(self) -> str:
        return self.html


def captioned(table: pd.DataFrame, what: str, selection: Selection) -> CaptionedTable:
    """Return a complete table with a caption.

    Parameters
    ----------
    what
        What the table shows: body, past or predicted, threshold. The range of NEOs, the source and
        the time of the fetch are added.
    """
    caption = printable(f"{what}. {selection.neos_line}. {selection.source_line}.")
    # The caption is outside the element that scrolls if the table is wide, also by keyboard.
    html = (
        f"<figure>\n<figcaption>{_breakable(caption)}</figcaption>\n"
        f'<div class="table" tabindex="0">{_rows(table)}</div>\n</figure>'
    )
    return CaptionedTable(caption, html)


def _rows(table: pd.DataFrame) -> str:
    if table.index.names != [None]:
        table = table.reset_index()
    numbers = table.select_dtypes("number").columns
    counts = [name for name in table.select_dtypes("integer") if name != "year"]
    kinds = {"counts": len(numbers) > 0, "words": table.columns[-1] not in numbers}
    # Names, bodies and addresses come from the service, so escape every text.
    table = table.map(_cell).set_axis(
        [as_html(str(name)) for name in table.columns], axis="columns"
    )
    with pd.option_context(*_TABLE_OPTIONS):
        html = table.to_html(
            border=0,
            na_rep="",
            classes=[kind for kind, holds in kinds.items() if holds],
            justify="left",
            index=False,
            escape=False,
            formatters=dict.fromkeys(map(as_html, counts), "{:,}".format),
        )
    return "".join(line.strip() for line in html.splitlines())  # a notebook keeps one line of it


def _cell(value: object) -> object:
    """Return numbers and dates unchanged, for pandas to format, and anything else as HTML."""
    if isinstance(value, Linked) and is_linked(value.address):
        return f'<a href="{escape(value.address)}">{_breakable(printable(value))}</a>'
    if value is None or isinstance(value, Number | date | pd.api.typing.NaTType):
        return value
    html = as_html(str(value))
    return f"<time>{html}</time>" if _DATE.fullmatch(html) else html  # shown without a line break


def as_html(text: str) -> str:
    """Return a text from anywhere as HTML, in which allowed addresses are links."""
    return with_links(printable(text), _breakable)


def _breakable(text: str) -> str:
    """Return the text as HTML in which long names may break after an underscore."""
    html = escape(text, quote=False).replace("_", "_<wbr>")
    # JupyterLab would treat these as the start of a formula unless they are in their own element.
    return re.sub(r"[$\\]", r"<span>\g<0></span>", html)
