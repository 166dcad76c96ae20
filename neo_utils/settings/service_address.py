"""The address and the keys of NASA's NeoWs service, and which other addresses may be set."""

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from neo_utils.errors import WrongParameter
from neo_utils.settings.choices import check_choice
from neo_utils.text import shown

Source = Literal["auto", "nasa", "sample"]
NASA_URL = "https://api.nasa.gov/neo/rest/v1/neo/browse"
KEYS_ARE_GIVEN_AT = "https://api.nasa.gov"
DEMO_KEY = "DEMO_KEY"  # NASA's key for first steps: 30 requests an hour, 50 a day per address
LONGEST_RETRY_AFTER_S = 86_400  # DEMO_KEY is also limited per day
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
_PLAIN_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w./~%-]*)?", re.ASCII)


@lru_cache(maxsize=16)  # every stored batch has the same address
def check_api_url(url: str) -> None:
    """Raise WrongParameter for an address that is not valid or would expose the key.

    Only plain addresses pass: parsers disagree on unusual ones, so the key could go to another host
    than the one checked.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a broken IPv6 address, a port past 65535
        usable = False
    if usable and (parts.query or parts.fragment or "@" in url):
        # Not shown, because it may contain a key.
        raise WrongParameter("API_URL contains a query or a user name. Use the address alone")
    if not usable or not _PLAIN_ADDRESS.fullmatch(url):
        raise WrongParameter(f"API_URL={shown(url)} is not a web address. Use https://host/path")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise WrongParameter(f"API_URL={shown(url)} would send the key unencrypted. Use https")


def chosen_source(source: str, key: str | None, api_url: str = NASA_URL) -> str:
    """Return "nasa" or "sample"; ``auto`` means "nasa" if a key or another address is set.

    Raises
    ------
    WrongParameter
        For any other source.

    Examples
    --------
    >>> chosen_source("auto", key=None), chosen_source("auto", key="a key")
    ('sample', 'nasa')
    """
    check_choice("SOURCE", source, Source)
    if source != "auto":
        return source
    return "nasa" if key or api_url != NASA_URL else "sample"
