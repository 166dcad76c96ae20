"""Where the data come from: NASA's service, another one like it, or the simulated sample."""

from typing import NamedTuple
from urllib.parse import urlsplit

from neo_utils.errors import WrongParameter
from neo_utils.sample.service import SAMPLE_URL

NASA_URL = "https://api.nasa.gov/neo/rest/v1/neo/browse"
KEYS_ARE_GIVEN_AT = "https://api.nasa.gov"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
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


def service_of(source: str, api_url: str = NASA_URL) -> Service:
    """Return the service of a source; the sample has an address of its own.

    Raises
    ------
    WrongParameter
        For an address to which the key would travel unencrypted.
    """
    if not _keeps_secrets(api_url):
        raise WrongParameter(f"API_URL={api_url} would send the key unencrypted: use https")
    return Service(source, SAMPLE_URL if source == "sample" else api_url)


def _keeps_secrets(url: str) -> bool:
    """Tell whether requests to an address are encrypted, or do not leave this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" or parts.hostname in LOOPBACK_HOSTS
