"""The rate limit: read its headers, slow down, wait, stop."""

import datetime as dt
import io
import re
import sys
import threading
import time
from collections import Counter
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from neo_utils.errors import RateLimitReached
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.fetch.progress import page_progress, show_wait
from neo_utils.neows import rate_limit
from neo_utils.neows.client import get_page
from neo_utils.neows.rate_limit import (
    Pace,
    count_of,
    hours_until_last,
    http_date,
    pause_s,
    retry_after_s,
)
from neo_utils.neows.service import Service
from neo_utils.neows.transport import open_session
from neo_utils.positions import Batch
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import read_run_settings
from tests.faulty_service import http, sample_page, serve_faults

KEY = "canary" + "-of-the-quota-tests"
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DAY_S = 86_400

# As observed in 2023: HTML instead of JSON.
NASA_429 = http(
    b"<html><head><title>429 Too Many Requests</title></head><body>slow down</body></html>",
    429,
    Content_Type="text/html",
    Retry_After="2870",
    X_RateLimit_Remaining="0",
)


def headers(limit, remaining):
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}


@pytest.mark.parametrize(
    ("limit", "remaining", "seconds"),
    [
        (1000, 999, 0),
        (1000, 101, 0),
        (1000, 100, 3.6),  # the last tenth, at the rate at which it is restored
        (1000, 0, 3.6),
        (2000, 200, 1.8),
        (30, 4, 0),
        (30, 3, 120),
        (1, 0, 3600),
        (0, 0, 0),
        (None, 0, 0),
        (1000, None, 0),
        (None, None, 0),
    ],
)
def test_last_tenth_of_quota_is_spread_over_the_hour(limit, remaining, seconds):
    assert pause_s(limit, remaining) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2870", 2870),
        (" 30 ", 30),
        ("1", 1),
        ("007", 7),
        ("86400", DAY_S),
        ("86401", DAY_S),  # a day at most
        ("9" * 5000, DAY_S),
        ("Sun, 22 Nov 2026 12:00:45 GMT", 45),
        ("Sun, 22 Nov 2026 12:00:45 -0000", 45),  # no zone means GMT in HTTP
        ("Sun, 22 Nov 2026 13:00:45 +0100", 45),
        ("Sunday, 22-Nov-26 12:00:45 GMT", 45),  # the two older HTTP date formats
        ("Sun Nov 22 12:00:45 2026", 45),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY_S),
        ("Fri, 31 Dec 9999 23:59:59 +1200", DAY_S),
    ],
)
def test_retry_after_accepts_seconds_and_date(value, seconds):
    assert retry_after_s(value, NOON) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "0",
        "000",
        "-1",
        "+5",
        "1.5",
        "1e3",
        "inf",
        "nan",
        "soon",
        "٣٠",  # Arabic digits, which Python's int accepts
        "²",
        "30, 60",
        "Sun, 22 Nov 2026 12:00:00 GMT",  # now
        "Sun, 22 Nov 2026 11:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sun, 32 Nov 2026 12:00:45 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",  # beyond the largest date
        "Fri, 31 Dec 99999 23:59:59 GMT",
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2030 00:00:00 +99999999999999",
        "Mon, 01 Jan 0000 00:00:00 GMT",
    ],
)
def test_retry_after_ignores_invalid_values(value):
    assert retry_after_s(value, NOON) is None


@given(
    st.one_of(
        st.text(),
        st.text("0123456789 -+.,:GMTSunNov"),
        st.integers().map(str),
        st.datetimes().map(format_datetime),
        st.builds(
            "{}, {} {} {} {}:{}:{} {}".format,
            st.sampled_from(["Sun", "", "Xxx"]),
            *[st.integers(-1, 99)],
            st.sampled_from(["Jan", "Feb", "dec", "13"]),
            st.integers(-1, 10**12),
            *[st.integers(-1, 99)] * 3,
            st.sampled_from(["GMT", "-0000", "EST", "+9999", "-99999999999", ""]),
        ),
    )
)
@example("Mon, 01 Jan 99999999999999 00:00:00 GMT")
@example("1" * 400)
def test_retry_after_is_positive_and_at_most_a_day(value):
    seconds = retry_after_s(value, NOON)
    assert seconds is None or 0 < seconds <= DAY_S
    date = http_date(value)
    assert date is None or date.utcoffset() == dt.timedelta(0)
    assert count_of(value) is None or 0 <= count_of(value) < 10**9


