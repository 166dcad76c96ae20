"""Refreshes against a service whose listing changes, and the history that they keep."""

import datetime as dt
import json
from collections import Counter
from email.utils import format_datetime

import pyarrow.parquet as pq
import pytest

import neo_utils as neo
from neo_utils.answers.views import everything_stored
from neo_utils.cli import main
from neo_utils.errors import (
    RateLimitReached,
    ServiceFailure,
    StoredDataBroken,
    StoredDataMissing,
    WrongParameter,
)
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.positions import Batch, PositionRange
from neo_utils.run.refreshing import refresh_text
from neo_utils.run.terminal import status_text
from neo_utils.run.upkeep import verify_text
from neo_utils.sample import service
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store.batches import stored_provenances, write_batch
from neo_utils.store.history import History, known_neos, read_history
from neo_utils.store.page_tables import decode_page
from tests.objects import approach, page
from tests.objects import neo as neo_of
from tests.page_oracle import MODERN

MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _key_and_calendar(monkeypatch):
    monkeypatch.setenv("API_KEY", "canary-0123456789-abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setattr("neo_utils.neows.retries.PAGE_ATTEMPTS", 1)
    # The client distrusts a Date far from this machine's.
    for limit in ("_LARGEST_LAG", "_LARGEST_LEAD"):
        monkeypatch.setattr(f"neo_utils.neows.client.{limit}", 10_000 * DAY)


class Listing:
    """A listing that a test edits: ``neos`` in order, the time of its answers, and a quota."""

    def __init__(self, size=100):
        self.neos = [
            neo_of(id=str(3_000_000 + place), name=f"({place})", close_approach_data=[approach()])
            for place in range(size)
        ]
        self.now, self.quota, self.requests = MARCH, 10_000, Counter()
        self.broken = None  # the number of a page that is not JSON

    def __call__(self, url, _headers):
        number = int(url.partition("page=")[2].partition("&")[0])
        head = {"Date": format_datetime(self.now, usegmt=True)}
        if self.quota == 0:
            return service.Answer(429, head | {"Retry-After": "3600"}, b"")
        self.quota -= 1
        self.requests[number] += 1
        if number == self.broken:
            return service.Answer(200, head, b"{")
        some = self.neos[20 * number : 20 * number + 20]
        return service.Answer(200, head, page(some, number, len(self.neos)))

    def change(self, place, **changes):
        self.neos[place] = self.neos[place] | changes


@pytest.fixture
def listing():
    return Listing()


@pytest.fixture
def url(listing):
    with service.serve(answer=listing) as address:
        yield address


@pytest.fixture
def run(tmp_path, url, listing, monkeypatch):
    """Run a refresh at the listing's time and return its text."""
    monkeypatch.setattr("neo_utils.run.refreshing._now", lambda: listing.now)

    def refreshed(older_than="", most="", **changes):
        listing.requests.clear()
        settings = {"output_dir": str(tmp_path / "output"), "source": "nasa", "api_url": url}
        given = parse_settings(settings | changes)
        return refresh_text(given, older_than, most)

    return refreshed


@pytest.fixture
def output(tmp_path, url):
    """All five pages, as listed on 1 March."""
    folder = tmp_path / "output"
    fetch(plan_fetch(1, "all", "nasa", url, str(folder)))
    return folder


def history_of(output):
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in read_history(output).to_pylist()
    ]


def ages_of(output, now):
    stored = stored_provenances(output, PositionRange(1, None))
    return {batch.page_number: (now - one.fetched_at).days for batch, one in stored.items()}


def test_young_batches_need_no_request(run, output, listing):
    listing.now += 29 * DAY
    text = run()
    ages = "oldest batch 29 days (1-20), newest 29 days; due after 30d"
    assert text == f"nothing to refresh in {output}: {ages}"
    assert not listing.requests
    listing.now += DAY
    assert run().startswith("refreshed   5 batches; 0 more are due")
    assert listing.requests == dict.fromkeys(range(5), 1)


