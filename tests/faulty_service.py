"""A service on a loopback port that sends arbitrary bytes, delays them, or closes connections."""

import gzip
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from email.utils import formatdate
from functools import cache
from http.client import responses
from typing import NamedTuple

from neo_utils.sample import SAMPLE_URL, service

_NOW = formatdate(usegmt=True)
SAMPLE_PATH = SAMPLE_URL.partition("sample.invalid")[2]


class Request(NamedTuple):
    """One request: ``nth`` counts the requests for this page."""

    page: int
    nth: int
    path: str
    headers: dict[str, str]


class FaultyService:
    """Sends the parts that ``answer(request, closing)`` yields, then closes the connection.

    The answer may wait for the event ``closing``, set at the end of the test, and may raise
    ``ConnectionResetError`` to reset the connection. Errors of the client are ignored.
    """

    def __init__(self, answer, tls=None):
        self.requests = Counter()  # by page
        self.sent = 0  # bytes
        self._answer, self._tls = answer, tls
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = []

    @property
    def address(self):
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def url(self):
        return f"http://{self.address}{SAMPLE_PATH}"

    def accept(self):
        with suppress(OSError):  # the socket was closed
            while not self._closing.is_set():
                connection, _ = self._listening.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self):
        self._closing.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _serve(self, connection):
        with suppress(OSError), self._secured(connection) as connection:
            try:
                for part in self._answer(self._read_request(connection), self._closing):
                    connection.sendall(part)
                    self.sent += len(part)
            except ConnectionResetError:
                # With a linger time of 0, closing resets the connection.
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def _secured(self, connection):
        try:
            return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        except OSError:  # the client does not trust the certificate
            connection.close()
            raise

    def _read_request(self, connection):
        received = b""
        while received[:1] in (b"", b"G") and b"\r\n\r\n" not in received:
            more = connection.recv(65_536)
            if not more:
                break
            received += more
        lines = received.decode("latin-1").splitlines()
        path = lines[0].split()[1] if received.startswith(b"GET ") else ""
        headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        number = path.partition("page=")[2].partition("&")[0]
        page = int(number) if number else -1
        with self._lock:
            self.requests[page] += 1
            return Request(page, self.requests[page], path, headers)


@contextmanager
def serve_faults(answer, tls=None):
    """Serve while the context lasts, over TLS if a server context is given."""
    faulty = FaultyService(answer, tls)
    accepting = threading.Thread(target=faulty.accept, daemon=True)
    accepting.start()
    try:
        yield faulty
    finally:
        faulty.close()
        accepting.join(10)


@cache
def sample_page(page, key):
    """Return a page of the sample catalogue for a caller with this key."""
    return service.answer(f"{SAMPLE_URL}?page={page}&size=20", {"X-Api-Key": key}).body


def http(body=b"", status=200, **headers):
    """Return an answer. Headers with value None are left out, and `_` becomes `-`."""
    fields = {
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "Date": _NOW,
        "Connection": "close",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} {responses[status]}"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def zipped(body, **headers):
    """Return an answer with a gzip-compressed body."""
    return http(gzip.compress(body, 1), Content_Encoding="gzip", **headers)
