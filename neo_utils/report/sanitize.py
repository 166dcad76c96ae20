"""Sanitize HTML for the report: keep text and tables, remove active content.

The outputs of an executed notebook are untrusted, because its folder may come from someone else.
"""

import nh3
from markupsafe import Markup

from neo_utils.figures.links import is_linked

_TABLES = {"figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td"}
_TEXT = {"h1", "h2", "h3", "h4", "p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "br"}
_LISTS = {"dl", "dt", "dd"}
_IN_WORDS = {"wbr", "span", "time"}
_CLASSES = {"table", "dataframe", "counts", "words"}


def clean(html: str) -> Markup:
    """Remove scripts, styles, event handlers, pictures, and links to hosts that are not allowed.

    Of any other tag that is not allowed, only the text remains; SVG and MathML are removed with
    their text.

    Examples
    --------
    >>> print(clean('<p onfocus="x">1</p><a href="https://x.org">2</a><script>3</script><b>4</b>'))
    <p>1</p><a>2</a>4
    """
    cleaned = nh3.clean(
        html,
        tags=_TABLES | _TEXT | _LISTS | _IN_WORDS,
        attributes={"a": {"href"}, "*": {"class", "tabindex"}},
        attribute_filter=_kept_value,
        link_rel=None,
    )
    return Markup(cleaned)  # noqa: S704


def _kept_value(tag: str, name: str, value: str) -> str | None:  # noqa: ARG001 - nh3's signature
    if name == "href":
        return value if is_linked(value) else None
    if name == "tabindex":
        return value if value == "0" else None
    return value if set(value.split()) <= _CLASSES else None
