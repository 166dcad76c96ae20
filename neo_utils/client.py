"""Ask NeoWs for one Browse page; every answer but a page becomes a failure in one line."""

import datetime as dt
import logging
import re
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from neo_utils.batches import BATCH_SIZE, Batch
from neo_utils.errors import RateLimitReached, ServiceFailure
from neo_utils.quota import HOUR_S, Pace, retry_after_s
from neo_utils.sample.service import SAMPLE_URL, SampleAdapter
from neo_utils.source import DEMO_KEY, KEYS_ARE_GIVEN_AT, Service

log = logging.getLogger(__name__)

CONNECTIONS = 4  # at once: quick enough for the whole catalogue, and polite

_TIMEOUT_S = (5, 60)  # to connect, to wait for the next bytes; a page takes a second or two
_LONGEST_ANSWER_S = 180  # in all: a service that drips bytes never trips the timeout above
_LARGEST_BODY = 64 * 2**20  # bytes, unpacked; the heaviest page seen had 0.6 million
_RETRIES = 4  # with pauses of 0, 2, 4, 8 s: outlasts a restart, not an outage of days
_PASSING_FAULTS = (500, 502, 503, 504)


class Answer(NamedTuple):
    """A Browse page as received, all keys removed."""

    body: bytes
    url: str
    fetched_at: dt.datetime


class AnswerBroken(ServiceFailure):
    """The answer's body did not arrive whole: worth another try."""


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
        respect_retry_after_header=False,  # how long to wait for quota is the pace's to say
    )
    adapter = HTTPAdapter(max_retries=retry, pool_maxsize=CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.mount(SAMPLE_URL, SampleAdapter())
    return session


def get_page(session: requests.Session, service: Service, batch: Batch, pace: Pace) -> Answer:
    """Return the page of ``batch``, waiting for quota where the pace allows it.

    Raises
    ------
    RateLimitReached
        On status 429, where the wait would be too long.
    AnswerBroken
        Where the body breaks off, comes too slowly or is too large.
    ServiceFailure
        On any other status but 200, and where no answer came.
    """
    url = f"{service.url}?page={batch.page_number}&size={BATCH_SIZE}"
    while True:
        pace.take_turn()
        with _ask(session, url) as response:
            pace.note(response.headers)
            if response.status_code != requests.codes.too_many_requests:
                _check_status(response)
                body = _body_of(response)
                key = str(session.headers["X-Api-Key"])
                return Answer(without_key(body, key), url, _fetched_at(response))
            wait_s = retry_after_s(response.headers.get("Retry-After"), dt.datetime.now(dt.UTC))
        if not pace.wait(wait_s or HOUR_S, "waiting for the rate limit"):
            raise _rate_limit_reached(wait_s or HOUR_S)


def without_key(body: bytes, api_key: str) -> bytes:
    """Return ``body`` with the caller's key replaced by REDACTED wherever it stands.

    The service repeats the key, in plain or percent-encoded form, in the ``links`` of every object.
    """
    body = re.sub(rb'(api_key=)[^"&\\\s]+', rb"\1REDACTED", body)
    for form in {api_key, quote(api_key, safe="")} if api_key != DEMO_KEY else ():
        body = body.replace(form.encode(), b"REDACTED")
    return body


def _ask(session: requests.Session, url: str) -> requests.Response:
    try:
        # Redirects are not followed: the key would travel with them.
        response = session.get(url, timeout=_TIMEOUT_S, allow_redirects=False, stream=True)
    except requests.RequestException as error:
        # `from None`: a chained exception would bring a wall of text, and the whole request.
        raise ServiceFailure(
            f"{urlsplit(url).netloc} does not answer ({_root_cause(error)})"
        ) from None
    log.debug(
        "GET %s: %d, %s requests left, %.2f s",
        url,
        response.status_code,
        response.headers.get("X-RateLimit-Remaining", "unknown number of"),
        response.elapsed.total_seconds(),
    )
    return response


def _check_status(response: requests.Response) -> None:
    host = urlsplit(response.url).netloc
    if response.status_code == requests.codes.forbidden:
        raise ServiceFailure(
            f"{host} refuses the API key{_error_code(response)}: check API_KEY; "
            f"keys are given at {KEYS_ARE_GIVEN_AT}"
        )
    if response.is_redirect:
        target = urlsplit(response.headers["Location"]).netloc or "another address"
        raise ServiceFailure(
            f"{host} redirects to {target}: not followed, since the key would travel there; "
            "check API_URL"
        )
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(f"{host} answers with status {response.status_code}")


def _body_of(response: requests.Response) -> bytes:
    """Return the unpacked body, read within the stated bounds of size and time."""
    host, body, began = urlsplit(response.url).netloc, bytearray(), time.monotonic()
    try:
        for chunk in response.iter_content(2**16):
            body += chunk
            if len(body) > _LARGEST_BODY:
                raise AnswerBroken(f"{host} sends more than {_LARGEST_BODY:,} bytes for a page")
            if time.monotonic() - began > _LONGEST_ANSWER_S:
                raise AnswerBroken(f"{host} takes more than {_LONGEST_ANSWER_S} s for a page")
    except requests.RequestException as error:
        raise AnswerBroken(f"the answer of {host} broke off ({_root_cause(error)})") from None
    return bytes(body)


def _fetched_at(response: requests.Response) -> dt.datetime:
    """Return the answer's Date header (UTC), or this machine's time where there is none."""
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(dt.UTC)
    except (KeyError, ValueError):
        return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _rate_limit_reached(wait_s: float) -> RateLimitReached:
    again = dt.datetime.now().astimezone() + dt.timedelta(seconds=wait_s)
    return RateLimitReached(
        f"the service's rate limit is reached: run the same command again after "
        f"{again:%H:%M on %Y-%m-%d}, or with WAIT=1 to wait for it"
    )


def _error_code(response: requests.Response) -> str:
    """Name the gateway's reason, such as API_KEY_INVALID, where the body gives one."""
    code = re.search(rb'"code"\s*:\s*"([A-Z_]+)"', _body_of(response))
    return f" ({code[1].decode()})" if code else ""


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
