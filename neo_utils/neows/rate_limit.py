"""The service's rate limit: how much is left, how to slow down before it, how long to stay away."""

import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from neo_utils.settings.run_settings import LONGEST_RETRY_AFTER_S

# NeoWs counts the requests of the last hour, and DEMO_KEY's of the last day, too:
# https://api.data.gov/docs/rate-limits. What was asked at 10:15 is given back at 11:15.
HOUR_S = 3600
_DAY_HOURS = 24
_YEAR_OF_HTTP = 1991  # an earlier date is no answer's

# The last tenth of the quota is asked for at the pace at which the hour gives it back.
_RESERVE_SHARE = 0.1


class Pace:
    """The pace of requests, shared by all connections of a session.

    Parameters
    ----------
    longest_wait_s
        Waits of at most this many seconds are waited; for a longer one ``wait`` returns False.
    tell
        Called with a short text before every wait, and with an empty one after it.
    """

    def __init__(self, longest_wait_s: float, tell: Callable[[str], object]) -> None:
        self._longest_wait_s = longest_wait_s
        self._tell = tell
        self._pause_s = 0.0
        self._turn = threading.Lock()
        self._stopped = threading.Event()

    def note(self, headers: Mapping[str, str]) -> None:
        """Take note of an answer's ``X-RateLimit-Limit`` and ``X-RateLimit-Remaining``."""
        limit, remaining = headers.get("X-RateLimit-Limit"), headers.get("X-RateLimit-Remaining")
        self._pause_s = pause_s(count_of(limit), count_of(remaining))

    def take_turn(self) -> None:
        """Wait for the next request's turn, where the quota runs low."""
        with self._turn:  # one after the other: each waits its own pause
            self.wait(self._pause_s, "slowing down before the rate limit")

    def wait(self, seconds: float, reason: str, waited_s: float = 0) -> bool:
        """Wait and return True, or return False at once where that is too long, or in vain.

        ``waited_s`` seconds have been waited for the same thing already: they count as well.
        """
        if waited_s + seconds > self._longest_wait_s:
            return False
        if seconds > 0:
            self._tell(f"{reason}: {seconds:.0f} s")
            self._stopped.wait(seconds)
            self._tell("")
        return not self._stopped.is_set()

    def stop(self) -> None:
        """End all waits: the run has failed elsewhere, or was interrupted."""
        self._stopped.set()


def pause_s(limit: int | None, remaining: int | None) -> float:
    """Return how many seconds to leave before the next request.

    Parameters
    ----------
    limit, remaining
        Requests an hour, and those that are left of them; None where the service did not say.

    Examples
    --------
    >>> pause_s(limit=1_000, remaining=400)
    0.0
    >>> pause_s(limit=1_000, remaining=100)
    3.6
    """
    if not limit or remaining is None or remaining > limit * _RESERVE_SHARE:
        return 0.0
    return HOUR_S / limit


def hours_until_last(requests: int, hourly: int, daily: int) -> int:
    """Return after how many hours the last of these requests is allowed, the first going now.

    Each hour's requests go at once as soon as the limits of an hour and of a day, both rolling,
    leave room for them.

    Examples
    --------
    The whole catalogue by a key of one's own; 1,200 NEOs by DEMO_KEY, whose day has 50 requests:

    >>> hours_until_last(2_050, hourly=1_000, daily=24_000)
    2
    >>> hours_until_last(60, hourly=30, daily=50)
    24
    """
    sent: list[int] = []  # in each hour from now on
    while requests > 0:
        of_last_day = sum(sent[-(_DAY_HOURS - 1) :])
        sent.append(min(requests, hourly, daily - of_last_day))
        requests -= sent[-1]
    return len(sent) - 1


def retry_after_s(value: str | None, now: dt.datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, at most a day.

    It may be a number of seconds or a date (RFC 9110, section 10.2.3). None for 0, a date that is
    past, and anything else: nothing to plan with.

    Examples
    --------
    >>> now = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> retry_after_s("2870", now), retry_after_s("Sun, 01 Mar 2026 12:05:00 GMT", now)
    (2870.0, 300.0)
    >>> retry_after_s("later", now) is None
    True
    """
    if value is not None and re.fullmatch(r"\d+", value.strip(), re.ASCII):
        seconds = float(value)
    else:
        until = http_date(value)
        seconds = (until - now).total_seconds() if until else 0
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds > 0 else None


def http_date(value: str | None) -> dt.datetime | None:
    """Return the instant (UTC) that a header such as ``Date`` names, or None for rubbish."""
    try:
        date = parsedate_to_datetime(value or "")
        # "-0000" gives a time without a zone; HTTP dates are in GMT.
        date = date.replace(tzinfo=date.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return date if date.year >= _YEAR_OF_HTTP else None


def count_of(value: str | None) -> int | None:
    """Return the number of requests that a header names, or None for rubbish."""
    return int(value) if value and re.fullmatch(r"\d{1,9}", value, re.ASCII) else None
