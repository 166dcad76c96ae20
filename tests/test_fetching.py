import datetime as dt
from collections import Counter
from email.utils import formatdate
from itertools import pairwise
from threading import Barrier, Semaphore
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_utils.errors import (
    StoredDataMissing,
    WrongParameter,
)
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.neows.transport import CONNECTIONS
from neo_utils.positions import Batch, position_range
from neo_utils.sample import service
from neo_utils.store.batches import stored_provenances
from tests.faulty_service import sample_page
from tests.files import contents_of

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(autouse=True)
def _key_of_our_own(monkeypatch):
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setattr("neo_utils.neows.retries.PAGE_ATTEMPTS", 1)


@pytest.fixture
def without_key(monkeypatch):
    monkeypatch.delenv("API_KEY")
    monkeypatch.setattr("neo_utils.interface.api_key", lambda: None)


def fetch_range(output, start=1, end=100, source="sample", **more):
    return fetch(plan_fetch(start, end, source, output_dir=str(output), **more))


class Listing:
    """The sample behind a port, cut to ``size`` NEOs and dated today."""

    def __init__(self, size=41_000):
        self.size, self.requests = size, Counter()
        self.headers = {"Date": formatdate(usegmt=True)}  # one date for all answers

    def __call__(self, url, _headers):
        page = int(url.partition("page=")[2].partition("&")[0])
        self.requests[page] += 1
        return service.Answer(200, self.headers, sample_page(page, KEY, self.size))


@pytest.fixture(scope="module")
def five_batches(tmp_path_factory):
    output = tmp_path_factory.mktemp("one-run")
    fetch_range(output)
    return contents_of(output)


def test_page_is_stored_as_one_batch(five_batches):
    folders = Counter(name.partition("/")[0] for name in five_batches)
    locks = {".lock": 1, ".segments-lock": 1}
    assert folders == {"raw": 5, "close_approaches": 5, "orbits": 5, "pages": 5, **locks}


def test_rerun_sends_no_request_and_backfill_fetches_everything_again(tmp_path):
    listing = Listing()
    with service.serve(answer=listing) as url:
        assert fetch_range(tmp_path, source="nasa", api_url=url).pages == 5
        before = contents_of(tmp_path)
        for refetch, requests in ((False, 1), (True, 2)):
            done = fetch_range(tmp_path, source="nasa", api_url=url, refetch=refetch)
            assert done.pages == 5 * refetch
            assert listing.requests == dict.fromkeys(range(5), requests)
            assert contents_of(tmp_path) == before


@settings(max_examples=8, deadline=None)
@given(st.sets(st.sampled_from([20, 40, 60, 80])), st.randoms(use_true_random=False))
def test_split_ranges_store_the_same_bytes(five_batches, tmp_path_factory, ends, random):
    output = tmp_path_factory.mktemp("split")
    limits = [0, *sorted(ends), 100]
    parts = list(pairwise(limits))
    random.shuffle(parts)
    for before, end in parts:
        fetch_range(output, before + 1, end)
    assert contents_of(output) == five_batches


def test_connection_count_does_not_change_bytes(tmp_path, monkeypatch):
    def answer(url, headers):
        together.wait(timeout=60)  # until this many requests run concurrently
        return listing(url, headers)

    listing, files = Listing(), []
    with service.serve(answer=answer) as url:
        for connections in (1, 2, CONNECTIONS, 10):  # each divides 10 pages
            monkeypatch.setattr("neo_utils.fetch.fetching.CONNECTIONS", connections)
            together = Barrier(connections)
            output = tmp_path / str(connections)
            assert fetch_range(output, end=200, source="nasa", api_url=url).pages == 10
            files.append(contents_of(output))
    assert files == [files[0]] * 4


def test_concurrent_requests_are_limited(tmp_path):
    slots, had_slot = Semaphore(CONNECTIONS), []

    def answer(url, headers):
        had_slot.append(slots.acquire(blocking=False))
        sleep(0.02)  # time for other requests to arrive
        slots.release()
        return service.answer(url, headers)

    with service.serve(answer=answer) as url:
        fetch_range(tmp_path, end=400, source="nasa", api_url=url)
    assert had_slot == [True] * 20


def test_end_all_fetches_the_catalogue_and_later_what_was_added(tmp_path):
    def fetch_all():
        return fetch_range(tmp_path, 1, "all", "nasa", api_url=url)

    listing = Listing(size=50)
    with service.serve(answer=listing) as url:
        assert fetch_all()[:2] == (3, 50)
        # The last batch keeps its nominal name and has fewer rows.
        assert (tmp_path / "raw/batch-number=41-60/neo_partition_41-60.parquet").exists()
        plan = plan_fetch(1, "all", "nasa", url, str(tmp_path))
        assert [batch.first for batch in plan.stored] == [1, 21]
        # The last batch, with 10 rows, is requested again: the catalogue may have grown.
        assert [batch.first for batch in plan.to_fetch(plan.size_to_ask_for)] == [41]
        listing.size = 90
        assert fetch_all().neos == 20 + 20 + 10
        stored = select(1, "all", "nasa", str(tmp_path)).provenances
        assert [batch.first for batch in stored] == [1, 21, 41, 61, 81]
        # A catalogue that has not grown costs one request.
        for _ in range(2):
            listing.requests.clear()
            fetch_all()
            assert listing.requests == {4: 1}


