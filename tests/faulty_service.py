"""A service on a loopback port that sends arbitrary bytes, delays them, or closes connections."""

import gzip
import json
import socket
import struct
import threading
from collections import Counter
from contextlib import contextmanager, suppress
from email.utils import formatdate
from functools import cache
from http.client import responses
from socketserver import ThreadingTCPServer
from typing import NamedTuple

from neo_utils.sample import SAMPLE_URL, service

_TLS = b"\x16"  # the first byte of a handshake
_NOW = formatdate(usegmt=True)
SAMPLE_PATH = SAMPLE_URL.partition("sample.invalid")[2]


class Request(NamedTuple):
    """One request: ``nth`` counts the requests for this page."""

    page: int
    nth: int
    path: str
    headers: dict[str, str]


class FaultyService(ThreadingTCPServer):
    """Sends the parts that ``answer(request, closing)`` yields, then closes the connection.

    The answer may wait for the event ``closing``, set at the end of the test, and may raise
    ``ConnectionResetError`` to reset the connection. Errors of the client are ignored.
    """

    request_queue_size = 64  # connections that wait for their thread

    def __init__(self, answer, tls=None):
        super().__init__(("127.0.0.1", 0), None)
        self.requests = Counter()  # by page
        self.sent = 0  # bytes
        self.closing = threading.Event()
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.address}{SAMPLE_PATH}"
        self._answer, self._tls, self._lock = answer, tls, threading.Lock()

    def finish_request(self, connection, _client_address):
        with suppress(OSError), self._secured(connection) as connection:
            try:
                for part in self._answer(self._read_request(connection), self.closing):
                    connection.sendall(part)
                    self.sent += len(part)
            except ConnectionResetError:
                # With a linger time of 0, closing resets the connection.
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    def handle_error(self, *_):
        raise  # so pytest reports it

    def _secured(self, connection):
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _read_request(self, connection):
        received = b""
        while received[:1] in (b"", b"G") and b"\r\n\r\n" not in received:
            more = connection.recv(65_536)
            if not more:
                break
            received += more
        if not received.startswith((b"GET ", b"CONNECT ", _TLS)):
            # Another program, such as a kernel that reconnects to a port that was its own.
            raise ConnectionAbortedError
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
    with FaultyService(answer, tls) as faulty:
        accepting = threading.Thread(target=faulty.serve_forever, args=(0.01,), daemon=True)
        accepting.start()
        try:
            yield faulty
        finally:
            faulty.closing.set()
            faulty.shutdown()


@cache
def sample_page(page, key, total=41_000):
    """Return a page of the sample for a caller with this key, cut to ``total`` NEOs."""
    body = service.answer(f"{SAMPLE_URL}?page={page}&size=20", {"X-Api-Key": key}).body
    if total == 41_000:
        return body
    listed = json.loads(body)
    listed["page"]["total_elements"] = total
    del listed["near_earth_objects"][max(0, total - page * 20) :]
    return json.dumps(listed).encode()


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
