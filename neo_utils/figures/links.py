"""The allowlist of addresses that tables and the report link to."""

import re
from collections.abc import Callable
from html import escape

# JPL's object pages, CNEOS's Sentry, NeoWs and the IVOA's documents. Stored addresses come from a
# service and may point anywhere, so any other address stays plain text.
LINKED_HOSTS = ("ssd.jpl.nasa.gov", "cneos.jpl.nasa.gov", "api.nasa.gov", "www.ivoa.net")

# Without quotes, brackets, user name or port.
_LINKED = re.compile(
    rf"https://(?:{'|'.join(map(re.escape, LINKED_HOSTS))})(?:/[\w./~%#?=&;:@!$+,*-]*)?", re.ASCII
)
_PUNCTUATION = ".,;:)"  # after an address


class Linked(str):
    """A text that links to an address in HTML, if the address is allowed."""

    __slots__ = ("address",)
    address: str

    def __new__(cls, text: str, address: str) -> "Linked":
        """Return the text with its address."""
        linked = super().__new__(cls, text)
        linked.address = address
        return linked


def is_linked(address: str) -> bool:
    """Check whether tables and the report link to an address.

    Examples
    --------
    >>> is_linked("https://ssd.jpl.nasa.gov/tools/sbdb_lookup.html#/?sstr=2000433")
    True
    >>> is_linked("https://ssd.jpl.nasa.gov.example.org/"), is_linked("javascript:alert(1)")
    (False, False)
    """
    return _LINKED.fullmatch(address) is not None


def with_links(text: str, as_html: Callable[[str], str]) -> str:
    """Return the text as HTML in which allowed addresses are links.

    Parameters
    ----------
    as_html
        Converts plain text to HTML.
    """
    return "".join(_word(word, as_html) for word in re.split(r"(\s+)", text))


def _word(word: str, as_html: Callable[[str], str]) -> str:
    address = word.rstrip(_PUNCTUATION)
    if not is_linked(address):
        return as_html(word)
    rest = as_html(word[len(address) :])
    return f'<a href="{escape(address)}">{as_html(address)}</a>{rest}'
