"""Ask NeoWs for one Browse page; every answer but a page becomes a failure in one line."""

import datetime as dt
import logging
import re
import socket
import threading
from contextlib import suppress
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from neo_utils.batches import BATCH_SIZE, Batch
from neo_utils.errors import PageAbsent, RateLimitReached, ServiceFailure
from neo_utils.quota import HOUR_S, Pace, count_of, http_date, retry_after_s
from neo_utils.sample.service import SAMPLE_URL, SampleAdapter
from neo_utils.source import DEMO_KEY, KEYS_ARE_GIVEN_AT, Service

log = logging.getLogger(__name__)

CONNECTIONS = 4  # at once: quick enough for the whole catalogue, and polite

_TIMEOUT_S = (5, 60)  # to connect, to wait for the next bytes; a page takes a second or two
_LONGEST_ANSWER_S = 180  # in all: a service that drips bytes never trips the timeout above
_LARGEST_BODY = 64 * 2**20  # bytes, unpacked; the heaviest page seen had 0.6 million
_RETRIES = 4  # with pauses of 0, 2, 4, 8 s: outlasts a restart, not an outage of days
_PASSING_FAULTS = (500, 502, 503, 504)
_SHORTEST_SECRET = 6  # characters: a shorter key is nobody's, and may stand in any number


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
    session = _Session()
    session.headers["X-Api-Key"] = api_key
    retry = Retry(
        total=_RETRIES,
        backoff_factor=1,
        status_forcelist=_PASSING_FAULTS,
        raise_on_status=False,
        respect_retry_after_header=False,  # how long to wait for quota is the pace's to say
    )
    adapter = _BoundedAdapter(max_retries=retry, pool_maxsize=CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.mount(SAMPLE_URL, SampleAdapter())
    return session


def get_page(session: requests.Session, service: Service, batch: Batch, pace: Pace) -> Answer:
    """Return the page of ``batch``, waiting for quota where the pace allows it.

    Raises
    ------
    RateLimitReached
        On status 429, where the waits together would be too long.
    PageAbsent
        On status 404.
    AnswerBroken
        Where the body breaks off, comes too slowly or is too large.
    ServiceFailure
        On any other status but 200, and where no answer came.
    """
    url = f"{service.url}?page={batch.page_number}&size={BATCH_SIZE}"
    waited_s = 0.0
    while True:
        pace.take_turn()
        with _ask(session, url) as response:
            pace.note(response.headers)
            if response.status_code != requests.codes.too_many_requests:
                _check_status(response)
                body = _body_of(response)
                key = str(session.headers["X-Api-Key"])
                return Answer(without_key(body, key), url, _fetched_at(response))
            asked_s = retry_after_s(response.headers.get("Retry-After"), dt.datetime.now(dt.UTC))
        wait_s = asked_s or HOUR_S
        if not pace.wait(wait_s, "waiting for the rate limit", waited_s):
            raise _rate_limit_reached(wait_s)
        waited_s += wait_s


def without_key(body: bytes, api_key: str) -> bytes:
    """Return ``body`` with the caller's key replaced by REDACTED wherever it stands.

    The service repeats the key in the ``links`` of every object: in plain form, percent-encoded, or
    with the escapes of JSON. A key too short to be one is only taken for it after ``api_key=``.
    """
    if api_key != DEMO_KEY and len(api_key) >= _SHORTEST_SECRET:
        body = re.sub(b"".join(map(_spellings, api_key)), b"REDACTED", body)
    return re.sub(rb'(api_key=)[^"&\\\s]+', rb"\1REDACTED", body)


def _spellings(character: str) -> bytes:
    """Return the pattern of a key's character in an address within JSON."""
    plain = re.escape(character.encode())
    if character.isalnum():  # nobody encodes those
        return plain
    return rb"(?:\\?%s|%%(?:25)*(?i:%02x)|\\u(?i:%04x))" % (plain, ord(character), ord(character))


class _Session(requests.Session):
    """A session for which a redirect leads nowhere.

    Also where redirects are not to be followed, requests reads their body, of any size, and fails
    on an address that is none.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 -- overrides
        return None


class _BoundedAdapter(HTTPAdapter):
    """A transport whose answers, headers and body together, end within the stated time."""

    def get_connection_with_tls_context(
        self,
        *args: Any,  # noqa: ANN401 -- as requests passes them
        **kwargs: Any,  # noqa: ANN401
    ) -> HTTPConnectionPool:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _BoundedHTTPS if pool.scheme == "https" else _BoundedHTTP
        return cast(HTTPConnectionPool, pool)


class _BoundedHTTP(HTTPConnection):
    """A connection that is cut when an answer, from its first byte to its last, takes too long."""

    was_cut = False
    _watch: threading.Timer | None = None

    def getresponse(self) -> Any:  # noqa: ANN401 -- urllib3's and the standard library's differ
        if self._watch:
            self._watch.cancel()  # of the answer before
        self.was_cut = False
        self._watch = threading.Timer(_LONGEST_ANSWER_S, self._cut, [self.sock])
        self._watch.daemon = True
        self._watch.start()
        return super().getresponse()

    def _cut(self, connected: socket.socket) -> None:
        self.was_cut = True
        with suppress(OSError):  # it has ended already
            connected.shutdown(socket.SHUT_RDWR)


class _BoundedHTTPS(_BoundedHTTP, HTTPSConnection):
    """The same, encrypted."""


def _ask(session: requests.Session, url: str) -> requests.Response:
    try:
        response = session.get(
            url,
            timeout=_TIMEOUT_S,
            allow_redirects=False,  # the key would travel with them
            proxies={"http": ""},  # none for this machine: the key would travel there unencrypted
            stream=True,
        )
    except requests.RequestException as error:
        # `from None`: a chained exception would bring a wall of text, and the whole request.
        raise ServiceFailure(
            f"{urlsplit(url).netloc} does not answer ({_root_cause(error)})"
        ) from None
    log.debug(
        "GET %s: %d, %s requests left, %.2f s",
        url,
        response.status_code,
        count_of(response.headers.get("X-RateLimit-Remaining")),
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
        raise ServiceFailure(
            f"{host} redirects to {_target(response)}: not followed, since the key would travel "
            "there; check API_URL"
        )
    if response.status_code == requests.codes.not_found:
        raise PageAbsent(f"{host} knows no such page (status 404): check API_URL")
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(f"{host} answers with status {response.status_code}")


def _body_of(response: requests.Response) -> bytes:
    """Return the unpacked body, read within the stated bounds of size and time."""
    host, body = urlsplit(response.url).netloc, bytearray()
    connection = response.raw.connection  # which the response lets go of at its end
    try:
        for chunk in response.iter_content(2**16):
            body += chunk
            if len(body) > _LARGEST_BODY:
                raise AnswerBroken(f"{host} sends more than {_LARGEST_BODY:,} bytes for a page")
    except requests.RequestException as error:
        if not getattr(connection, "was_cut", False):
            raise AnswerBroken(f"the answer of {host} broke off ({_root_cause(error)})") from None
    if getattr(connection, "was_cut", False):
        raise AnswerBroken(f"{host} takes more than {_LONGEST_ANSWER_S} s for a page")
    return bytes(body)


def _fetched_at(response: requests.Response) -> dt.datetime:
    """Return the answer's Date header (UTC), or this machine's time where there is none."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return http_date(response.headers.get("Date")) or now


def _rate_limit_reached(wait_s: float) -> RateLimitReached:
    # Rounded up, since minutes are shown.
    again = dt.datetime.now().astimezone() + dt.timedelta(seconds=wait_s + 59)
    return RateLimitReached(
        f"the service's rate limit is reached: run the same command again after "
        f"{again:%H:%M on %Y-%m-%d}, or with WAIT=1 to wait for it"
    )


def _error_code(response: requests.Response) -> str:
    """Name the gateway's reason, such as API_KEY_INVALID, where the body gives one."""
    with suppress(AnswerBroken):
        if code := re.search(rb'"code"\s*:\s*"(API_KEY_[A-Z]{1,20})"', _body_of(response)):
            return f" ({code[1].decode()})"
    return ""


def _target(response: requests.Response) -> str:
    """Name the host that a redirect leads to, if it has a plain name that tells no key."""
    location, key = response.headers["Location"], str(response.request.headers["X-Api-Key"])
    host = re.match(r"(?:https?:)?//([a-z\d.-]{1,253})(?::\d+)?(?![^/?#])", location, re.I | re.A)
    return host[1] if host and key.lower() not in host[1].lower() else "another address"


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
