"""The outcome of a run for each fault of the service, as listed in docs/faults.md."""

import datetime as dt
import gzip
import io
import json
import re
import threading
import time
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Callable
from email.utils import formatdate
from math import inf
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from urllib3.util import Retry

from neo_utils.engines.engine import connect
from neo_utils.errors import RateLimitReached, ServiceFailure, exit_status_of
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.neows import retries, transport
from neo_utils.neows.client import get_page
from neo_utils.neows.rate_limit import Pace
from neo_utils.neows.service import Service
from neo_utils.neows.transport import open_session
from neo_utils.positions import Batch
from neo_utils.settings.folders import PROJECT
from neo_utils.statistics.computation import read_batches, statistic
from tests.faulty_service import http, sample_page, serve_faults, zipped
from tests.objects import put

NEOS = "near_earth_objects"
APPROACH = ("close_approach_data", 0)
KEY = "canary" + "+/=" + "-of-the-faults"
ENCODED = "canary%2B%2F%3D-of-the-faults"  # as the service repeats it in its links
PAGES = frozenset(range(5))
MB = 2**20

HEROKU = b"""<!DOCTYPE html><html><head><title>No application here</title></head>
<body><iframe src="//errors.example/app.html"></iframe></body></html>"""
NASA_HEADERS_OF_429 = {
    "Content_Type": "text/html",
    "Retry_After": "2870",
    "X_RateLimit_Remaining": "0",
}


class Case(NamedTuple):
    name: str
    outcome: str
    # Either yields what to send, given the page and the `FaultyListing`, or changes the page.
    fault: Callable | None = None
    change: Callable | None = None
    message: str = ""  # pattern in the error or in the rejection's reason
    pages: frozenset = frozenset({2})  # pages with the fault
    times: float = inf  # requests per page with the fault
    end: str = "100"
    total: int = 41_000  # NEOs that the service lists
    bounds: dict = {}  # noqa: RUF012 -- limits of the package, lowered for a fast test
    url: Callable = lambda faulty: faulty.url
    uses_local_clock: bool = False


def exit_4(name, fault, message, **more):
    return Case(name, "exit 4", fault, message=message, **more)


def once_and_always(name, fault, message, always="exit 4", **more):
    once = Case(f"{name}, once", "retried", fault, times=1, **more)
    return once, Case(name, always, fault, message=message, **more)


def rejected(name, change, message):
    return Case(name, "rejected", change=change, message=message)


def kept(name, change):
    return Case(name, "kept", change=change)


def dated(name, date):
    fault = sends_changed(lambda body: body, Date=date)
    return Case(name, "kept", fault, uses_local_clock=True)


def sends(answer):
    """Send the same bytes for every request."""
    return lambda *_: [answer]


def sends_changed(change, answer=http, **headers):
    """Send the page after a change, in one piece."""
    return lambda body, _: [answer(change(body), **headers)]


def refuses(code):
    message = "Get one at https://api.nasa.gov:443"
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return sends(http(body, 403))