def test_date_without_zone_is_utc(monkeypatch):
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    try:
        assert http_date("Sun, 22 Nov 2026 12:00:00 -0000") == NOON
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("value", ["-1", "1,000", "many", "٣٠", "1" * 400, "1" * 5000, "", None])
def test_invalid_limit_is_none(value, clock):
    assert count_of(value) is None
    pace = Pace(60, print)
    pace.update({"X-RateLimit-Limit": value, "X-RateLimit-Remaining": "0"})
    pace.update({"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": value})
    pace.take_turn()
    assert clock.waits == []


@pytest.mark.parametrize(
    "names",
    [
        ("X-RateLimit-Limit", "X-RateLimit-Remaining"),
        ("X-Ratelimit-Limit", "X-Ratelimit-Remaining"),  # as observed in 2023
        ("x-ratelimit-limit", "x-ratelimit-remaining"),
        ("X-RATELIMIT-LIMIT", "X-RATELIMIT-REMAINING"),
    ],
)
def test_rate_limit_headers_are_case_insensitive(names, clock):
    fields = dict(zip(names, ("1000", "50"), strict=True))
    by_hand = Pace(60, print)
    by_hand.update(CaseInsensitiveDict(fields))
    by_hand.take_turn()
    assert clock.waits == [3.6]
    with serve_faults(lambda *_: [http(b"{}", **fields)]) as faulty:
        pace = Pace(60, print)
        ask(faulty, pace)
        pace.take_turn()
    assert clock.waits == [3.6, 3.6]


def ask(faulty, pace, batch=1):
    with open_session(KEY) as session:
        return get_page(session, Service("nasa", faulty.url), Batch(batch), pace)


def test_short_wait_is_reported_before_and_after(clock):
    reports = []
    assert Pace(60, reports.append).wait(60, "waiting for the rate limit")
    assert clock.waits == [60]
    assert reports == ["waiting for the rate limit: 60 s", ""]


def test_too_long_wait_is_refused(clock):
    reports = []
    assert not Pace(60, reports.append).wait(60.5, "waiting")
    assert (clock.waits, reports) == ([], [])


def test_repeated_waits_are_added_up(clock):
    pace = Pace(60, print)
    assert pace.wait(25, "waiting", 25)
    assert not pace.wait(25, "waiting", 50)
    assert clock.waits == [25]


def test_stop_ends_a_wait():
    waiting, ended = threading.Event(), []
    pace = Pace(60, lambda text: text and waiting.set())
    thread = threading.Thread(target=lambda: ended.append(pace.wait(50, "waiting")), daemon=True)
    began = time.monotonic()
    thread.start()
    assert waiting.wait(5)
    pace.stop()
    thread.join(5)
    assert ended == [False]
    assert time.monotonic() - began < 5
    assert not pace.wait(0.01, "after the end")


