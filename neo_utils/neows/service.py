"""Where the data come from: NASA's service, another one like it, or the simulated sample."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from neo_utils.errors import WrongParameter
from neo_utils.sample import SAMPLE_URL
from neo_utils.settings.service_address import NASA_URL, check_api_url

_PAGE_QUERY = re.compile(r"(?:page=\d+&size=\d+)?", re.ASCII)


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