def gzip_breaks_off(body, _):
    packed = gzip.compress(body)
    yield http(packed[: len(packed) // 2], Content_Encoding="gzip")


def resets(body, _):
    whole = http(body)
    yield whole[: len(whole) // 2]
    raise ConnectionResetError


def hangs(_, listing):
    listing.closing.wait()
    yield from ()


def hangs_in_mid_body(body, listing):
    whole = http(body)
    yield whole[: len(whole) // 2]
    listing.closing.wait()


def trickles(answer, from_byte):
    """Send a part, then a byte every 50 ms, and the rest after five seconds."""

    def trickle(body, listing):
        whole = answer(body)
        start = len(whole) - len(body) if from_byte == "body" else from_byte
        yield whole[:start]
        for place in range(start, start + 100):
            if listing.closing.wait(0.05):
                return
            yield whole[place : place + 1]
        listing.tolerated.append("trickle")
        yield whole[start + 100 :]

    return trickle


def hundreds_of_megabytes(*_):
    yield http(Content_Length=400 * MB)
    for _ in range(400 * 16):
        yield b" " * (MB // 16)


def redirects(status, location):
    return lambda _, listing: [
        http(status=status, Location=location.format(elsewhere=listing.elsewhere, key=KEY))
    ]


def document(change):
    """Change the decoded JSON of the page."""

    def changed(body):
        page = json.loads(body)
        change(page)
        return json.dumps(page).encode()

    return changed


def puts(*path, value):
    """Change one value of the first object."""
    return lambda body: json.dumps(put(json.loads(body), (NEOS, 0, *path), value)).encode()


def distance(literal):
    """Write this for a distance, as given: with or without quotation marks."""
    return lambda body: re.sub(rb'("kilometers":)"[\d.]+"', rb"\g<1>" + literal, body, count=1)


def nested(depth):
    deep = b"[" * depth + b"]" * depth
    return lambda body: body.replace(b'"orbital_data":{', b'"orbital_data":{"deep":%s,' % deep, 1)


def id_twice(page):
    page[NEOS][7]["id"] = page[NEOS][3]["id"]


def approach_twice(page):
    approaches = page[NEOS][0]["close_approach_data"]
    approaches.append(approaches[0])


def same_object_as_on_the_page_before(page):
    page[NEOS][0] = json.loads(sample_page(1, KEY))[NEOS][-1]


def is_empty(page):
    page["page"]["total_elements"], page[NEOS] = 0, []


TWICE = {"neows.retries.RETRIES": 1, "neows.retries.PAGE_ATTEMPTS": 2}
SLOW = {"neows.retries.LONGEST_ANSWER_S": 0.8} | TWICE
STALLED = {"neows.retries.TIMEOUT_S": (0.5, 0.5)} | TWICE
SMALL = {"neows.transport.LARGEST_PAGE": MB}
NO_PAGE, NO_ANSWER, PARTIAL = "not a Browse page", "does not answer", "is incomplete"
WRONG_KEY = r"rejected the API key{}\. Check API_KEY, .*https://api\.nasa\.gov"
ELSEWHERE = "redirects to another address. The redirect was not followed"
TINY_OBJECTS = b"[%s0]" % (b"0," * 10**6)

CASES = [
    *(
        exit_4(f"403, {code}", refuses(code), WRONG_KEY.format(rf" \({code}\)"), pages=PAGES)
        for code in ("API_KEY_MISSING", "API_KEY_INVALID", "API_KEY_DISABLED")
    ),
    exit_4("403 with a page of HTML", sends(http(HEROKU, 403)), WRONG_KEY.format(""), pages=PAGES),
    exit_4("404", sends(http(b"{}", 404)), "status 404"),
    *once_and_always("500", sends(http(b"oops", 500)), "status 500"),
    *once_and_always("502", sends(http(b"upstream connect error", 502)), "status 502"),
    *once_and_always(
        "503 with Heroku's page of HTML",
        sends(http(HEROKU, 503, Content_Type="text/html")),
        "status 503",
    ),
    *once_and_always(
        "503 with a body that trickles",
        trickles(lambda b: http(b, 503), "body"),
        "status 503",
        bounds=SLOW,
    ),
    Case(
        "NASA's 429: 2870 seconds, HTML",
        "parked",
        sends(http(HEROKU, 429, **NASA_HEADERS_OF_429)),
        message=r"Run the same command again after \d\d:\d\d on \d{4}-\d\d-\d\d, or add WAIT=1",
    ),
    *once_and_always(
        "429 with a short wait",
        sends(http(status=429, Retry_After=25)),
        "Run the same command again after",
        always="parked",
    ),
    *once_and_always("200 with an empty body", sends(http()), NO_PAGE),
    *once_and_always("200 with HTML", sends(http(HEROKU)), NO_PAGE),
    *once_and_always("truncated JSON", sends_changed(lambda b: b[: len(b) // 2]), NO_PAGE),
    *once_and_always("a gzip body that breaks off", gzip_breaks_off, NO_PAGE),
    *once_and_always(
        "a body declared as gzip that is not",
        sends_changed(bytes, Content_Encoding="gzip"),
        PARTIAL,
    ),
    *once_and_always(
        "a Content-Length larger than the body", lambda body, _: [http(body)[:-50]], PARTIAL
    ),
    *once_and_always("a connection reset in the middle of the body", resets, PARTIAL),
    *once_and_always("a connection closed without an answer", sends(b""), NO_ANSWER),
    *once_and_always("an answer that is not HTTP", sends(b"220 hello\r\n\r\n"), NO_ANSWER),
    *once_and_always("a hang before the answer", hangs, NO_ANSWER, bounds=STALLED),
    *once_and_always(
        "a hang in the middle of the body", hangs_in_mid_body, PARTIAL, bounds=STALLED
    ),
    *once_and_always("a body that trickles", trickles(http, "body"), "took more than", bounds=SLOW),
    *once_and_always("headers that trickle", trickles(http, 20), "took more than", bounds=SLOW),
    exit_4(
        "a host name that does not resolve",
        None,
        r"sample-does-not-exist\.invalid does not answer \(NameResolutionError\)",
        pages=PAGES,
        url=lambda _: "https://sample-does-not-exist.invalid/browse",
    ),
    exit_4(
        "a TLS failure",
        sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        r"127\.0\.0\.1:\d+ does not answer \(SSL\w*\)",
        pages=PAGES | {-1},
        url=lambda faulty: faulty.url.replace("http:", "https:"),
    ),
    exit_4(
        "nothing listening on the port",
        None,
        r"127\.0\.0\.1:1 does not answer \(NewConnectionError\)",
        pages=PAGES,
        url=lambda _: "http://127.0.0.1:1/browse",
    ),
    exit_4(
        "a redirect to another host",
        redirects(302, "http://{elsewhere}/browse"),
        r"redirects to 127\.0\.0\.1\. The redirect was not followed",
    ),
    exit_4(
        "a redirect to the same host",
        redirects(308, "/neo/rest/v1/neo/browse?page=2&size=20"),
        ELSEWHERE,
    ),
    exit_4(
        "a redirect whose address contains the key",
        redirects(301, "http://{key}@{elsewhere}/?api_key={key}"),
        ELSEWHERE,
    ),
    exit_4("a redirect to an invalid address", redirects(302, "http://[\xff"), ELSEWHERE),
    *once_and_always(
        "a body of hundreds of megabytes",
        hundreds_of_megabytes,
        "sent more than 1,048,576 bytes",
        bounds=SMALL,
    ),
    *once_and_always(
        "a page other than the requested one",
        sends(http(sample_page(3, KEY))),
        "page 3 was returned instead of page 2",
    ),
    *once_and_always(
        "fewer objects than requested",
        sends_changed(document(lambda page: page[NEOS].pop())),
        "19 objects instead of 20",
    ),
    *once_and_always(
        "a million tiny objects",
        sends_changed(lambda body: re.sub(rb"\[\{.*\]", TINY_OBJECTS, body), zipped),
        "more than 20 objects",
    ),
    *once_and_always("JSON nested 1,000 deep", sends_changed(nested(1_000)), "recursion depth"),
    *once_and_always(
        "JSON nested 100,000 deep", sends_changed(nested(100_000), zipped), "recursion depth"
    ),
    *once_and_always("a bare NaN, which is not JSON", sends_changed(distance(b"NaN")), "malformed"),
    *once_and_always(
        "a catalogue of 9,007,199,254,740,992 NEOs",
        sends_changed(lambda body: body.replace(b":41000", b":%d" % 2**53, 1)),
        "it reports 9,007,199,254,740,992 NEOs",
    ),
    exit_4(
        "an empty catalogue",
        sends_changed(document(is_empty)),
        "past the end of the catalogue at 0",
        pages=PAGES,
    ),
    rejected("a distance of NaN", distance(b'"NaN"'), r"miss_distance\.kilometers: Expected"),
    rejected(
        "a distance of 1e400", distance(b"1e400"), r"miss_distance\.kilometers: Number out of range"
    ),
    rejected(
        "a negative distance",
        distance(b'"-12.5"'),
        r"miss_distance\.kilometers: Expected `float` > 0",
    ),
    rejected(
        "a distance of 0",
        puts(*APPROACH, "miss_distance", "astronomical", value="0.0"),
        r"miss_distance\.astronomical: Expected `float` > 0",
    ),
    rejected(
        "a velocity of 1e9 km/s",
        puts(*APPROACH, "relative_velocity", "kilometers_per_second", value="1e9"),
        r"kilometers_per_second: Expected `float` <= 300",
    ),
    rejected(
        "an approach in the year 9999",
        puts(*APPROACH, "close_approach_date", value="9999-12-31"),
        r"close_approach_date: Expected `date` from 1900-01-01 to 2260-12-31",
    ),
    rejected(
        "an id that is not valid Unicode",
        lambda body: body.replace(b'"id":"', rb'"id":"\ud800', 1),
        r"\$\.id: Expected `str \| null`, got `MalformedText`",
    ),
    rejected(
        "the date 0000-00-00",
        puts(*APPROACH, "close_approach_date", value="0000-00-00"),
        r"close_approach_date: Invalid",
    ),
    rejected("an id twice on one page", document(id_twice), r"\$\.id: id \w+ twice on this page"),
    Case("an approach listed twice", "counted once", change=document(approach_twice)),
    Case(
        "an object that moves from one page to the next",
        "counted once",
        change=document(same_object_as_on_the_page_before),
    ),
    kept(
        "a first observation in the year 1",
        puts("orbital_data", "first_observation_date", value="0001-01-01"),
    ),
    kept(
        "a diameter of 0",
        puts("estimated_diameter", "meters", "estimated_diameter_min", value=0),
    ),
    kept(
        "a name with half a surrogate pair",
        lambda body: body.replace(b'"name":"', rb'"name":"\ud800', 1),
    ),
    kept("an unknown body", puts(*APPROACH, "orbiting_body", value="Vulcan")),
    dated("a Date header in the far future", "Fri, 31 Dec 9999 23:59:59 GMT"),
    dated("a Date header in the far past", "Mon, 02 Jan 1995 12:00:00 GMT"),
    dated("an invalid Date header", "Fri, 31 Dec 9999 23:59:59 -1200"),
    dated("no Date header", None),
    Case("an empty list past the last page", "kept", end="200", total=100),
    Case(
        "404 past the last page",
        "kept",
        sends(http(status=404)),
        pages=frozenset(range(5, 10)),
        end="200",
        total=100,
    ),
]
# These happen during a run, and each has its own test.
OF_THE_LISTING = {
    "a catalogue that grows during a run": "kept",
    "a catalogue that shrinks during a run": "kept",
}
PLAYED = Counter()  # outcomes of passed cases


def summary():
    """Return the summary line: how many faults were played."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(PLAYED.items()))
    return [f"faults: {PLAYED.total()} played ({outcomes})"] if PLAYED else []


FAILURES = {"parked": RateLimitReached, "exit 4": ServiceFailure}  # the other outcomes exit with 0


pytestmark = pytest.mark.usefixtures("clock")  # skips the waits of the rate limit


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr(Retry, "sleep", lambda *_: None)
    monkeypatch.setenv("API_KEY", KEY)


class FaultyListing:
    """A service with the fault of a case; ``served`` contains the valid pages.

    ``elsewhere`` is a service that must receive no request, ``tolerated`` contains faults that the
    client should have aborted, and ``closing`` is set at the end of the test.
    """

    def __init__(self, case, elsewhere=""):
        self.case, self.elsewhere, self.served = case, elsewhere, {}
        self.requests, self.tolerated, self.closing = Counter(), [], None

    def __call__(self, request, closing):
        self.requests[request.page] += 1
        case, page, self.closing = self.case, request.page, closing
        body = sample_page(max(page, 0), KEY, case.total)
        if page not in case.pages or request.nth > case.times or not (case.fault or case.change):
            self.served[page] = body
            return [http(body)]
        if case.pages != PAGES and page >= 0:
            self._let_others_go_first()
        if case.change:
            self.served[page] = case.change(body)
            assert self.served[page] != body
            return [http(self.served[page])]
        if case.uses_local_clock:
            self.served[page] = body
        return case.fault(body, self)

    def _let_others_go_first(self):
        """Wait until all pages are requested, so the others are in progress at the fault."""
        for _ in range(500):
            if len(PAGES & self.requests.keys()) == len(PAGES) or self.closing.wait(0.01):
                return


def stored_pages(output):
    """Return the stored ids, number of approaches and archived page of each page."""
    found = {}
    for path in output.glob("raw/*/*.parquet"):
        batch = Batch(int(path.stem.split("_")[-1].partition("-")[0]))
        approaches = batch.file(output, "close_approaches")
        archived = batch.file(output, "pages").read_bytes()
        found[batch.page_number] = (
            pq.read_table(path, partitioning=None)["id"].to_pylist(),
            pq.read_table(approaches, partitioning=None).num_rows,
            pa.input_stream(io.BytesIO(archived), compression="zstd").read(),
        )
    return found


def expected_of(served, rejected=()):
    """Return the same for a page as sent, without using the package."""
    taken = [o for place, o in enumerate(json.loads(served)[NEOS]) if place not in rejected]
    approaches = {
        (o["id"], a["epoch_date_close_approach"], a["orbiting_body"])
        for o in taken
        for a in o["close_approach_data"]
    }
    return [o["id"] for o in taken], len(approaches), without_key(served)


def without_key(served):
    assert KEY.encode() not in served
    assert ENCODED.encode() in served
    return served.replace(ENCODED.encode(), b"REDACTED")


def rejected_in(output):
    files = list(output.glob("rejected/*/*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def run(url, output, end):
    return fetch(plan_fetch(1, end, "nasa", url, str(output)))


# `make test` leaves out the faults that take a second.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, id=case.name, marks=[pytest.mark.slow] * (case.bounds.items() >= TWICE.items())
        )
        for case in CASES
    ],
)
def test_fault_has_its_documented_outcome(case, tmp_path, monkeypatch):
    for name, value in case.bounds.items():
        monkeypatch.setattr(f"neo_utils.{name}", value)
    with serve_faults(lambda *_: [http()]) as elsewhere:
        listing = FaultyListing(case, elsewhere.address)
        with serve_faults(listing) as faulty:
            if case.outcome in FAILURES:
                fail(case, case.url(faulty), tmp_path)
            else:
                succeed(case, listing, run(faulty.url, tmp_path, case.end), tmp_path)
        assert not elsewhere.requests
    assert listing.tolerated == []
    stored = stored_pages(tmp_path)
    places = {row["position"] - 41 for row in rejected_in(tmp_path)}  # on page 2
    for page, content in stored.items():
        assert content == expected_of(listing.served[page], places if page == 2 else ())
    assert not [path for path in tmp_path.rglob("*") if ".tmp" in path.name]
    resumes_missing_pages(tmp_path, PAGES - stored.keys())
    PLAYED[case.outcome] += 1


def fail(case, url, output):
    """Run, and check the expected error and what stays stored."""
    with pytest.raises(FAILURES[case.outcome], match=case.message) as caught:
        run(url, output, case.end)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 400
    assert not re.search("canary|0x[0-9a-f]{6}", line)
    # The runner only receives the class name, and finds it in `errors`.
    assert caught.type.__module__ == "neo_utils.errors"
    assert exit_status_of(caught.typename) == FAILURES[case.outcome].exit_status
    valid = PAGES - case.pages
    assert stored_pages(output).keys() == valid
    assert f"Stored before that: {len(valid)} of" in line
    faulty_names = [Batch(1 + 20 * page).name for page in case.pages]
    assert not [p for p in output.rglob("*") if any(f"_{name}." in p.name for name in faulty_names)]


def succeed(case, listing, done, output):
    """Check a run that is expected to succeed."""
    rejected = rejected_in(output)
    assert (done.pages, done.neos, done.rejected) == (5, 100 - len(rejected), len(rejected))
    assert {listing.requests[page] for page in PAGES - {2}} == {1}
    assert listing.requests[2] == (2 if case.outcome == "retried" else 1)
    assert len(rejected) == (case.outcome == "rejected")
    for row in rejected:
        as_served = json.loads(without_key(listing.served[2]))[NEOS]
        assert row["object"] == as_served[row["position"] - 41]
        assert re.search(case.message, f"{row['field_path']}: {row['reason']}")
    if case.uses_local_clock:
        written = pq.read_schema(Batch(41).file(output, "raw")).metadata[b"fetched_at"]
        age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(written.decode())
        assert abs(age) < dt.timedelta(minutes=1)


def resumes_missing_pages(output, missing):
    """Check that the same command only requests the missing pages from a healthy service."""
    with serve_faults(lambda request, _: [http(sample_page(request.page, KEY))]) as faulty:
        run(faulty.url, output, 100)
    assert faulty.requests == dict.fromkeys(missing, 1)
    assert stored_pages(output).keys() == PAGES


def fetch_with_fault(name, output):
    (case,) = (case for case in CASES if case.name == name)
    with serve_faults(FaultyListing(case)) as faulty:
        run(faulty.url, output, 100)


def test_unknown_body_is_stored_as_the_service_spells_it(tmp_path):
    fetch_with_fault("an unknown body", tmp_path)
    table = pq.read_table(Batch(41).file(tmp_path, "close_approaches"), partitioning=None)
    assert Counter(table["orbiting_body"].to_pylist())["Vulcan"] == 1


def test_object_on_two_pages_is_counted_once(tmp_path):
    fetch_with_fault("an object that moves from one page to the next", tmp_path)
    selection = select(1, 100, "nasa", str(tmp_path))
    engine = connect("duckdb", {}, tmp_path / "no.log")
    counted = dict(statistic("metrics", *read_batches(engine, selection), 0.2).collect())
    assert engine.sql("SELECT count(*) FROM stored_neos").collect() == [(100,)]
    pages = [json.loads(sample_page(number, KEY))[NEOS] for number in range(5)]
    listed = {o["id"]: o for page in pages for o in page}
    del listed[pages[2][0]["id"]]  # the object that the duplicate replaced
    assert counted["total_neos"] == 99
    assert counted["total_close_approaches"] == sum(
        len(o["close_approach_data"]) for o in listed.values()
    )


class Moving:
    """A catalogue of ``before`` NEOs that has ``after`` NEOs once page 4 was requested.

    All pages except 0 are only sent then. The service's clock advances by a second per answer.
    """

    def __init__(self, before, after):
        self.before, self.after = before, after
        self.moved = threading.Event()
        self.requests = Counter()
        self.began = time.time()

    def __call__(self, request, _):
        page = request.page
        self.requests[page] += 1
        if page not in (0, 4):
            self.moved.wait(5)
        total = self.after if self.moved.is_set() else self.before
        if page == 4:
            self.moved.set()
        later_s = sum(self.requests.values()) + 10 * (page in (1, 2, 3))
        date = formatdate(self.began + later_s, usegmt=True)
        return [http(sample_page(page, KEY, total), Date=date)]


@pytest.mark.parametrize("after", [95, 100, 130])
def test_fetches_catalogue_that_grows_during_a_run(tmp_path, after):
    listing = Moving(90, after)
    with serve_faults(listing) as faulty:
        done = run(faulty.url, tmp_path, "all")
        assert (done.neos, done.catalogue_size) == (after, after)
        # The last page had 10 objects before, so it is requested again.
        assert listing.requests == dict.fromkeys(range(-(-after // 20)), 1) | {4: 2}
    stored = stored_pages(tmp_path)
    assert [len(stored[page][0]) for page in sorted(stored)][:5] == [20] * 4 + [min(20, after - 80)]
    assert sum(len(ids) for ids, _, _ in stored.values()) == after


def test_fetches_catalogue_that_shrinks_during_a_run(tmp_path):
    listing = Moving(150, 70)
    with serve_faults(listing) as faulty:
        done = run(faulty.url, tmp_path, "all")
        assert done.neos == 70 + 20  # page 4 was sent before
        assert listing.requests == dict.fromkeys(range(8), 1)
        # Batches past the new end cause no error in the next run.
        run(faulty.url, tmp_path, "all")


@pytest.mark.parametrize(
    ("status", "error", "most_mb"),
    [
        (200, "sent more than 4,194,304 bytes", 20),  # the limit, and room for growing buffers
        (302, "redirects", 10),  # is not read at all
    ],
)
def test_gzip_bomb_is_not_decompressed(status, error, most_mb):
    packed = http(gzip.compress(bytes(200 * MB), 1), status, Content_Encoding="gzip", Location="/")
    assert len(packed) < MB
    tracemalloc.start()
    try:
        get_first_page(sends(packed), error)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most_mb * MB


def test_reads_at_most_the_size_limit(monkeypatch):
    monkeypatch.setattr(transport, "LARGEST_PAGE", MB)
    faulty = get_first_page(hundreds_of_megabytes, "sent more than")
    assert faulty.sent < 30 * MB  # the difference is in the system's buffers


def get_first_page(answer, error):
    with (
        serve_faults(answer) as faulty,
        open_session(KEY) as session,
        pytest.raises(ServiceFailure, match=error),
    ):
        get_page(session, Service("nasa", faulty.url), Batch(1), Pace(0, print))
    return faulty


def test_documentation_states_the_limits():
    # Real pages have at most 0.6 MB and arrive within seconds (2026).
    text = (PROJECT / "docs/faults.md").read_text(encoding="utf-8")
    assert f"{transport.LARGEST_PAGE // MB} MiB" in text
    assert f"{retries.LONGEST_ANSWER_S} s in total" in text
    assert f"{retries.TIMEOUT_S[0]} s to connect" in text
    assert f"{retries.TIMEOUT_S[1]} s for the next bytes" in text
    assert f"{retries.RETRIES + 1} attempts if there is no answer" in text
    assert f"{retries.PAGE_ATTEMPTS} if a page is invalid" in text


def test_documentation_lists_exactly_these_faults():
    page = (PROJECT / "docs/faults.md").read_text(encoding="utf-8")
    text = page.partition("\n## When the machine")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")][1:]
    documented = {
        name.strip(): list(
            zip(re.findall(r"\*\*(.+?)\*\*", happens), map(int, status.split(",")), strict=True)
        )
        for name, happens, status in rows
    }
    tested = defaultdict(list)
    for name, outcome in [(c.name, c.outcome) for c in CASES] + list(OF_THE_LISTING.items()):
        status = FAILURES[outcome].exit_status if outcome in FAILURES else 0
        tested[name.removesuffix(", once")].append((outcome, status))
    assert documented == tested
    assert len(rows) == len(documented)