def test_connections_pause_one_after_the_other(monkeypatch):
    at_once, most, waited, lock = Counter(), [], [], threading.Lock()

    class Event(threading.Event):
        def wait(self, timeout=None):
            with lock:
                at_once["now"] += 1
                most.append(at_once["now"])
                waited.append(timeout)
            time.sleep(0.005)
            with lock:
                at_once["now"] -= 1

    monkeypatch.setattr(rate_limit, "threading", SimpleNamespace(Event=Event, Lock=threading.Lock))
    pace = Pace(60, lambda _: None)
    pace.update(headers(1000, 7))
    threads = [threading.Thread(target=pace.take_turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert waited == [3.6] * 4


def times_of_requests(pace, clock, limit, requests):
    """Return the time of each request to a service that counts down from its limit."""
    left = []
    for remaining in range(limit - 1, limit - 1 - requests, -1):
        pace.take_turn()
        left.append(clock.now)
        pace.update(headers(limit, remaining))
    return left


def test_last_hundred_of_thousand_requests_are_3_6_s_apart(clock):
    left = times_of_requests(Pace(60, lambda _: None), clock, 1000, 1000)
    assert set(left[:900]) == {0.0}
    assert left[900:] == pytest.approx([3.6 * n for n in range(1, 101)])


def test_demo_key_pause_is_skipped_if_longer_than_longest_wait(clock):
    # It continues to the limit, and the message states when to retry.
    assert times_of_requests(Pace(60, lambda _: None), clock, 30, 30) == [0.0] * 30
    assert clock.waits == []


def test_demo_key_requests_are_two_minutes_apart_with_wait_1(clock):
    settings = read_run_settings(None, {"WAIT": "1"}, env_file=PROJECT / "no-such-file")
    pace = Pace(settings.longest_wait_s, lambda _: None)
    assert times_of_requests(pace, clock, 30, 30)[-4:] == [0.0, 120.0, 240.0, 360.0]


@pytest.mark.parametrize(
    ("requests", "hourly", "daily", "hours"),
    [
        (1, 30, 50, 0),
        (30, 30, 50, 0),
        (40, 30, 50, 1),  # 30 at once, 10 when these are an hour old
        (50, 30, 50, 1),
        (60, 30, 50, 24),  # 50 in the first hours, 10 when the first 30 are a day old
        (81, 30, 50, 25),
        (1_000, 1_000, 24_000, 0),
        (2_050, 1_000, 24_000, 2),  # 1,000 now, 1,000 after an hour, 50 after two
        (24_001, 1_000, 24_000, 24),
    ],
)
def test_hours_until_last_applies_hourly_and_daily_limits(requests, hourly, daily, hours):
    assert hours_until_last(requests, hourly, daily) == hours


@given(st.integers(1, 400), st.integers(1, 40), st.integers(1, 60))
def test_hours_until_last_is_minimal_within_limits(requests, hourly, daily):
    # Brute force: a request may follow the one `hourly` before it after an hour; same for the day.
    left = []
    for n in range(requests):
        of_hour = left[n - hourly] + 1 if n >= hourly else 0
        of_day = left[n - daily] + 24 if n >= daily else 0
        left.append(max(of_hour, of_day))
    assert hours_until_last(requests, hourly, daily) == left[-1]


def fetch_range(url, output, longest_wait_s):
    return fetch(plan_fetch(1, 20, "nasa", url, str(output)), longest_wait_s)


def local_times(text):
    return [
        dt.datetime.strptime(found, "%H:%M on %Y-%m-%d").astimezone()
        for found in re.findall(r"\d\d:\d\d on \d{4}-\d\d-\d\d", text)
    ]


def test_status_429_stops_the_run_and_states_when_to_retry(tmp_path, monkeypatch):
    monkeypatch.setenv("API_KEY", KEY)
    with (
        serve_faults(lambda *_: [NASA_429]) as faulty,
        pytest.raises(RateLimitReached, match="Run the same command again after") as failure,
    ):
        before = dt.datetime.now().astimezone()
        fetch_range(faulty.url, tmp_path, 60)
    assert faulty.requests == {0: 1}
    assert failure.value.exit_status == 3
    (retry_at,) = local_times(str(failure.value))
    # At most two minutes after the service accepts requests again, and not before.
    assert (
        dt.timedelta(0)
        <= retry_at - (before + dt.timedelta(seconds=2870))
        < dt.timedelta(minutes=2)
    )
    assert "WAIT=1" in str(failure.value)


def test_waits_for_the_rate_limit_if_allowed(tmp_path, monkeypatch, clock):
    monkeypatch.setenv("API_KEY", KEY)
    answers = iter([NASA_429, http(sample_page(0, KEY))])
    with serve_faults(lambda *_: [next(answers)]) as faulty:
        assert fetch_range(faulty.url, tmp_path, 2870).pages == 1
    assert clock.waits == [2870]


def test_status_429_without_retry_after_waits_an_hour(tmp_path, monkeypatch, clock):
    monkeypatch.setenv("API_KEY", KEY)
    answers = iter([http(status=429, Retry_After="0"), http(sample_page(0, KEY))])
    with serve_faults(lambda *_: [next(answers)]) as faulty:
        assert fetch_range(faulty.url, tmp_path, 3600).pages == 1
    assert clock.waits == [3600]


def test_waits_until_retry_after_date(clock):
    in_half_a_minute = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30))
    answers = iter([http(status=429, Retry_After=in_half_a_minute), http(b"{}")])
    with serve_faults(lambda *_: [next(answers)]) as faulty:
        ask(faulty, Pace(60, print))
    (waited,) = clock.waits
    assert 25 < waited <= 30


def test_endless_short_waits_end_the_run(clock):
    with (
        serve_faults(lambda *_: [http(status=429, Retry_After="20")]) as faulty,
        pytest.raises(RateLimitReached),
    ):
        ask(faulty, Pace(60, print))
    assert clock.waits == [20, 20, 20]
    assert faulty.requests == {0: 4}


def test_progress_line_shows_reason_and_is_cleared(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    with page_progress() as progress:
        progress.total, progress.n = 2050, 1873
        show_wait(progress, "slowing down before the rate limit: 120 s")
        shown = terminal.getvalue()
        show_wait(progress, "")
    after = terminal.getvalue().removeprefix(shown)
    assert "slowing down before the rate limit: 120 s" in shown
    assert "1873/2050" in shown
    assert len(shown.strip("\r")) <= 80
    assert after
    assert after.strip("\r ") == ""