def test_the_oldest_batches_come_first_up_to_the_limit(run, output, url, listing):
    listing.now += 40 * DAY
    fetch(plan_fetch(21, 40, "nasa", url, str(output), refetch=True))
    listing.now += DAY
    text = run("12h", "3")
    assert listing.requests == {0: 1, 2: 1, 3: 1}
    assert text.splitlines()[:2] == [
        "refreshed   3 batches; 2 more are due",
        "ages        oldest batch 41 days (81-100), newest 0 days",
    ]
    run("12h", "1")
    assert listing.requests == {4: 1}
    run("12h")
    assert listing.requests == {1: 1}
    assert ages_of(output, listing.now) == dict.fromkeys(range(5), 0)


@pytest.mark.usefixtures("output")
def test_the_quota_ends_a_refresh_which_the_next_one_continues(run, listing):
    listing.now += 40 * DAY
    listing.quota = 2
    text = run()
    assert text.startswith("refreshed   2 batches; 3 more are due")
    assert "stopped     " in text
    with pytest.raises(RateLimitReached):
        run()
    listing.quota = 10
    assert run().startswith("refreshed   3 batches; 0 more are due")


def test_a_grown_catalogue_is_followed(run, output, listing):
    listing.now += 40 * DAY
    listing.neos += Listing(145).neos[100:]
    text = run()
    assert text.startswith("refreshed   8 batches; 0 more are due")
    assert "NEOs        45 in, 0 out" in text
    assert listing.requests == dict.fromkeys(range(8), 1)
    assert len(everything_stored(str(output)).read("raw")) == 145
    listing.now += 40 * DAY
    listing.neos += Listing(150).neos[145:]
    run(most="3")
    assert listing.requests == {0: 1, 1: 1, 2: 1}
    run()
    assert len(everything_stored(str(output)).read("raw")) == 150


@pytest.mark.parametrize("limit", ["requests", "quota", "kill"])
def test_a_grown_catalogue_is_followed_after_a_refresh_that_ended_early(
    run, output, listing, limit, monkeypatch
):
    listing.now += 40 * DAY
    listing.neos += Listing(200).neos[100:]
    if limit == "requests":
        assert run(most="5").startswith("refreshed   5 batches; 5 more are due")
    elif limit == "quota":
        listing.quota = 7
        assert run().startswith("refreshed   7 batches; 3 more are due")
    else:
        monkeypatch.setattr("neo_utils.fetch.fetching.CONNECTIONS", 1)
        with monkeypatch.context() as patch:
            patch.setattr("neo_utils.fetch.fetching.write_batch", failing_after(6))
            with pytest.raises(KeyboardInterrupt):
                run()
    listing.quota = 10_000
    listing.now += DAY
    run()
    assert len(everything_stored(str(output)).read("raw")) == 200


@pytest.mark.parametrize("command", ["backfill", "fetch", "killed fetch"])
def test_a_grown_catalogue_is_followed_after_another_command(run, output, url, listing, command):
    listing.now += 40 * DAY
    listing.neos += Listing(200).neos[100:]
    if command == "backfill":
        fetch(plan_fetch(81, 100, "nasa", url, str(output), refetch=True))
    else:
        listing.quota = 2
        with pytest.raises(RateLimitReached):
            fetch(plan_fetch(1, "all", "nasa", url, str(output), refetch=command == "fetch"))
        Batch(81).file(output, "raw").unlink(missing_ok=True)
    listing.quota = 10_000
    listing.now += 40 * DAY
    run()
    assert len(everything_stored(str(output)).read("raw")) == 200


def failing_after(count):
    """Return a `write_batch` that is interrupted after some calls."""
    calls = []

    def write(*arguments):
        calls.append(arguments)
        if len(calls) > count:
            raise KeyboardInterrupt
        return write_batch(*arguments)

    return write


