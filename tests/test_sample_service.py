import json
import socket
import subprocess
import sys
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from neo_utils.sample import SAMPLE_URL
from neo_utils.sample.catalogue import AS_OF, page_body
from neo_utils.sample.service import SampleAdapter, answer, serve

KEY = {"X-Api-Key": "some-key"}
REQUEST = b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(url):
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=5)


@pytest.fixture
def session():
    with requests.Session() as session:
        session.mount("https://sample.invalid/", SampleAdapter())
        session.trust_env = False
        yield session


def test_adapter_answers_without_network(session):
    response = session.get(SAMPLE_URL, params={"page": 3, "size": 5}, headers=KEY, timeout=5)
    assert response.status_code == 200
    assert response.content == page_body(3, 5, "some-key")
    assert response.headers["content-type"] == "application/json"
    assert response.url == f"{SAMPLE_URL}?page=3&size=5"


@pytest.mark.parametrize(
    ("query", "headers", "status", "page"),
    [
        ("?api_key=some-key", {}, 200, 0),
        ("", {"x-API-key": "some-key"}, 200, 0),  # header names are case-insensitive
        ("?size=1000", KEY, 200, 0),  # 20 at most
        ("?page=2050", KEY, 200, 2050),  # past the end: an empty list
        ("", {}, 403, None),
        ("?page=-1", KEY, 400, None),
        ("?size=0", KEY, 400, None),
        ("?size=many", KEY, 400, None),
        ("/feed", KEY, 404, None),
    ],
)
def test_answers_with_a_page_or_an_error(query, headers, status, page):
    found = answer(f"{SAMPLE_URL}{query}", headers)
    assert found.status == status
    if page is None:
        code = {403: "API_KEY_MISSING", 400: "BAD_REQUEST", 404: "NOT_FOUND"}[status]
        assert json.loads(found.body)["error"]["code"] == code
    else:
        assert found.body == page_body(page, 20, "some-key")
    assert parsedate_to_datetime(found.headers["Date"]) == AS_OF
    assert int(found.headers["X-RateLimit-Remaining"]) < int(found.headers["X-RateLimit-Limit"])


def test_port_and_adapter_serve_the_same_answer(session):
    with serve() as url:
        over_port = session.get(url, params={"page": 1}, headers=KEY, timeout=5)
    direct = session.get(SAMPLE_URL, params={"page": 1}, headers=KEY, timeout=5)
    assert over_port.headers["Content-Encoding"] == "gzip"  # requests accepts gzip by default
    assert over_port.content == direct.content
    assert over_port.headers["Date"] == direct.headers["Date"]


def test_compresses_only_if_accepted(session):
    with serve() as url:
        plain = session.get(url, headers=KEY | {"Accept-Encoding": "identity"}, timeout=5)
    assert "Content-Encoding" not in plain.headers
    assert int(plain.headers["Content-Length"]) == len(page_body(0, 20, "some-key"))


def test_connection_serves_several_requests():
    with serve() as url, connect(url) as connection:
        for _ in range(2):
            connection.sendall(REQUEST)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_answer_function_can_close_the_connection(session):
    def hang_up(_url, _headers):
        raise ConnectionResetError

    with serve(answer=hang_up) as url, pytest.raises(requests.ConnectionError):
        session.get(url, timeout=5)


def test_closes_port_after_the_context():
    with serve() as url:
        connect(url).close()
    with pytest.raises(ConnectionRefusedError):
        connect(url)


def test_module_serves_until_interrupted():
    command = [sys.executable, "-m", "neo_utils.sample.service"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            url = process.stdout.readline().strip().removeprefix("API_URL=")
            response = requests.get(url, params={"size": 1}, headers=KEY, timeout=5)
            assert len(json.loads(response.content)["near_earth_objects"]) == 1
        finally:
            process.terminate()
