"""Ask NeoWs for one Browse page; every answer but a page becomes a failure in one line."""

import datetime as dt
import logging
import re
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from neo_utils.batches import BATCH_SIZE, Batch
from neo_utils.errors import RateLimitReached, ServiceFailure
from neo_utils.sample.service import SAMPLE_URL, SampleAdapter

log = logging.getLogger(__name__)

NASA_URL = "https://api.nasa.gov/neo/rest/v1/neo/browse"
KEYS_ARE_GIVEN_AT = "https://api.nasa.gov"
DEMO_KEY = "DEMO_KEY"  # NASA's key for first steps: 30 requests an hour, 50 a day per address

CONNECTIONS = 4  # at once: quick enough for the whole catalogue, and polite

_TIMEOUT_S = (5, 60)  # to connect, to wait for the next bytes; a page takes a second or two
_RETRIES = 4  # with pauses of 0, 2, 4, 8 s: outlasts a restart, not an outage of days
_PASSING_FAULTS = (500, 502, 503, 504)
_DEFAULT_PARK_S = 3600  # NeoWs counts requests by the hour


class Service(NamedTuple):
    """The service that is asked: ``source`` is "nasa" or "sample", ``url`` its Browse address."""

    source: str
    url: str

    @property
    def label(self) -> str:
        """How figures, tables and notebooks name the source of their data."""
        if self.source == "sample":
            return "simulated sample, not NASA data"
        host = urlsplit(self.url).netloc
        return "NASA NeoWs" if host == urlsplit(NASA_URL).netloc else f"NeoWs at {host}"


class Answer(NamedTuple):
    """A Browse page as received, all keys removed."""

    body: bytes
    url: str
    fetched_at: dt.datetime


def service_of(source: str, api_url: str = NASA_URL) -> Service:
    """Return the service of a source; the sample has an address of its own."""
    return Service(source, SAMPLE_URL if source == "sample" else api_url)


def open_session(api_key: str) -> requests.Session:
    """Return a session that keeps its connections, retries passing faults and sends the key.

    The key travels in the header ``X-Api-Key``, so that it stands in no address and no log.
    """
    session = requests.Session()
    session.headers["X-Api-Key"] = api_key
    retry = Retry(
        total=_RETRIES,
        backoff_factor=1,
        status_forcelist=_PASSING_FAULTS,
        raise_on_status=False,
        respect_retry_after_header=False,  # how long to wait for quota is not this layer's to say
    )
    adapter = HTTPAdapter(max_retries=retry, pool_maxsize=CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.mount(SAMPLE_URL, SampleAdapter())
    return session


def get_page(session: requests.Session, service: Service, batch: Batch) -> Answer:
    """Return the page of ``batch``.

    Raises
    ------
    RateLimitReached
        On status 429.
    ServiceFailure
        On any other status but 200, and where no answer came.
    """
    url = f"{service.url}?page={batch.page_number}&size={BATCH_SIZE}"
    try:
        # Redirects are not followed: the key would travel with them.
        response = session.get(url, timeout=_TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        # `from None`: a chained exception would bring a wall of text, and the whole request.
        raise ServiceFailure(
            f"{urlsplit(url).netloc} does not answer ({_root_cause(error)})"
        ) from None
    remaining = response.headers.get("X-RateLimit-Remaining", "not told")
    seconds = response.elapsed.total_seconds()
    log.debug("GET %s: %d, %s left, %.2f s", url, response.status_code, remaining, seconds)
    if response.status_code == requests.codes.too_many_requests:
        raise RateLimitReached(f"the service's rate limit is reached{_try_again(response)}")
    if response.status_code == requests.codes.forbidden:
        raise ServiceFailure(
            f"the service refuses the API key{_error_code(response)}; "
            f"keys are given at {KEYS_ARE_GIVEN_AT}"
        )
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(f"{urlsplit(url).netloc} answers with status {response.status_code}")
    key = str(session.headers["X-Api-Key"])
    return Answer(without_key(response.content, key), url, _fetched_at(response))


def without_key(body: bytes, api_key: str) -> bytes:
    """Return ``body`` with the caller's key replaced by REDACTED wherever it stands.

    The service repeats the key, in plain or percent-encoded form, in the ``links`` of every object.
    """
    body = re.sub(rb'(api_key=)[^"&\\\s]+', rb"\1REDACTED", body)
    for form in {api_key, quote(api_key, safe="")} if api_key != DEMO_KEY else ():
        body = body.replace(form.encode(), b"REDACTED")
    return body


def _fetched_at(response: requests.Response) -> dt.datetime:
    """Return the answer's Date header (UTC), or this machine's time where there is none."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(dt.UTC)
    except (KeyError, ValueError):
        return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _try_again(response: requests.Response) -> str:
    seconds = response.headers.get("Retry-After", "")
    wait = int(seconds) if seconds.isdigit() and int(seconds) > 0 else _DEFAULT_PARK_S
    again = dt.datetime.now().astimezone() + dt.timedelta(seconds=wait)
    return f": run the same command again after {again:%H:%M on %Y-%m-%d}"


def _error_code(response: requests.Response) -> str:
    """Name the gateway's reason, such as API_KEY_INVALID, where the body gives one."""
    code = re.search(r'"code"\s*:\s*"([A-Z_]+)"', response.text)
    return f" ({code[1]})" if code else ""


def _root_cause(error: BaseException) -> str:
    """Name the innermost reason without addresses and object ids: ConnectionRefusedError, ..."""
    reason: object = error
    while True:
        inner = getattr(reason, "reason", None) or next(
            (arg for arg in getattr(reason, "args", ()) if isinstance(arg, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return type(reason).__name__
        reason = inner