@pytest.mark.usefixtures("output")
def test_a_change_of_a_neo_that_moved_to_a_page_fetched_later_is_recorded(
    run, tmp_path, listing, monkeypatch
):
    monkeypatch.setattr("neo_utils.fetch.fetching.CONNECTIONS", 1)
    listing.now += 40 * DAY
    listing.change(19, absolute_magnitude_h=21.0)
    listing.neos.insert(0, Listing(101).neos[100])  # all others move to a later position
    text = run(most="1")
    assert "NEOs        1 in, 1 out; those that moved to a batch that is still due" in text
    assert "history     0 rows added" in text
    assert unlisted_in(tmp_path / "output") == ["3000019"]
    assert "history     1 row added" in run()
    (row,) = history_of(tmp_path / "output")
    assert (row["neo_id"], row["absolute_magnitude_h_before"]) == ("3000019", 20.5)
    assert row["fetched_at_before"] == MARCH.replace(tzinfo=None)
    assert unlisted_in(tmp_path / "output") == []


def test_a_neo_that_left_the_listing_is_remembered_until_it_returns(run, output, listing):
    listing.now += 40 * DAY
    left = listing.neos.pop(50)
    assert "NEOs        0 in, 1 out" in run()
    assert unlisted_in(output) == [left["id"]]
    listing.now += 40 * DAY
    listing.neos.append(left | {"absolute_magnitude_h": 21.0})
    assert "NEOs        1 in, 0 out" in run()
    assert unlisted_in(output) == []
    (row,) = history_of(output)
    assert (row["fetched_at_before"], row["absolute_magnitude_h_before"]) == (
        MARCH.replace(tzinfo=None),
        20.5,
    )


def unlisted_in(output):
    file = output / "history/unlisted.parquet"
    return pq.read_table(file)["neo_id"].to_pylist() if file.exists() else []


@pytest.mark.parametrize("damaged", ["segments/neos", "raw", "orbits", "close_approaches"])
def test_damaged_files_do_not_hide_a_change(run, output, listing, damaged):
    for path in output.glob(f"{damaged}/**/*.parquet"):
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
    listing.now += 40 * DAY
    listing.change(7, absolute_magnitude_h=21.0)
    run()
    (row,) = history_of(output)
    assert (row["neo_id"], row["absolute_magnitude_h_before"]) == ("3000007", 20.5)


@pytest.mark.usefixtures("output")
def test_a_failing_page_is_reported_after_what_changed(run, listing, capsys):
    listing.now += 40 * DAY
    listing.change(7, absolute_magnitude_h=21.0)
    listing.broken = 4
    with pytest.raises(ServiceFailure):
        run()
    printed = capsys.readouterr().out
    assert "refreshed   4 batches; 1 more is due" in printed
    assert "history     1 row added" in printed


def test_stored_nasa_data_beside_the_sample_are_refreshed_without_a_key(
    run, output, listing, monkeypatch
):
    monkeypatch.setenv("API_KEY", "")
    fetch(plan_fetch(101, 120, "sample", output_dir=str(output)))
    listing.now += 40 * DAY
    assert run(source="auto").startswith("refreshed   5 batches; 0 more are due")


def test_the_last_batch_alone_is_not_the_whole_catalogue(run, tmp_path, url, listing):
    listing.neos = Listing(200).neos
    end = str(tmp_path / "end")
    fetch(plan_fetch(181, 200, "nasa", url, end))
    listing.now += 40 * DAY
    run(output_dir=end)
    assert listing.requests == {9: 1}


def test_an_older_answer_changes_nothing_about_a_newer_state(output, listing):
    # Two pages with the same NEO may be recorded in either order.
    known = known_neos(output, "NeoWs at 127.0.0.1")
    history = History(output, "NeoWs at 127.0.0.1", known)
    newer, older = (listing.neos[0] | {"absolute_magnitude_h": h} for h in (21.0, 22.0))
    for first, one, days in ((1, newer, 2), (21, older, 1)):
        batch, time = Batch(first), MARCH + days * DAY
        body = page([one, *listing.neos[first : first + 19]], batch.page_number, 100)
        provenance = stored_provenances(output, PositionRange(1, 20))[Batch(1)]
        history.record(batch, decode_page(body, batch), provenance._replace(fetched_at=time))
    (row,) = history_of(output)
    assert row["absolute_magnitude_h_after"] == 21.0
    assert row["fetched_at_before"] < row["fetched_at_after"]


