"""Serve the simulated catalogue through NeoWs's interface, in process or on a loopback port.

``python -m neo_utils.sample.service [PORT]`` serves it until Ctrl-C.
"""

import gzip
import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import format_datetime
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from neo_utils.sample import SAMPLE_URL
from neo_utils.sample.catalogue import AS_OF, PAGE_SIZE_LIMIT, page_body

_PATH = urlsplit(SAMPLE_URL).path
_HEADERS = {
    "Content-Type": "application/json",
    "Date": format_datetime(AS_OF, usegmt=True),
    "Vary": "Accept-Encoding",
    "X-RateLimit-Limit": "1000",  # as for a registered key
    "X-RateLimit-Remaining": "999",
}
_MESSAGES = {
    "API_KEY_MISSING": "The request has no api_key. The sample accepts any key.",
    "BAD_REQUEST": f"page must be a whole number from 0, and size from 1 to {PAGE_SIZE_LIMIT}.",
    "NOT_FOUND": f"The only address of the sample is {_PATH}.",
}


class Answer(NamedTuple):
    """An HTTP answer: status code, headers, body."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(url: str, headers: Mapping[str, str]) -> Answer:
    """Return the answer to a GET request for ``url``, as NeoWs would send it.

    200 with a page of at most ``PAGE_SIZE_LIMIT`` NEOs (``page`` from 0, default 0; ``size``,
    default 20), 403 without a key in the header ``X-Api-Key`` or the query parameter ``api_key``,
    400 for an invalid page or size, 404 for any other path. Any key is accepted, without a quota.
    The ``Date`` header is ``AS_OF``, so reruns produce the same bytes.
    """
    address = urlsplit(url)
    query = dict(parse_qsl(address.query))
    key = CaseInsensitiveDict(headers).get("X-Api-Key") or query.get("api_key")
    if address.path.rstrip("/") != _PATH:
        return _refusal(404, "NOT_FOUND")
    if not key:
        return _refusal(403, "API_KEY_MISSING")
    try:
        size = min(int(query.get("size", PAGE_SIZE_LIMIT)), PAGE_SIZE_LIMIT)
        body = page_body(int(query.get("page", 0)), size, key)
    except ValueError:
        return _refusal(400, "BAD_REQUEST")
    return Answer(200, _HEADERS, body)


class SampleAdapter(HTTPAdapter):
    """A transport for ``requests`` that answers from the catalogue, in process."""

    def send(  # type: ignore[override]  # there is no connection, so its options are ignored
        self, request: requests.PreparedRequest, **_options: object
    ) -> requests.Response:
        """Answer ``request``, whatever its host."""
        given = answer(request.url or "", request.headers)
        raw = urllib3.HTTPResponse(
            io.BytesIO(given.body), given.headers, given.status, preload_content=False
        )
        return self.build_response(request, raw)


@contextmanager
def serve(
    port: int = 0, answer: Callable[[str, Mapping[str, str]], Answer] = answer
) -> Iterator[str]:
    """Serve ``answer`` on a loopback port while the context lasts, and yield the Browse URL.

    Parameters
    ----------
    port
        The port, or 0 for any free one.
    answer
        A function that answers a request, given its path with query and its headers. It may raise
        ``ConnectionError`` to close the connection without an answer.

    Raises
    ------
    OSError
        If the port is in use.
    """
    with _Server(port, answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{_PATH}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    """A server with a thread per connection."""

    def __init__(self, port: int, answer: Callable[[str, Mapping[str, str]], Answer]) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        # The client or the server closed the connection: print no traceback.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # send headers and body together
    disable_nagle_algorithm = True  # otherwise the end of the body waits 40 ms
    server: _Server

    def do_GET(self) -> None:
        status, headers, body = self.server.answer(self.path, dict(self.headers))
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers = {**headers, "Content-Encoding": "gzip"}
        self.send_response_only(status, responses.get(status))
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- overrides
        """Log nothing: the client logs its requests."""


def _refusal(status: int, code: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": _MESSAGES[code]}}).encode()
    return Answer(status, _HEADERS, body)


def _main(arguments: list[str]) -> None:
    with serve(int(arguments[0]) if arguments else 0) as url, suppress(KeyboardInterrupt):
        print(f"API_URL={url}\nAny API_KEY is accepted. Press Ctrl-C to stop.", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    _main(sys.argv[1:])
