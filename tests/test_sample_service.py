import json
import socket
import subprocess
import sys
import threading
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from neo_utils.sample import SAMPLE_URL
from neo_utils.sample.catalogue import AS_OF, page_body
from neo_utils.sample.service import Answer, SampleAdapter, answer, serve

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


def test_accepts_key_in_query():
    assert answer(f"{SAMPLE_URL}?api_key=k", {}).body == page_body(0, 20, "k")


def test_header_names_are_case_insensitive():
    assert answer(SAMPLE_URL, {"x-API-key": "k"}).status == 200


def test_rejects_request_without_key(session):
    response = session.get(SAMPLE_URL, timeout=5)
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "API_KEY_MISSING"


def test_page_has_at_most_20_neos():
    assert answer(SAMPLE_URL, KEY).body == page_body(0, 20, "some-key")
    assert answer(f"{SAMPLE_URL}?size=1000", KEY).body == page_body(0, 20, "some-key")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        (SAMPLE_URL.replace("browse", "feed"), 404),
        (f"{SAMPLE_URL}?page=-1", 400),
        (f"{SAMPLE_URL}?size=many", 400),
        (f"{SAMPLE_URL}?page=2050", 200),  # past the end: an empty list
    ],
)
def test_invalid_requests_have_error_status(url, status):
    assert answer(url, KEY).status == status


def test_date_header_is_fixed():
    headers = answer(SAMPLE_URL, KEY).headers
    assert parsedate_to_datetime(headers["Date"]) == AS_OF
    assert int(headers["X-RateLimit-Remaining"]) < int(headers["X-RateLimit-Limit"])


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


def test_answer_function_can_return_a_failure(session):
    def down(_url, _headers):
        return Answer(503, {"Content-Type": "text/html"}, b"<h1>Application error</h1>")

    with serve(answer=down) as url:
        response = session.get(url, timeout=5)
    assert (response.status_code, response.text) == (503, "<h1>Application error</h1>")


def test_answer_function_can_close_the_connection(session):
    def hang_up(_url, _headers):
        raise ConnectionResetError

    with serve(answer=hang_up) as url, pytest.raises(requests.ConnectionError):
        session.get(url, timeout=5)


def test_stops_listening_after_the_context():
    with serve() as url:
        pass
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_closes_open_connections_after_the_context(session):
    with serve() as url:
        assert session.get(url, headers=KEY, timeout=5).status_code == 200
    with pytest.raises(requests.ConnectionError):
        session.get(url, headers=KEY, timeout=5)


def test_late_answer_is_not_sent_after_the_context():
    asked, ended = threading.Event(), threading.Event()

    def late(_url, _headers):
        asked.set()
        ended.wait(5)
        return Answer(200, {}, b"late")

    with serve(answer=late) as url:
        connection = connect(url)
        connection.sendall(REQUEST)
        assert asked.wait(5)
    ended.set()
    with connection:
        assert connection.recv(65_536) == b""


def test_module_serves_until_interrupted():
    command = [sys.executable, "-m", "neo_utils.sample.service"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            url = process.stdout.readline().strip().removeprefix("API_URL=")
            response = requests.get(url, params={"size": 1}, headers=KEY, timeout=5)
            assert len(json.loads(response.content)["near_earth_objects"]) == 1
        finally:
            process.terminate()