def test_a_neo_is_known_until_the_batch_that_it_moved_to_is_written(output, listing):
    # Two connections: the page that gains the NEO is recorded first, and the run is killed before
    # its batch is written.
    label = "NeoWs at 127.0.0.1"
    history = History(output, label, known_neos(output, label))
    provenance = stored_provenances(output, PositionRange(1, 20))[Batch(1)]
    provenance = provenance._replace(fetched_at=MARCH + DAY)
    gains = page([listing.neos[0], *listing.neos[21:40]], 1, 100)
    loses = page(listing.neos[1:21], 0, 100)
    history.record(Batch(21), decode_page(gains, Batch(21)), provenance)
    history.record(Batch(1), decode_page(loses, Batch(1)), provenance)
    assert unlisted_in(output) == ["3000000", "3000020"]  # each is on a page that is not written
    history.stored(Batch(1), decode_page(loses, Batch(1)))
    history.record(Batch(41), decode_page(page(listing.neos[41:61], 2, 100), Batch(41)), provenance)
    assert "3000000" in unlisted_in(output)
    history.stored(Batch(21), decode_page(gains, Batch(21)))
    history.finish()
    assert "3000000" not in unlisted_in(output)


def test_an_answer_dated_before_the_stored_one_still_counts(run, output, url, listing):
    listing.now -= dt.timedelta(hours=1)
    listing.change(7, absolute_magnitude_h=21.0)
    fetch(plan_fetch(1, 20, "nasa", url, str(output), refetch=True))
    (row,) = history_of(output)
    assert row["absolute_magnitude_h_after"] == 21.0
    listing.now += 40 * DAY
    assert "history     0 rows added" in run()


def test_a_refresh_never_overwrites_data_of_another_service(run, output, listing, url):
    listing.now += 40 * DAY
    run()
    other = url.replace("127.0.0.1", "localhost")
    fetch(plan_fetch(1, 40, "nasa", other, str(output), refetch=True))
    listing.now += 40 * DAY
    assert run().startswith("refreshed   3 batches; 0 more are due")
    stored = stored_provenances(output, PositionRange(1, 40))
    assert {one.service.label for one in stored.values()} == {"NeoWs at localhost"}


def test_a_used_up_quota_is_an_error_also_beside_the_sample(run, output, listing):
    fetch(plan_fetch(101, 120, "sample", output_dir=str(output)))
    listing.now += 40 * DAY
    listing.quota = 0
    with pytest.raises(RateLimitReached):
        run()


@pytest.mark.parametrize("number", [0, -1])
def test_a_python_limit_below_one_gives_one_line(output, url, number):
    with pytest.raises(WrongParameter, match=f"MAX_REQUESTS={number} is not valid"):
        neo.refresh(str(output), max_requests=number, source="nasa", api_url=url)


@pytest.mark.usefixtures("output")
def test_a_complete_refresh_leaves_none_due_whatever_the_age(run, listing):
    listing.now += dt.timedelta(hours=1)
    assert "5 batches; 0 more are due" in run("0d")


def test_a_beginning_of_the_catalogue_stays_a_beginning(run, tmp_path, url, listing):
    listing.now += 40 * DAY
    listing.neos += Listing(200).neos[100:]
    beginning = str(tmp_path / "beginning")
    fetch(plan_fetch(1, 40, "nasa", url, beginning))
    listing.now += 40 * DAY
    run(output_dir=beginning)
    assert listing.requests == {0: 1, 1: 1}


