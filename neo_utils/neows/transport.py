"""Send HTTP requests with limits on the size and duration of each answer."""

import logging
import socket
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from neo_utils.errors import ServiceFailure
from neo_utils.neows import retries
from neo_utils.neows.contract import LARGEST_PAGE
from neo_utils.neows.network import cause_of, causes, route_to
from neo_utils.neows.rate_limit import count_of
from neo_utils.sample import SAMPLE_URL
from neo_utils.sample.service import SampleAdapter

log = logging.getLogger(__name__)

# Concurrent connections. A browser opens six per host; we stay below that. With one second per
# answer, five use up a key's 1,000 requests per hour in four minutes.
CONNECTIONS = 5


class IncompleteAnswer(ServiceFailure):
    """The answer's body is incomplete, too slow or too large. A retry may succeed."""


def open_session(api_key: str | None = None) -> requests.Session:
    """Return a session that reuses connections, retries temporary faults and sends the key.

    The key is sent in the header ``X-Api-Key``, so it appears in no address or log. Without a key,
    the header is not sent.
    """
    session = _Session()
    session.trust_env = False  # requests would send passwords from ~/.netrc; see `route_to`
    if api_key is not None:
        session.headers["X-Api-Key"] = api_key
    adapter = _BoundedAdapter(max_retries=retries.retry_policy(), pool_maxsize=CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.mount(SAMPLE_URL, SampleAdapter())
    return session


def send_request(session: requests.Session, url: str) -> requests.Response:
    """Return the answer to a GET request. Its body is not read yet.

    Raises
    ------
    ServiceFailure
        If no answer arrives.
    WrongParameter
        If the proxy or certificates of the environment cannot be used.
    """
    route = route_to(url)
    try:
        response = session.get(
            url,
            timeout=retries.TIMEOUT_S,
            allow_redirects=False,  # a redirect would send the key elsewhere
            proxies=route.proxies,
            verify=route.verify,
            stream=True,
        )
    except requests.RequestException as error:
        # `from None`: a chained exception would print the whole request, including the key.
        raise ServiceFailure(cause_of(error, url, route)) from None
    log.debug(
        "GET %s: %d, %s requests left, %.2f s",
        url,
        response.status_code,
        count_of(response.headers.get("X-RateLimit-Remaining")),
        response.elapsed.total_seconds(),
    )
    return response


def body_of(response: requests.Response) -> bytes:
    """Return the uncompressed body.

    Raises
    ------
    IncompleteAnswer
        If the body is incomplete, too slow or too large.
    """
    host, body = urlsplit(response.url).netloc, bytearray()
    connection = response.raw.connection  # the response drops it at its end
    try:
        for chunk in response.iter_content(2**16):
            body += chunk
            if len(body) > LARGEST_PAGE:
                raise IncompleteAnswer(f"{host} sent more than {LARGEST_PAGE:,} bytes for a page")
    except requests.RequestException as error:
        if not getattr(connection, "timed_out", False):
            cause = type(causes(error)[-1]).__name__
            raise IncompleteAnswer(f"the answer of {host} is incomplete ({cause})") from None
    if getattr(connection, "timed_out", False):
        raise IncompleteAnswer(f"{host} took more than {retries.LONGEST_ANSWER_S} s for a page")
    return bytes(body)


class _Session(requests.Session):
    """A session that ignores redirects.

    Even if redirects are not followed, requests reads their whole body and fails on an invalid
    target.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 -- overrides
        return None


class _BoundedAdapter(HTTPAdapter):
    """A transport that limits the total time of an answer, headers included."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _BoundedHTTPS if pool.scheme == "https" else _BoundedHTTP
        return pool


class _BoundedHTTP(HTTPConnection):
    """A connection that is closed if an answer takes too long in total."""

    timed_out = False
    _timer: threading.Timer | None = None

    def getresponse(self) -> Any:  # noqa: ANN401 -- urllib3's and the standard library's differ
        if self._timer:
            self._timer.cancel()  # from the previous answer
        self.timed_out = False
        self._timer = threading.Timer(retries.LONGEST_ANSWER_S, self._shut_down, [self.sock])
        self._timer.daemon = True
        self._timer.start()
        return super().getresponse()

    def _shut_down(self, connected: socket.socket) -> None:
        self.timed_out = True
        with suppress(OSError):  # already closed
            connected.shutdown(socket.SHUT_RDWR)


class _BoundedHTTPS(_BoundedHTTP, HTTPSConnection):
    """The same for HTTPS."""
