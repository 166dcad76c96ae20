import datetime as dt
from email.utils import format_datetime

import pytest

from neo_utils.errors import RateLimitReached, ServiceFailure
from neo_utils.neows import transport
from neo_utils.neows.client import get_page, without_key
from neo_utils.neows.rate_limit import Pace
from neo_utils.neows.service import Service, service_of
from neo_utils.neows.transport import open_session
from neo_utils.positions import Batch
from neo_utils.sample.catalogue import AS_OF
from neo_utils.sample.service import Answer, serve

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
OK = Answer(200, {}, b"{}")
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def get(answer):
    with serve(answer=answer) as url, open_session(KEY) as session:
        return get_page(session, Service("nasa", url), Batch(41), Pace(0, print))


def test_key_is_sent_in_header_not_in_url():
    seen = []

    def listen(url, headers):
        seen.append((url, headers))
        return OK

    page = get(listen)
    ((url, headers),) = seen
    assert headers["X-Api-Key"] == KEY
    assert url == "/neo/rest/v1/neo/browse?page=2&size=20"
    assert KEY not in page.url


def dated(date):
    headers = {} if date is None else {"Date": date}
    return get(lambda *_: Answer(200, headers, b"{}")).fetched_at


@pytest.mark.parametrize("days", [-6.9, -1, 0, 0.9])
def test_fetch_time_is_the_date_header(days):
    date = NOW + dt.timedelta(days=days)
    assert dated(format_datetime(date, usegmt=True)) == date


@pytest.mark.parametrize(
    "date",
    [
        *(None, "yesterday", "Mon, 02 Jan 1995 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"),
        *(format_datetime(NOW + dt.timedelta(days=days), usegmt=True) for days in (-8, 2)),
    ],
)
def test_fetch_time_is_local_clock_without_plausible_date(date):
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    assert before <= dated(date) <= dt.datetime.now(dt.UTC)


def test_fetch_time_of_sample_is_fixed():
    with open_session(KEY) as session:
        page = get_page(session, service_of("sample"), Batch(1), Pace(0, print))
    assert page.fetched_at == AS_OF


def test_retries_temporary_fault():
    answers = iter([Answer(503, {}, b"<h1>Application error</h1>"), OK])
    assert get(lambda *_: next(answers)).body == b"{}"


@pytest.mark.parametrize("status", [404, 500, 503])
def test_permanent_fault_is_one_line_with_status(status, monkeypatch):
    monkeypatch.setattr(transport, "_RETRIES", 1)
    with pytest.raises(ServiceFailure, match=f"status {status}") as failure:
        get(lambda *_: Answer(status, {}, b"<html>" * 100))
    assert "\n" not in str(failure.value)


def test_rejected_key_is_reported_with_code_and_link():
    body = b'{"error": {"code": "API_KEY_INVALID", "message": "An invalid api_key"}}'
    with pytest.raises(ServiceFailure, match=r"API_KEY_INVALID.*https://api\.nasa\.gov") as failure:
        get(lambda *_: Answer(403, {}, body))
    assert KEY not in str(failure.value)


def test_redirect_is_not_followed():
    requested = []

    def redirect(url, _):
        requested.append(url)
        return Answer(302, {"Location": "https://example.org/elsewhere"}, b"")

    with pytest.raises(
        ServiceFailure, match=r"redirects to example\.org\. The redirect was not followed"
    ):
        get(redirect)
    assert len(requested) == 1


@pytest.mark.parametrize(("seconds", "minutes"), [("2870", 47), ("0", 59), ("soon", 59)])
def test_rate_limit_message_states_when_to_retry(seconds, minutes):
    earliest = dt.datetime.now() + dt.timedelta(minutes=minutes)
    with pytest.raises(RateLimitReached) as failure:
        get(lambda *_: Answer(429, {"Retry-After": seconds}, b"<html></html>"))
    retry_at = str(failure.value).partition("after ")[2].partition(",")[0]
    assert dt.datetime.strptime(retry_at, "%H:%M on %Y-%m-%d") >= earliest.replace(second=0) - (
        dt.timedelta(minutes=1)
    )


def test_refused_connection_is_one_line(monkeypatch):
    monkeypatch.setattr(transport, "_RETRIES", 0)
    with serve() as url:
        pass
    with pytest.raises(ServiceFailure, match="does not answer") as failure, open_session(KEY) as s:
        get_page(s, Service("nasa", url), Batch(1), Pace(0, print))
    assert "0x" not in str(failure.value)


def test_retries_closed_connection():
    calls = []

    def hang_up_once(*_):
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError
        return OK

    assert get(hang_up_once).body == b"{}"


@pytest.mark.parametrize(
    "form", ["a+key/with=signs-0123456789", "a%2Bkey%2Fwith%3Dsigns-0123456789"]
)
def test_key_is_removed_from_links_in_any_encoding(form):
    body = f'{{"self": "http://api.nasa.gov/neo/1?api_key={form}", "note": "{form}"}}'.encode()
    assert without_key(body, "a+key/with=signs-0123456789") == (
        b'{"self": "http://api.nasa.gov/neo/1?api_key=REDACTED", "note": "REDACTED"}'
    )


def test_label_names_the_service():
    assert service_of("nasa").label == "NASA NeoWs"
    assert service_of("sample").label == "simulated sample, not NASA data"
    # A user's own service is not labelled as NASA's.
    assert Service("nasa", "http://127.0.0.1:8000/browse").label == "NeoWs at 127.0.0.1"
