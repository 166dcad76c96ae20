"""The service's first page, asked for now, beside what is known of it: `make test-live`."""

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

_told = []


class _HeadersKept(Pace):
    """A pace that waits for nothing, and keeps what an answer's headers say."""

    def __init__(self):
        super().__init__(longest_wait_s=0, report=lambda _text: None)
        self.headers = {}

    def update(self, headers):
        self.headers = headers


def first_page(key, url):
    """Return body and headers of the first page, by one request of the project's own client.

    Without a key or an answer, the test that asks for it fails in one line.
    """
    if not key:
        raise _failed(
            f"no API_KEY is set: {KEYS_ARE_GIVEN_AT} gives one at once, free; put it into .env"
        )
    pace = _HeadersKept()
    try:
        with open_session(key) as session:
            answer = get_page(session, service_of("nasa", url), Batch(1), pace)
    except RunFailure as failure:
        raise _failed(str(failure)) from None
    return answer.body, pace.headers


def _failed(text):
    """The failure of a test, told by a text alone."""
    return pytest.fail.Exception(text, pytrace=False)


def compare(body, headers):
    """Tell every difference from the contract; fail where one of them matters."""
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
def test_the_first_page_is_as_the_contract_has_it():
    try:
        key, url = api_key(), setting("API_URL") or NASA_URL
    except RunFailure as failure:
        raise _failed(str(failure)) from None
    _told[:] = compare(*first_page(key, url))


def summary():
    """Return what the page was found to be, where it was asked for."""
    return _told
