"""Where the data come from: NASA's service, another one like it, or the simulated sample."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from neo_utils.errors import WrongParameter
from neo_utils.sample import SAMPLE_URL
from neo_utils.text import shown

NASA_URL = "https://api.nasa.gov/neo/rest/v1/neo/browse"
KEYS_ARE_GIVEN_AT = "https://api.nasa.gov"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_PLAIN_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w./~%-]*)?", re.ASCII)
_PAGE_QUERY = re.compile(r"(?:page=\d+&size=\d+)?", re.ASCII)
DEMO_KEY = "DEMO_KEY"  # NASA's key for first steps: 30 requests an hour, 50 a day per address


class Service(NamedTuple):
    """The service that is asked: ``source`` is "nasa" or "sample", ``url`` its Browse address."""

    source: str
    url: str

    @property
    def label(self) -> str:
        """How figures, tables and notebooks name the source of their data."""
        if self.source == "sample":
            return "simulated sample, not NASA data"
        host = urlsplit(self.url).hostname
        return "NASA NeoWs" if host == urlsplit(NASA_URL).hostname else f"NeoWs at {host}"


def check_noted(source: str, page_url: str) -> None:
    """Raise ValueError for a source or address of a page that this project never notes.

    Stored files may have been passed on: their notes reach messages, commands and the report.
    """
    if source not in ("nasa", "sample"):
        raise ValueError("the source that is noted is unknown")
    try:
        check_api_url(page_url.partition("?")[0])
    except WrongParameter:
        raise ValueError("the noted address is not the address of a service") from None
    if not _PAGE_QUERY.fullmatch(page_url.partition("?")[2]):
        raise ValueError("the address that is noted is not that of a page")


def service_of_page(source: str, page_url: str) -> Service:
    """Return the service that a page at this address came from.

    Examples
    --------
    >>> service_of_page("nasa", "https://host/browse?page=0&size=20").url
    'https://host/browse'
    """
    return Service(source, page_url.partition("?")[0])


def service_of(source: str, api_url: str = NASA_URL) -> Service:
    """Return the service of a source; the sample has an address of its own.

    Raises
    ------
    WrongParameter
        As `check_api_url` does.
    """
    check_api_url(api_url)
    return Service(source, SAMPLE_URL if source == "sample" else api_url)


def check_api_url(url: str) -> None:
    """Raise WrongParameter for an address that cannot be asked, or not without giving the key away.

    Only plain addresses pass: where parsers of addresses differ, the key goes to another host than
    the one that was looked at.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a broken IPv6 address, a port past 65535
        usable = False
    if usable and (parts.query or parts.fragment or "@" in url):
        # Not shown: what stands there may be a key.
        raise WrongParameter("API_URL holds a query or a user name: give the bare address")
    if not usable or not _PLAIN_ADDRESS.fullmatch(url):
        raise WrongParameter(f"API_URL={shown(url)} is no web address: use https://host/path")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise WrongParameter(f"API_URL={shown(url)} would send the key unencrypted: use https")
