"""Compare the service's first page with the contract: `make test-live`."""

import pytest

from neo_utils.errors import RunFailure
from neo_utils.neows.client import get_page
from neo_utils.neows.rate_limit import Pace, count_of
from neo_utils.neows.service import service_of
from neo_utils.neows.transport import open_session
from neo_utils.positions import Batch
from neo_utils.settings.service_address import KEYS_ARE_GIVEN_AT, NASA_URL
from neo_utils.settings.variables import api_key, setting
from neo_utils.store.page_tables import decode_page
from tests.page_comparison import differences

_report = []


class _HeadersKept(Pace):
    """A pace that never waits, and keeps the headers of the last answer."""

    def __init__(self):
        super().__init__(longest_wait_s=0, report=lambda _text: None)
        self.headers = {}

    def update(self, headers):
        self.headers = headers


def first_page(key, url):
    """Return body and headers of the first page, requested once by the project's own client.

    Without a key or an answer, the test fails in one line.
    """
    if not key:
        raise _failed(f"no API_KEY is set: get a free key at {KEYS_ARE_GIVEN_AT} for .env")
    pace = _HeadersKept()
    try:
        with open_session(key) as session:
            answer = get_page(session, service_of("nasa", url), Batch(1), pace)
    except RunFailure as failure:
        raise _failed(str(failure)) from None
    return answer.body, pace.headers


def _failed(text):
    """Return a test failure that shows only this text."""
    return pytest.fail.Exception(text, pytrace=False)


def compare(body, headers):
    """Return a line for every difference from the contract; fail if one matters."""
    found = sorted(differences(body, headers), key=lambda one: not one.matters)
    lines = [str(one) for one in found]
    if any(one.matters for one in found):
        raise _failed("\n".join(["the service has changed:", *lines]))
    page = decode_page(body, Batch(1))
    limit, left = (count_of(headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining"))
    return [
        f"first page matches the contract, {len(lines)} differences in unused fields",
        *lines,
        f"{page.neos.num_rows} of {page.catalogue_size:,} NEOs, "
        f"{page.close_approaches.num_rows:,} approaches; {left:,} of {limit:,} requests left",
    ]


@pytest.mark.live
def test_first_page_matches_the_contract():
    try:
        key, url = api_key(), setting("API_URL") or NASA_URL
    except RunFailure as failure:
        raise _failed(str(failure)) from None
    _report[:] = compare(*first_page(key, url))


def summary():
    """Return the lines about the page, if it was requested."""
    return _report
