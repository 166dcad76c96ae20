"""Sanitize HTML for the report: keep text and tables, remove active content.

The outputs of an executed notebook are untrusted, because its folder may come from someone else.
"""

import bleach
from markupsafe import Markup

from neo_utils.figures.links import is_linked

_TABLES = {"figure", "figcaption", "div", "table", "thead", "tbody", "tr", "th", "td"}
_TEXT = {"h1", "h2", "h3", "h4", "p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "br"}
_LISTS = {"dl", "dt", "dd"}
_IN_WORDS = {"wbr", "span", "time"}
_CLASSES = {"table", "dataframe", "counts", "words"}


def clean(html: str) -> Markup:
    """Remove scripts, styles, event handlers, pictures and links that are not allowed.

    Other tags are escaped and shown as text.

    Examples
    --------
    >>> print(clean('<p onfocus="x">1</p><a href="https://x.org">2</a><script>3</script>'))
    <p>1</p><a>2</a>&lt;script&gt;3&lt;/script&gt;
    """
    tags = _TABLES | _TEXT | _LISTS | _IN_WORDS
    return Markup(bleach.clean(html, tags=tags, attributes=_is_kept))  # noqa: S704


def _is_kept(tag: str, name: str, value: str) -> bool:
    if tag == "a":
        return name == "href" and is_linked(value)
    if name == "tabindex":
        return value == "0"
    return name == "class" and set(value.split()) <= _CLASSES
