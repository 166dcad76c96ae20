"""Request one Browse page from NeoWs; any other answer becomes a one-line error."""

import datetime as dt
import re
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from neo_utils.errors import PageNotFound, RateLimitReached, ServiceFailure
from neo_utils.neows.rate_limit import HOUR_S, Pace, http_date, retry_after_s
from neo_utils.neows.service import Service
from neo_utils.neows.transport import IncompleteAnswer, body_of, send_request
from neo_utils.positions import BATCH_SIZE, Batch
from neo_utils.settings.service_address import DEMO_KEY, KEYS_ARE_GIVEN_AT

# Error codes of the gateway: https://api.data.gov/docs/developer-manual/
_ERROR_CODE = re.compile(rb'"code"\s*:\s*"(API_KEY_[A-Z]{1,20}|HTTPS_REQUIRED)"')

# How far an answer's Date may be behind or ahead of this machine's clock.
_LARGEST_LAG, _LARGEST_LEAD = dt.timedelta(days=7), dt.timedelta(days=1)


class Answer(NamedTuple):
    """A Browse page as received, with all keys removed."""

    body: bytes
    url: str
    fetched_at: dt.datetime


def get_page(session: requests.Session, service: Service, batch: Batch, pace: Pace) -> Answer:
    """Return the page of ``batch``, waiting for the rate limit as long as ``pace`` allows.

    Raises
    ------
    RateLimitReached
        On status 429, if the total wait would be too long.
    PageNotFound
        On status 404.
    IncompleteAnswer
        If the body is incomplete, too slow or too large.
    ServiceFailure
        On any other status except 200, or if no answer arrives.
    """
    url = f"{service.url}?page={batch.page_number}&size={BATCH_SIZE}"
    waited_s = 0.0
    while True:
        pace.take_turn()
        with send_request(session, url) as response:
            pace.update(response.headers)
            if response.status_code != requests.codes.too_many_requests:
                _check_status(response)
                body = body_of(response)
                key = str(session.headers["X-Api-Key"])
                return Answer(without_key(body, key), url, _fetched_at(response, service))
            retry_s = retry_after_s(response.headers.get("Retry-After"), dt.datetime.now(dt.UTC))
        wait_s = retry_s or HOUR_S
        if not pace.wait(wait_s, "waiting for the rate limit", waited_s):
            raise _rate_limit_reached(wait_s)
        waited_s += wait_s


def without_key(body: bytes, api_key: str) -> bytes:
    """Return ``body`` with every copy of the caller's key replaced by REDACTED.

    The service repeats the key in the ``links`` of every object: plain, percent-encoded or
    JSON-escaped.

    Examples
    --------
    >>> without_key(b'{"self": "http://host/neo/1?api_key=a%2Fb&page=0"}', "a/b")
    b'{"self": "http://host/neo/1?api_key=REDACTED&page=0"}'
    """
    if api_key != DEMO_KEY:
        body = re.sub(b"".join(map(_spellings, api_key)), b"REDACTED", body)
    return re.sub(rb'(api_key=)[^"&\\\s]+', rb"\1REDACTED", body)


def _spellings(character: str) -> bytes:
    """Return a pattern for all encodings of a character of the key in a URL within JSON."""
    plain = re.escape(character.encode())
    if character.isalnum():  # never encoded
        return plain
    return rb"(?:\\?%s|%%(?:25)*(?i:%02x)|\\u(?i:%04x))" % (plain, ord(character), ord(character))


def _check_status(response: requests.Response) -> None:
    host = urlsplit(response.url).netloc
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise ServiceFailure(
            f"{host} rejected the API key{_error_code(response)}. Check API_KEY, or get a new key "
            f"at {KEYS_ARE_GIVEN_AT}"
        )
    if response.is_redirect:
        raise ServiceFailure(
            f"{host} redirects to {_target(response)}. The redirect was not followed, because it "
            "would send your key there. Check API_URL"
        )
    if response.status_code == requests.codes.not_found:
        raise PageNotFound(f"{host} has no such page (status 404). Check API_URL")
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(
            f"{host} answered with status {response.status_code}{_error_code(response)}"
        )


def _fetched_at(response: requests.Response, service: Service) -> dt.datetime:
    """Return the answer's Date header (UTC), or this machine's time if it is not plausible."""
    listed = http_date(response.headers.get("Date"))
    if listed and service.source == "sample":  # a fixed date, so equal pages give equal files
        return listed
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    # A date in the future would make this batch the newest forever; with a date in the past, later
    # approaches would count as predicted. A cache may delay an answer by days, but not by weeks.
    is_plausible = listed and now - _LARGEST_LAG < listed < now + _LARGEST_LEAD
    return listed if listed and is_plausible else now


def _rate_limit_reached(wait_s: float) -> RateLimitReached:
    # The message shows whole minutes: round up, never down.
    again = dt.datetime.now().astimezone() + dt.timedelta(seconds=wait_s + 60)
    return RateLimitReached(
        "the service's rate limit is reached. Run the same command again after "
        f"{again:%H:%M on %Y-%m-%d}, or add WAIT=1 to wait automatically"
    )


def _error_code(response: requests.Response) -> str:
    """Return the gateway's error code, such as API_KEY_INVALID, if the body contains one."""
    with suppress(IncompleteAnswer):
        if code := _ERROR_CODE.search(body_of(response)):
            return f" ({code[1].decode()})"
    return ""


def _target(response: requests.Response) -> str:
    """Return the target host of a redirect if it is a plain name without the key."""
    location, key = response.headers["Location"], str(response.request.headers["X-Api-Key"])
    host = re.match(r"(?:https?:)?//([a-z\d.-]{1,253})(?::\d+)?(?![^/?#])", location, re.I | re.A)
    return host[1] if host and key.lower() not in host[1].lower() else "another address"
