import datetime as dt
from email.utils import format_datetime

import pytest

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
    # Both test processes must use the same names, which the current time is not part of.
    ids=["no date", "text", "1995", "9999", "8 days ago", "in 2 days"],
)
def test_fetch_time_is_local_clock_without_plausible_date(date):
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    assert before <= dated(date) <= dt.datetime.now(dt.UTC)


def test_fetch_time_of_sample_is_fixed():
    with open_session(KEY) as session:
        page = get_page(session, service_of("sample"), Batch(1), Pace(0, print))
    assert page.fetched_at == AS_OF


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