def test_a_refresh_reports_and_keeps_what_changed(run, output, listing):
    listing.now += 40 * DAY
    orbit = listing.neos[7]["orbital_data"]
    listing.change(7, orbital_data=orbit | {"orbit_id": "8", "minimum_orbit_intersection": ".01"})
    listing.change(8, absolute_magnitude_h=21.0, is_potentially_hazardous_asteroid=True)
    listing.change(30, close_approach_data=[approach(), approach(orbiting_body="Venus")])
    text = run()
    assert text.splitlines() == [
        "refreshed   5 batches; 0 more are due",
        "ages        oldest batch 0 days (1-20), newest 0 days",
        "NEOs        0 in, 0 out",
        "orbits      1 determined again",
        "values      NEOs with another H: 1; hazardous flag: 1; MOID: 1; number of approaches: 1",
        "history     3 rows added; see `neo sql 'FROM history'`",
        f"Source: NeoWs at 127.0.0.1, as listed on {listing.now:%Y-%m-%d %H:%M} UTC",
    ]
    both = {
        "source": "NeoWs at 127.0.0.1",
        "fetched_at_before": MARCH.replace(tzinfo=None),
        "fetched_at_after": listing.now.replace(tzinfo=None),
    }
    same = {"absolute_magnitude_h": 20.5, "orbit_id": "7", "listed_approaches": 1}
    same["is_potentially_hazardous_asteroid"] = False

    def row(place, **after):
        name = {"neo_id": str(3_000_000 + place), "name": f"({place})"}
        values = {f"{key}_before": value for key, value in same.items()}
        return name | both | values | {f"{k}_after": v for k, v in (same | after).items()}

    assert history_of(output) == [
        row(7, orbit_id="8", minimum_orbit_intersection_au=0.01),
        row(8, absolute_magnitude_h=21.0, is_potentially_hazardous_asteroid=True),
        row(30, listed_approaches=2),
    ]
    query = "SELECT name FROM history WHERE fetched_at_after >= '2026-04-01' ORDER BY 1"
    assert neo.sql(query, everything_stored(str(output))).collect() == [
        ("(30)",),
        ("(7)",),
        ("(8)",),
    ]
    assert "changes      1 recorded" in repr(neo.show("3000007", everything_stored(str(output))))


def test_a_second_refresh_adds_no_rows(run, output, listing):
    listing.now += 40 * DAY
    listing.change(7, absolute_magnitude_h=21.0)
    run()
    before = history_of(output)
    listing.now += 40 * DAY
    assert "history     0 rows added" in run()
    assert history_of(output) == before
    listing.change(7, absolute_magnitude_h=20.5)  # as before
    listing.now += 40 * DAY
    assert "history     1 row added" in run()
    assert [one["absolute_magnitude_h_after"] for one in history_of(output)] == [21.0, 20.5]


def test_a_listing_that_moves_between_requests_changes_nothing_about_its_neos(run, output, listing):
    listing.now += 40 * DAY
    del listing.neos[3:8]
    text = run(most="2")
    assert "history     0 rows added" in text
    listing.neos[0:0] = Listing(105).neos[100:]
    listing.change(70, absolute_magnitude_h=21.0)
    run()
    assert [one["neo_id"] for one in history_of(output)] == [listing.neos[70]["id"]]
    listing.now += 40 * DAY
    text = run()
    assert "history     0 rows added" in text


def test_a_change_of_a_moved_neo_is_recorded_once(run, output, listing):
    listing.now += 40 * DAY
    moved = listing.neos[0] | {"absolute_magnitude_h": 19.0}
    listing.neos = [*listing.neos[1:], moved]
    run()
    assert [
        (one["neo_id"], one["absolute_magnitude_h_before"], one["absolute_magnitude_h_after"])
        for one in history_of(output)
    ] == [("3000000", 20.5, 19.0)]


def test_a_change_since_an_incomplete_batch_is_recorded(run, output, listing):
    Batch(21).file(output, "raw").unlink()  # as a killed run leaves it
    listing.now += DAY
    listing.change(25, absolute_magnitude_h=21.0)
    assert run().startswith("refreshed   1 batch; 0 more are due")
    assert listing.requests == {1: 1}
    (row,) = history_of(output)
    assert (row["neo_id"], row["absolute_magnitude_h_before"]) == ("3000025", 20.5)


def test_a_plain_fetch_and_a_backfill_keep_the_history_too(output, url, listing):
    listing.now += DAY
    listing.change(7, absolute_magnitude_h=21.0)
    fetch(plan_fetch(1, 20, "nasa", url, str(output), refetch=True))
    Batch(21).file(output, "raw").unlink()
    listing.change(25, absolute_magnitude_h=21.0)
    fetch(plan_fetch(21, 40, "nasa", url, str(output)))
    assert [one["neo_id"] for one in history_of(output)] == ["3000007", "3000025"]