def test_growth_after_full_last_page_is_detected(tmp_path):
    listing = Listing(size=40)
    with service.serve(answer=listing) as url:
        assert fetch_range(tmp_path, 1, "all", "nasa", api_url=url).neos == 40
        assert fetch_range(tmp_path, 1, "all", "nasa", api_url=url).neos == 0
        listing.size = 45
        assert fetch_range(tmp_path, 1, "all", "nasa", api_url=url).neos == 5


def test_data_of_two_services_is_not_mixed(tmp_path):
    with service.serve() as url:
        fetch_range(tmp_path, 1, 20, "nasa", api_url=url)
        other = url.replace("127.0.0.1", "localhost")
        with pytest.raises(WrongParameter, match="contains data of NeoWs at 127.0.0.1"):
            fetch_range(tmp_path, 1, 40, "nasa", api_url=other)
        fetch_range(tmp_path, 21, 40, "nasa", api_url=other)
        with pytest.raises(StoredDataMissing, match="NeoWs at 127.0.0.1 and of NeoWs at localhost"):
            select(1, 40, "nasa", str(tmp_path))
        assert fetch_range(tmp_path, 1, 40, "nasa", api_url=other, refetch=True).pages == 2
        assert select(1, 40, "nasa", str(tmp_path)).label == "NeoWs at localhost"


def test_rejects_start_past_the_catalogue(tmp_path):
    with (
        service.serve(answer=Listing(size=50)) as url,
        pytest.raises(WrongParameter, match="START=61 is past the end of the catalogue at 50"),
    ):
        fetch_range(tmp_path, 61, 80, "nasa", api_url=url)


def test_sample_counts_as_missing_and_never_overwrites_nasa_data(tmp_path):
    fetch_range(tmp_path, 1, 40)
    with service.serve() as url:
        assert fetch_range(tmp_path, 1, 20, "nasa", api_url=url).pages == 1
    before = contents_of(tmp_path)
    with pytest.raises(
        WrongParameter,
        match="batch 1-20 in .* contains data of NeoWs at 127.0.0.1.* Nothing was changed"
        f".* run `make backfill START=1 END=40 SOURCE=sample OUTPUT_DIR={tmp_path}`",
    ):
        fetch_range(tmp_path, 1, 40)
    assert contents_of(tmp_path) == before
    # An explicit request overwrites it.
    assert fetch_range(tmp_path, 1, 40, refetch=True).pages == 2


@pytest.mark.usefixtures("without_key")
@pytest.mark.parametrize(
    ("damaged", "origin"), [([], "NeoWs"), (["raw"], "NeoWs"), (["raw", "pages"], "unknown origin")]
)
def test_backfill_without_key_keeps_nasa_data(tmp_path, damaged, origin):
    with service.serve() as url:
        fetch_range(tmp_path, 1, 20, "nasa", api_url=url)
        for table in damaged:
            Batch(1).file(tmp_path, table).write_bytes(b"cut short")
        before = contents_of(tmp_path)
        with pytest.raises(WrongParameter, match=f"batch 1-20 in .* contains data of {origin}"):
            fetch_range(tmp_path, 1, 20, "auto", refetch=True)
        assert contents_of(tmp_path) == before
        assert fetch_range(tmp_path, 1, 20, "nasa", api_url=url, refetch=True).pages == 1
    assert stored_provenances(tmp_path, position_range(1, 20))[Batch(1)].source == "nasa"


def test_plan_counts_requests_without_sending_any(tmp_path):
    def plan(start, end, source="nasa"):
        return repr(plan_fetch(start, end, source, output_dir=str(tmp_path)))

    fetch_range(tmp_path, 1, 20)
    assert "stored     1 of 5 batches" in plan(1, 100, "sample")
    assert "to fetch   4 batches, one request each" in plan(1, 100, "sample")
    # Until the service reports its size, the plan assumes 41,000 NEOs, but no end of the catalogue.
    assert "to fetch   2,050 batches" in plan(1, "all")
    assert "stored     0 of 50 batches" in plan(41_001, 42_000)
    assert "to fetch   50 batches" in plan(41_001, 42_000)


def test_plan_shows_hours_of_quota_and_expected_end(tmp_path, request):
    def plan(end):
        return repr(plan_fetch(1, end, "nasa", output_dir=str(tmp_path)))

    def hours(end):
        done = dt.datetime.strptime(plan(end).rpartition("about ")[2], "%H:%M on %Y-%m-%d")
        return (done - dt.datetime.now()) / dt.timedelta(hours=1)

    assert "0.0 hours of quota (1,000 requests per hour)" in plan(200)
    assert "about" not in plan(20_000).partition("quota")[2]  # 1,000 requests are allowed at once
    # 2,050 requests: 1,000 now, 1,000 when these are an hour old, 50 after another hour.
    assert hours("all") == pytest.approx(2, abs=0.05)
    request.getfixturevalue("without_key")
    assert hours(800) == pytest.approx(1, abs=0.05)  # 40 requests: 30, and 10 an hour later
    assert hours(1_200) == pytest.approx(24, abs=0.05)  # 60 requests: 50 of a day, then 10
    # 50 a day: the last 20 of 2,050 an hour after the 40th day's end.
    assert hours("all") == pytest.approx(40 * 24 + 1, abs=1.1)  # daylight saving may start or end
