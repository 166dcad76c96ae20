"""The rate limit: read its headers, slow down, wait, stop."""

import datetime as dt
import io
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from neo_utils.errors import RateLimitReached
from neo_utils.fetch.progress import page_progress, show_wait
from neo_utils.neows import rate_limit
from neo_utils.neows.client import get_page
from neo_utils.neows.rate_limit import Pace, count_of, hours_until_last, http_date, retry_after_s
from neo_utils.neows.service import Service
from neo_utils.neows.transport import open_session
from neo_utils.positions import Batch
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import read_run_settings
from tests.faulty_service import http, serve_faults

KEY = "canary" + "-of-the-quota-tests"
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
DAY_S = 86_400


def headers(limit, remaining):
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}


@pytest.mark.parametrize(
    ("limit", "remaining", "pauses"),
    [
        (1000, 999, []),
        (1000, 101, []),
        (1000, 100, [3.6]),  # the last tenth, at the rate at which it is restored
        (1000, 0, [3.6]),
        (2000, 200, [1.8]),
        (30, 4, []),
        (30, 3, [120]),
        (1, 0, [3600]),
        (0, 0, []),
    ],
)
def test_last_tenth_of_quota_is_spread_over_the_hour(limit, remaining, pauses, clock):
    pace = Pace(3600, print)
    pace.update(headers(limit, remaining))
    pace.take_turn()
    assert clock.waits == pytest.approx(pauses)


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
        *(None, "", "0", "000", "-1", "+5", "1.5", "1e3", "inf", "soon", "30, 60"),
        "٣٠",  # Arabic digits, which Python's int accepts
        "Sun, 22 Nov 2026 12:00:00 GMT",  # now
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sun, 32 Nov 2026 12:00:45 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",  # beyond the largest date
        "Mon, 01 Jan 2030 00:00:00 +99999999999999",
        "Mon, 01 Jan 0000 00:00:00 GMT",
    ],
)
def test_retry_after_ignores_invalid_values(value):
    assert retry_after_s(value, NOON) is None


@given(
    st.text()
    | st.builds(
        "Sun, {} {} {} {}:{}:{} {}".format,
        st.integers(-1, 99),
        st.sampled_from(["Jan", "Feb", "dec", "13"]),
        st.integers(-1, 10**12),
        *[st.integers(-1, 99)] * 3,
        st.sampled_from(["GMT", "-0000", "EST", "+9999", "-99999999999", ""]),
    ),
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
def test_invalid_quota_is_ignored(value, clock):
    pace = Pace(3600, print)
    pace.update({"X-RateLimit-Limit": value, "X-RateLimit-Remaining": "0"})
    pace.take_turn()
    pace.update({"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": value})
    pace.take_turn()
    assert clock.waits == []


@pytest.mark.parametrize("name", ["X-Ratelimit-", "x-ratelimit-", "X-RATELIMIT-"])
def test_quota_headers_are_case_insensitive(name, clock):
    quota = {f"{name}Limit": "1000", f"{name}Remaining": "50"}
    with serve_faults(lambda *_: [http(b"{}", **quota)]) as faulty:
        pace = Pace(60, print)
        ask(faulty, pace)
        pace.take_turn()
    assert clock.waits == [3.6]


def ask(faulty, pace):
    with open_session(KEY) as session:
        return get_page(session, Service("nasa", faulty.url), Batch(1), pace)


def test_wait_is_reported_before_and_after_unless_it_is_too_long(clock):
    reports = []
    pace = Pace(60, reports.append)
    assert not pace.wait(60.5, "waiting")
    assert (clock.waits, reports) == ([], [])
    assert pace.wait(60, "waiting for the rate limit")
    assert (clock.waits, reports) == ([60], ["waiting for the rate limit: 60 s", ""])


def test_stop_ends_a_wait():
    waiting = threading.Event()
    pace = Pace(60, lambda text: text and waiting.set())
    with ThreadPoolExecutor() as pool:
        wait = pool.submit(pace.wait, 50, "waiting")
        assert waiting.wait(5)
        pace.stop()
        assert wait.result(timeout=5) is False
    assert not pace.wait(0.01, "after the end")


def test_connections_pause_one_after_the_other(monkeypatch):
    is_waiting, waits = threading.Lock(), []

    class Event(threading.Event):
        def wait(self, timeout=None):
            waits.append((timeout, is_waiting.acquire(blocking=False)))
            time.sleep(0.005)
            is_waiting.release()

    monkeypatch.setattr(rate_limit, "threading", SimpleNamespace(Event=Event, Lock=threading.Lock))
    pace = Pace(60, lambda _: None)
    pace.update(headers(1000, 7))
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(pace.take_turn)
    assert waits == [(3.6, True)] * 4


@pytest.mark.parametrize(
    ("limit", "longest_wait", "last"),
    [
        (1000, {}, [356.4, 360.0]),  # the last 100 requests are 3.6 s apart
        (30, {}, [0.0, 0.0]),  # DEMO_KEY: the pauses are longer than the longest wait
        (30, {"WAIT": "1"}, [240.0, 360.0]),
    ],
)
def test_last_tenth_of_requests_is_spread_over_the_hour(limit, longest_wait, last, clock):
    settings = read_run_settings(None, longest_wait, env_file=PROJECT / "no-such-file")
    pace, times = Pace(settings.longest_wait_s, lambda _: None), []
    for remaining in reversed(range(limit)):
        pace.take_turn()
        times.append(clock.now)
        pace.update(headers(limit, remaining))
    assert set(times[: limit * 9 // 10]) == {0.0}
    assert times[-2:] == pytest.approx(last)


@given(st.integers(1, 400), st.integers(1, 40), st.integers(1, 60))
def test_hours_until_last_is_minimal_within_limits(requests, hourly, daily):
    # Brute force: a request may follow the one `hourly` before it after an hour; same for the day.
    left = []
    for n in range(requests):
        of_hour = left[n - hourly] + 1 if n >= hourly else 0
        of_day = left[n - daily] + 24 if n >= daily else 0
        left.append(max(of_hour, of_day))
    assert hours_until_last(requests, hourly, daily) == left[-1]


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("2870", 2870), ("0", 3600), ("soon", 3600), (None, 3600)]
)
def test_rate_limit_message_states_when_to_retry(retry_after, seconds):
    earliest = dt.datetime.now() + dt.timedelta(seconds=seconds)
    with (
        serve_faults(lambda *_: [http(status=429, Retry_After=retry_after)]) as faulty,
        pytest.raises(RateLimitReached, match="or add WAIT=1 to wait") as failure,
    ):
        ask(faulty, Pace(60, print))
    assert faulty.requests == {0: 1}
    retry_at = re.search(r"Run the same command again after (.*?),", str(failure.value))[1]
    # At most two minutes after the service accepts requests again, and not before.
    late = dt.datetime.strptime(retry_at, "%H:%M on %Y-%m-%d") - earliest
    assert dt.timedelta(0) <= late < dt.timedelta(minutes=2)


@pytest.mark.parametrize(("retry_after", "seconds"), [("2870", 2870), ("0", 3600), (NOON, 30)])
def test_waits_for_the_rate_limit_if_allowed(retry_after, seconds, clock):
    if retry_after == NOON:
        retry_after = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30))
    answers = iter([http(status=429, Retry_After=retry_after), http(b"{}")])
    with serve_faults(lambda *_: [next(answers)]) as faulty:
        assert ask(faulty, Pace(3600, print)).body == b"{}"
    assert clock.waits == [pytest.approx(seconds, abs=5)]


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
