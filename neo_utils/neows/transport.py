"""Send requests over connections whose answers are bounded in size and time."""

import logging
import socket
import threading
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from neo_utils.errors import ServiceFailure
from neo_utils.neows.contract import LARGEST_PAGE
from neo_utils.neows.network import cause_of, root_cause, route_to
from neo_utils.neows.rate_limit import count_of
from neo_utils.sample import SAMPLE_URL
from neo_utils.sample.service import SampleAdapter

log = logging.getLogger(__name__)

# At once. Polite: a browser opens six to a host. Enough: 10 pages take two answer times, and at a
# second for an answer a key's 1,000 requests an hour are used up in four minutes.
CONNECTIONS = 5

_TIMEOUT_S = (5, 60)  # to connect, to wait for the next bytes; a page takes a second or two
_LONGEST_ANSWER_S = 180  # in all: a service that drips bytes never trips the timeout above
_LARGEST_BODY = LARGEST_PAGE
_RETRIES = 4  # with pauses of 0, 2, 4, 8 s: outlasts a restart, not an outage of days
_PASSING_FAULTS = (500, 502, 503, 504)


class AnswerBroken(ServiceFailure):
    """The answer's body did not arrive whole: worth another try."""


def open_session(api_key: str | None = None) -> requests.Session:
    """Return a session that keeps its connections, retries passing faults and sends the key.

    The key travels in the header ``X-Api-Key``, so that it stands in no address and no log. Without
    one, none is sent: for services that ask for none.
    """
    session = _Session()
    session.trust_env = False  # it would send what ~/.netrc has for the host; see `route_to`
    if api_key is not None:
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


def ask(session: requests.Session, url: str) -> requests.Response:
    """Return the answer to a GET request, its body not read yet.

    Raises
    ------
    ServiceFailure
        Where no answer came.
    WrongParameter
        For a proxy or certificates of the environment that cannot be used.
    """
    route = route_to(url)
    try:
        response = session.get(
            url,
            timeout=_TIMEOUT_S,
            allow_redirects=False,  # the key would travel with them
            proxies=route.proxies,
            verify=route.verify,
            stream=True,
        )
    except requests.RequestException as error:
        # `from None`: a chained exception would bring a wall of text, and the whole request.
        raise ServiceFailure(cause_of(error, urlsplit(url).netloc, route)) from None
    log.debug(
        "GET %s: %d, %s requests left, %.2f s",
        url,
        response.status_code,
        count_of(response.headers.get("X-RateLimit-Remaining")),
        response.elapsed.total_seconds(),
    )
    return response


def body_of(response: requests.Response) -> bytes:
    """Return the unpacked body, read within the stated bounds of size and time.

    Raises
    ------
    AnswerBroken
        Where it breaks off, comes too slowly or is too large.
    """
    host, body = urlsplit(response.url).netloc, bytearray()
    connection = response.raw.connection  # which the response lets go of at its end
    try:
        for chunk in response.iter_content(2**16):
            body += chunk
            if len(body) > _LARGEST_BODY:
                raise AnswerBroken(f"{host} sends more than {_LARGEST_BODY:,} bytes for a page")
    except requests.RequestException as error:
        if not getattr(connection, "was_cut", False):
            raise AnswerBroken(f"the answer of {host} broke off ({root_cause(error)})") from None
    if getattr(connection, "was_cut", False):
        raise AnswerBroken(f"{host} takes more than {_LONGEST_ANSWER_S} s for a page")
    return bytes(body)


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
