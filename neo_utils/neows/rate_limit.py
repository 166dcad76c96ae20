"""The service's rate limit: track the remaining quota, slow down near its end, and wait."""

import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from neo_utils.settings.service_address import LONGEST_RETRY_AFTER_S

# NeoWs limits the requests of the last hour, and for DEMO_KEY also those of the last day. A request
# sent at 10:15 is available again at 11:15. https://api.data.gov/docs/rate-limits
HOUR_S = 3600
_DAY_HOURS = 24
_RESERVE_SHARE = 0.1


class Pace:
    """Limit the rate of requests over all connections of a session.

    Parameters
    ----------
    longest_wait_s
        The longest wait. If more is needed, ``wait`` returns False.
    report
        Called with a short text before each wait, and with an empty text after it.
    """

    def __init__(self, longest_wait_s: float, report: Callable[[str], object]) -> None:
        self._longest_wait_s = longest_wait_s
        self._report = report
        self._pause_s = 0.0
        self._turn = threading.Lock()
        self._stopped = threading.Event()

    def update(self, headers: Mapping[str, str]) -> None:
        """Set the pause before each request, from the remaining quota.

        Once a tenth of it is left, requests are sent no faster than the quota is restored.
        """
        limit, remaining = (
            count_of(headers.get(f"X-RateLimit-{name}")) for name in ("Limit", "Remaining")
        )
        if limit and remaining is not None and remaining <= limit * _RESERVE_SHARE:
            self._pause_s = HOUR_S / limit
        else:
            self._pause_s = 0.0

    def take_turn(self) -> None:
        """Wait before the next request if the quota is low."""
        with self._turn:  # connections wait one after the other
            self.wait(self._pause_s, "slowing down before the rate limit")

    def wait(self, seconds: float, reason: str, waited_s: float = 0) -> bool:
        """Wait and return True; return False if the wait is too long or was stopped.

        ``waited_s`` is the time already spent waiting for the same answer; it counts as well.
        """
        if waited_s + seconds > self._longest_wait_s:
            return False
        if seconds > 0:
            self._report(f"{reason}: {seconds:.0f} s")
            self._stopped.wait(seconds)
            self._report("")
        return not self._stopped.is_set()

    def stop(self) -> None:
        """End all waits, because the run failed elsewhere or was interrupted."""
        self._stopped.set()


def hours_until_last(requests: int, hourly: int, daily: int) -> int:
    """Return after how many hours the last of these requests is allowed.

    The first request is sent now, and later ones as soon as the rolling hourly and daily limits
    allow.

    Examples
    --------
    The whole catalogue with a registered key; 1,200 NEOs with DEMO_KEY (50 requests per day):

    >>> hours_until_last(2_050, hourly=1_000, daily=24_000)
    2
    >>> hours_until_last(60, hourly=30, daily=50)
    24
    """
    days, of_last_day = divmod(requests - 1, min(daily, _DAY_HOURS * hourly))
    return _DAY_HOURS * days + of_last_day // hourly


def retry_after_s(value: str | None, now: dt.datetime) -> float | None:
    """Return the wait that a ``Retry-After`` header requests, at most a day, in seconds.

    It may be a number of seconds or a date (RFC 9110, section 10.2.3). None for 0, a past date, or
    an invalid value.

    Examples
    --------
    >>> now = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> retry_after_s("2870", now), retry_after_s("Sun, 01 Mar 2026 12:05:00 GMT", now)
    (2870.0, 300.0)
    >>> retry_after_s("later", now) is None
    True
    """
    value = (value or "").strip()
    if re.fullmatch(r"\d+", value, re.ASCII):
        seconds = float(value)
    else:
        until = http_date(value)
        seconds = (until - now).total_seconds() if until else 0
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds > 0 else None


def http_date(value: str | None) -> dt.datetime | None:
    """Return the time (UTC) in a header such as ``Date``, or None if it is not valid."""
    try:
        date = parsedate_to_datetime(value or "")
        # "-0000" yields a time without a zone; HTTP dates are in GMT.
        return date.replace(tzinfo=date.tzinfo or dt.UTC).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def count_of(value: str | None) -> int | None:
    """Return the number of requests in a header, or None if it is not valid."""
    return int(value) if value and re.fullmatch(r"\d{1,9}", value, re.ASCII) else None
