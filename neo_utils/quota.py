"""The service's rate limit: how much is left, how to slow down before it, how long to stay away."""

import datetime as dt
import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

# NeoWs counts the requests of the last hour: https://api.nasa.gov, "Web Service Rate Limits".
HOUR_S = 3600
LONGEST_RETRY_AFTER_S = 86_400  # DEMO_KEY counts days, too; more is nothing to plan with

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
        self._pause_s = pause_s(
            _count(headers.get("X-RateLimit-Limit")), _count(headers.get("X-RateLimit-Remaining"))
        )

    def take_turn(self) -> None:
        """Wait for the next request's turn, where the quota runs low."""
        with self._turn:  # one after the other: each waits its own pause
            self.wait(self._pause_s, "slowing down before the rate limit")

    def wait(self, seconds: float, reason: str) -> bool:
        """Wait and return True, or return False at once where that is too long, or in vain."""
        if seconds > self._longest_wait_s:
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
    """
    if not limit or remaining is None or remaining > limit * _RESERVE_SHARE:
        return 0.0
    return HOUR_S / limit


def retry_after_s(value: str | None, now: dt.datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, at most a day.

    It may be a number of seconds or a date (RFC 9110, section 10.2.3). None for 0, a date that is
    past, and anything else: nothing to plan with.
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        seconds = float(value)
    else:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        # "-0000" gives a time without a zone; HTTP dates are in GMT.
        seconds = (until.replace(tzinfo=until.tzinfo or dt.UTC) - now).total_seconds()
    return min(seconds, LONGEST_RETRY_AFTER_S) if seconds > 0 else None


def _count(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() else None