def test_data_of_another_source_have_no_common_history(tmp_path, url):
    fetch(plan_fetch(1, 20, "sample", output_dir=str(tmp_path)))
    fetch(plan_fetch(1, 20, "nasa", url, str(tmp_path), refetch=True))
    assert history_of(tmp_path) == []


def test_a_corrupted_history_is_found_and_never_overwritten(run, output, listing):
    listing.now += 40 * DAY
    listing.change(7, absolute_magnitude_h=21.0)
    run()
    settings = parse_settings({"output_dir": str(output), "end": "all"})
    assert "and 1 row of history: all intact" in verify_text(settings)
    assert "history   1 change of" in status_text(settings)
    (path,) = output.glob("history/*")
    good = path.read_bytes()
    middle = len(good) // 3
    for damaged in (good[:-5], b"", good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]):
        path.write_bytes(damaged)
        with pytest.raises(StoredDataBroken, match="history/positions=1-2000.* is corrupted"):
            verify_text(settings)
        listing.now += 40 * DAY
        listing.change(8, absolute_magnitude_h=22.0)
        with pytest.raises(StoredDataBroken, match="Stored batches are kept"):
            run()
        assert path.read_bytes() == damaged
        assert not listing.requests
    path.write_bytes(good)
    assert "history     1 row added" in run()


def test_the_sample_needs_no_refresh(tmp_path):
    fetch(plan_fetch(1, 20, "sample", output_dir=str(tmp_path)))
    settings = parse_settings({"output_dir": str(tmp_path), "source": "sample"})
    assert refresh_text(settings) == f"nothing to refresh in {tmp_path}: the sample never changes"
    assert "ages" not in status_text(settings)


@pytest.mark.parametrize(
    ("older_than", "most", "message"),
    [
        ("soon", "", "OLDER_THAN=soon is not a duration"),
        ("-3d", "", "OLDER_THAN=-3d is not a duration"),
        ("99999w", "", "OLDER_THAN=99999w is not a duration"),
        ("", "0", "MAX_REQUESTS=0 is not valid"),
        ("", "many", "MAX_REQUESTS=many is not valid"),
    ],
)
def test_a_wrong_value_gives_one_line(run, older_than, most, message):
    with pytest.raises(WrongParameter, match=message):
        run(older_than, most)


def test_nothing_stored_gives_one_line(run):
    with pytest.raises(StoredDataMissing, match="has no data of NeoWs at 127.0.0.1. Set"):
        run()


def test_the_command_prints_one_line_and_ends_with_0(output, url, capsys):
    arguments = ["--output-dir", str(output), "--source", "nasa", "--api-url", url]
    assert main(["refresh", "--older-than", "99w", *arguments]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("nothing to refresh in")


def test_status_shows_the_ages_of_nasas_batches(output):
    text = status_text(parse_settings({"output_dir": str(output)}))
    days = (dt.datetime.now(dt.UTC) - MARCH).days
    assert f"ages      oldest batch {days} days (1-20), newest {days} days" in text


def test_a_recorded_page_that_moved_keeps_its_history(tmp_path, run, url, listing):
    if not MODERN.exists():
        pytest.skip(f"the recorded page {MODERN.name} is not on this machine")
    listing.neos = json.loads(MODERN.read_bytes())["near_earth_objects"]
    recorded = str(tmp_path / "recorded")
    fetch(plan_fetch(1, "all", "nasa", url, recorded))
    listing.now += 40 * DAY
    first = listing.neos.pop(0)
    first["orbital_data"]["orbit_id"] = "another"
    listing.neos.append(first)
    text = run(output_dir=recorded)
    assert "orbits      1 determined again" in text
    assert "NEOs        0 in, 0 out" in text
    (row,) = history_of(tmp_path / "recorded")
    assert (row["neo_id"], row["orbit_id_after"]) == (first["id"], "another")
    assert len(select(1, 20, "nasa", recorded).read("raw")) == 20
