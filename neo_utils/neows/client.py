"""Ask NeoWs for one Browse page; every answer but a page becomes a failure in one line."""

import datetime as dt
import re
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from neo_utils.errors import PageAbsent, RateLimitReached, ServiceFailure
from neo_utils.neows.rate_limit import HOUR_S, Pace, http_date, retry_after_s
from neo_utils.neows.service import Service
from neo_utils.neows.transport import AnswerBroken, ask, body_of
from neo_utils.positions import BATCH_SIZE, Batch
from neo_utils.settings.service_address import DEMO_KEY, KEYS_ARE_GIVEN_AT

# The gateway's reasons: https://api.data.gov/docs/developer-manual/
_ERROR_CODE = re.compile(rb'"code"\s*:\s*"(API_KEY_[A-Z]{1,20}|HTTPS_REQUIRED)"')

# How far an answer's Date may differ from this machine's clock: before it, after it.
_OLDEST_DATE, _NEWEST_DATE = dt.timedelta(days=7), dt.timedelta(days=1)


class Answer(NamedTuple):
    """A Browse page as received, all keys removed."""

    body: bytes
    url: str
    fetched_at: dt.datetime


def get_page(session: requests.Session, service: Service, batch: Batch, pace: Pace) -> Answer:
    """Return the page of ``batch``, waiting for quota where the pace allows it.

    Raises
    ------
    RateLimitReached
        On status 429, where the waits together would be too long.
    PageAbsent
        On status 404.
    AnswerBroken
        Where the body breaks off, comes too slowly or is too large.
    ServiceFailure
        On any other status but 200, and where no answer came.
    """
    url = f"{service.url}?page={batch.page_number}&size={BATCH_SIZE}"
    waited_s = 0.0
    while True:
        pace.take_turn()
        with ask(session, url) as response:
            pace.note(response.headers)
            if response.status_code != requests.codes.too_many_requests:
                _check_status(response)
                body = body_of(response)
                key = str(session.headers["X-Api-Key"])
                return Answer(without_key(body, key), url, _fetched_at(response, service))
            asked_s = retry_after_s(response.headers.get("Retry-After"), dt.datetime.now(dt.UTC))
        wait_s = asked_s or HOUR_S
        if not pace.wait(wait_s, "waiting for the rate limit", waited_s):
            raise _rate_limit_reached(wait_s)
        waited_s += wait_s


def without_key(body: bytes, api_key: str) -> bytes:
    """Return ``body`` with the caller's key replaced by REDACTED wherever it stands.

    The service repeats the key in the ``links`` of every object: in plain form, percent-encoded, or
    with the escapes of JSON.

    Examples
    --------
    >>> without_key(b'{"self": "http://host/neo/1?api_key=a%2Fb&page=0"}', "a/b")
    b'{"self": "http://host/neo/1?api_key=REDACTED&page=0"}'
    """
    if api_key != DEMO_KEY:
        body = re.sub(b"".join(map(_spellings, api_key)), b"REDACTED", body)
    return re.sub(rb'(api_key=)[^"&\\\s]+', rb"\1REDACTED", body)


def _spellings(character: str) -> bytes:
    """Return the pattern of a key's character in an address within JSON."""
    plain = re.escape(character.encode())
    if character.isalnum():  # nobody encodes those
        return plain
    return rb"(?:\\?%s|%%(?:25)*(?i:%02x)|\\u(?i:%04x))" % (plain, ord(character), ord(character))


def _check_status(response: requests.Response) -> None:
    host = urlsplit(response.url).netloc
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise ServiceFailure(
            f"{host} refuses the API key{_error_code(response)}: check API_KEY; "
            f"keys are given at {KEYS_ARE_GIVEN_AT}"
        )
    if response.is_redirect:
        raise ServiceFailure(
            f"{host} redirects to {_target(response)}: not followed, since the key would travel "
            "there; check API_URL"
        )
    if response.status_code == requests.codes.not_found:
        raise PageAbsent(f"{host} knows no such page (status 404): check API_URL")
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(
            f"{host} answers with status {response.status_code}{_error_code(response)}"
        )


def _fetched_at(response: requests.Response, service: Service) -> dt.datetime:
    """Return the answer's Date header (UTC), or this machine's time if that cannot be right."""
    listed = http_date(response.headers.get("Date"))
    if listed and service.source == "sample":  # a fixed day: the same pages give the same bytes
        return listed
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    # A batch of the future would count as the newest forever. With a date in the past, approaches
    # since then would count as predicted. A cache may answer days later, but not weeks.
    is_near = listed and now - _OLDEST_DATE < listed < now + _NEWEST_DATE
    return listed if listed and is_near else now


def _rate_limit_reached(wait_s: float) -> RateLimitReached:
    # Rounded up, since minutes are shown.
    again = dt.datetime.now().astimezone() + dt.timedelta(seconds=wait_s + 59)
    return RateLimitReached(
        f"the service's rate limit is reached: run the same command again after "
        f"{again:%H:%M on %Y-%m-%d}, or with WAIT=1 to wait for it"
    )


def _error_code(response: requests.Response) -> str:
    """Name the gateway's reason, such as API_KEY_INVALID, where the body gives one."""
    with suppress(AnswerBroken):
        if code := _ERROR_CODE.search(body_of(response)):
            return f" ({code[1].decode()})"
    return ""


def _target(response: requests.Response) -> str:
    """Name the host that a redirect leads to, if it has a plain name that tells no key."""
    location, key = response.headers["Location"], str(response.request.headers["X-Api-Key"])
    host = re.match(r"(?:https?:)?//([a-z\d.-]{1,253})(?::\d+)?(?![^/?#])", location, re.I | re.A)
    return host[1] if host and key.lower() not in host[1].lower() else "another address"
