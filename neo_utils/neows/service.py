"""The data source: NASA's service, a compatible service, or the simulated sample."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from neo_utils.errors import WrongParameter
from neo_utils.sample import SAMPLE_URL
from neo_utils.settings.service_address import NASA_URL, check_api_url

_PAGE_QUERY = re.compile(r"(?:page=\d+&size=\d+)?", re.ASCII)


class Service(NamedTuple):
    """A data source: ``source`` is "nasa" or "sample", ``url`` is the Browse address."""

    source: str
    url: str

    @property
    def label(self) -> str:
        """The name of the source in figures, tables and notebooks."""
        if self.source == "sample":
            return "simulated sample, not NASA data"
        host = urlsplit(self.url).hostname
        return "NASA NeoWs" if host == urlsplit(NASA_URL).hostname else f"NeoWs at {host}"


def service_of_page(source: str, page_url: str) -> Service:
    """Return the service that a stored page records.

    Stored files may come from other people, and these values appear in messages and commands.

    Raises
    ------
    ValueError
        If the source or the address is not one that this project writes.

    Examples
    --------
    >>> service_of_page("nasa", "https://host/browse?page=0&size=20").url
    'https://host/browse'
    """
    url, _, query = page_url.partition("?")
    if source not in ("nasa", "sample"):
        raise ValueError("the recorded source is unknown")
    try:
        check_api_url(url)
    except WrongParameter:
        raise ValueError("the recorded address is not the address of a service") from None
    if not _PAGE_QUERY.fullmatch(query):
        raise ValueError("the recorded URL is not the URL of a Browse page")
    return Service(source, url)


def service_of(source: str, api_url: str = NASA_URL) -> Service:
    """Return the service of a source; the sample has a fixed address.

    Raises
    ------
    WrongParameter
        As `check_api_url` does.
    """
    check_api_url(api_url)
    return Service(source, SAMPLE_URL if source == "sample" else api_url)
