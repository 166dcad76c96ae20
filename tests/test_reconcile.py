"""Compare stored approaches with JPL's CAD, simulated by a loopback service."""

import datetime as dt
import json
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from neo_utils.cli import main
from neo_utils.compare import cad
from neo_utils.compare.cad import decode_cad
from neo_utils.neows import retries
from neo_utils.positions import Batch
from neo_utils.sample.service import Answer, serve
from tests.test_statistics import store

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
# From the service's documentation: https://ssd-api.jpl.nasa.gov/doc/cad.html
SIGNATURE = {"source": "NASA/JPL SBDB Close Approach Data API", "version": "1.5"}
FIELDS = [
    *("des", "orbit_id", "jd", "cd", "dist", "dist_min", "dist_max"),
    *("v_rel", "v_inf", "t_sigma_f", "h"),
]
# Approaches that JPL has published.
PUBLISHED = {
    "170903": [
        *("170903", "105", "2415020.507669610", "1900-Jan-01 00:11", "0.0921795123769547"),
        *("0.0912006569517418", "0.0931589328621254", "16.7523040362574", "16.7505784933163"),
        *("01:00", "18.1"),
    ],
    "99942": [
        *("99942", "220", "2462240.407091969", "2029-Apr-13 21:46", "0.000254090910419299"),
        *("0.000254068999976389", "0.000254112821017663", "7.42253895678452"),
        *("5.84135589753103", "< 00:01", "19.09"),
    ],
}


def answer_of(*rows, **changes):
    result = {"signature": SIGNATURE, "count": str(len(rows)), "fields": FIELDS, "data": rows}
    return {name: value for name, value in (result | changes).items() if value is not None}


def row(time, au, sigma_au=0.0, sigma="< 00:01", orbit="660", des="433"):
    """Return an approach in CAD's format."""
    days = (dt.datetime.fromisoformat(time) - dt.datetime(2000, 1, 1, 12)) / dt.timedelta(days=1)
    cd = f"{dt.datetime.fromisoformat(time):%Y-%b-%d %H:%M}"
    bounds = [f"{au - sigma_au:.12f}", f"{au + sigma_au:.12f}"]
    jd = f"{2451545 + days:.9f}"
    return [des, orbit, jd, cd, f"{au:.12f}", *bounds, "5.58", "5.57", sigma, "10.4"]


def passage(time, au, body="Earth"):
    """Return an approach in NeoWs's format."""
    moment = dt.datetime.fromisoformat(time).replace(tzinfo=dt.UTC)
    return {
        "close_approach_date": time[:10],
        "close_approach_date_full": f"{moment:%Y-%b-%d %H:%M}",
        "epoch_date_close_approach": int(moment.timestamp()) * 1000,
        "orbiting_body": body,
        "miss_distance": {"astronomical": f"{au:.10f}", "kilometers": "1"},
        "relative_velocity": {"kilometers_per_second": "5.58"},
    }


def eros(*passages, orbit="659", determined="2021-05-24 17:55:05", uncertainty="0"):
    return {
        "id": "2000433",
        "name": "433 Eros (A898 PA)",
        "designation": "433",
        "close_approach_data": list(passages),
        "orbital_data": {
            "orbit_id": orbit,
            "orbit_determination_date": determined,
            "orbit_uncertainty": uncertainty,
        },
    }


@pytest.fixture
def reconcile(tmp_path, monkeypatch, capsys):
    """Return a function that stores objects, simulates CAD and runs the command."""

    def run(objects, response, neos="433", source="nasa"):
        requested = []

        def answer(url, headers):
            requested.append((url, headers))
            given = response(url) if callable(response) else response
            return given if isinstance(given, Answer) else Answer(200, {}, as_json(given))

        if not (tmp_path / "raw").exists():
            store(tmp_path, 1, objects, DAY, source=source)
        settings = {"START": 1, "END": 20, "SOURCE": "auto", "OUTPUT_DIR": tmp_path, "NEOS": neos}
        for name, value in settings.items():
            monkeypatch.setenv(name, str(value))
        with serve(answer=answer) as url:
            monkeypatch.setattr(cad, "CAD_URL", f"http://{urlsplit(url).netloc}/cad.api")
            status = main(["reconcile"])
        return Result(status, *capsys.readouterr(), requested)

    monkeypatch.setattr(retries, "RETRIES", 0)
    return run


class Result(NamedTuple):
    status: int
    text: str
    failure: str
    requested: list

    @property
    def lines(self):
        """The lines of the only NEO."""
        assert (self.status, self.failure) == (0, "")
        lines = [line for line in self.text.splitlines() if line.startswith("  ")]
        return [" ".join(line.split()) for line in lines]

    @property
    def found(self):
        """The counts and the explanations."""
        return [line for line in self.lines if line.split()[0] not in ("orbit", "apart")]

    @property
    def apart(self):
        """The largest differences between the matching approaches."""
        (line,) = [line for line in self.lines if line.startswith("apart ")]
        return line.removeprefix("apart ")


def as_json(result):
    return result if isinstance(result, bytes) else json.dumps(result).encode()


CALM = ("1931-01-30 04:07", 0.174077)  # a passage of Eros on which both lists agree
BEFORE = ("1917-04-20 21:19", 0.45)
FIRST = ("1900-12-27 01:30", 0.3149291693)  # as NeoWs listed it in 2024, of solution 659
OF_ANOTHER_ORBIT = 0.3149291092  # the same in another recorded answer
EQUAL = "by at most 0 minutes and 0.0000000000 AU; CAD's times: 0 later, 0 earlier"


def test_decodes_a_published_answer_with_units():
    for designation, published in PUBLISHED.items():
        listed = decode_cad(as_json(answer_of(published)))
        (only,) = listed.passages.itertuples()
        assert (only.designation, only.orbit_id) == (designation, published[1])
        assert f"{only.time:%Y-%b-%d %H:%M}" == published[3]
        assert (only.distance_au, only.distance_min_au) == (
            float(published[4]),
            float(published[5]),
        )
    assert listed.version == "NASA/JPL SBDB Close Approach Data API 1.5"


@pytest.mark.parametrize(
    ("sigma", "minutes"), [("< 00:01", 1), ("01:00", 60), ("13:02", 782), ("2_09:08", 3428)]
)
def test_reads_time_uncertainty_in_minutes(sigma, minutes):
    listed = decode_cad(as_json(answer_of(row(*CALM, sigma=sigma))))
    assert listed.passages["time_sigma_min"].tolist() == [minutes]


def test_finds_fields_by_name_and_accepts_numeric_counts():
    order = sorted(range(len(FIELDS)), key=lambda place: FIELDS[place])
    given = answer_of(
        [row(*CALM)[place] for place in order], fields=[FIELDS[place] for place in order], count=1
    )
    assert decode_cad(as_json(given)).passages["distance_au"].tolist() == [0.174077]


def test_equal_earth_lists_match(reconcile):
    result = reconcile(
        [eros(passage(*FIRST), passage(*CALM), passage("1940-01-01 00:00", 0.1, "Mars"))],
        answer_of(row(*FIRST), row(*CALM)),
    )
    assert result.found == ["found 2 matched, 0 missing, 0 extra"]
    assert result.apart == EQUAL
    assert "433 Eros (A898 PA)\n" in result.text
    orbit = "orbit stored: solution 659 of 2021-05-24, uncertainty 0; CAD: solution 660 of 433"
    assert orbit in result.lines
    assert "stored      Source: NeoWs at x, as listed on 2026-03-01" in result.text
    assert "NASA/JPL SBDB Close Approach Data API 1.5" in result.text
    assert "CAD uses TDB" in result.text


def test_ignores_one_minute_but_reports_two(reconcile):
    result = reconcile(
        [eros(passage("1931-01-30 04:08", 0.174077), passage("2012-01-31 11:03", 0.17))],
        answer_of(row(*CALM, orbit="659"), row("2012-01-31 11:01", 0.17, orbit="659")),
    )
    assert result.found == [
        "found 2 matched, 0 missing, 0 extra",
        "differing 1, unexplained: a bug on either side: 2012-01-31 11:01 at 0.170000 AU",
    ]
    assert result.apart.endswith("CAD's times: 0 later, 2 earlier")
    assert result.apart.startswith("by at most 2 minutes and 0.0000000000 AU;")


UNEXPLAINED = "unexplained: a bug on either side"
UNCERTAIN = "orbit solution: within CAD's own uncertainty (3 sigma)"
SMALL = "orbit solution: moved by at most 0.0001 AU and 30 minutes"
POOR = "orbit solution: the orbit is poorly known"
ACROSS = "orbit solution: on both sides of the limit of 0.2 AU"
PROBABLY = "listing limit: NeoWs probably lists this NEO up to 0.2 AU"
ENDS = "listing limit: at the ends of 1900 to 2200"
NEWER = {"determined": "2024-12-03 05:00:00"}
NEAR = ("1950-06-01 00:00", 0.1)
AT_START, AT_END = ("1900-01-02 12:00", 0.1), ("2200-12-30 12:00", 0.1)
AT_LIMIT = ("1950-06-01 00:00", 0.19995)
HOURS_LATER = ("1900-12-27 03:30", 0.34)
A_DAY_LATER = ("1900-12-28 12:00", 0.35)
OTHER_ORBIT = (FIRST[0], OF_ANOTHER_ORBIT)


@pytest.mark.parametrize(
    ("stored", "listed", "of_row", "of_eros", "why"),
    [
        # Until November 2024 NeoWs listed up to 0.5 AU, since then up to 0.2 AU.
        (None, BEFORE, {}, {"determined": "2024-11-04 23:59:59"}, UNEXPLAINED),
        (None, BEFORE, {}, NEWER, "listing limit: NeoWs lists this NEO up to 0.2 AU"),
        # Between these days, and without a day, the limit was not seen.
        (None, BEFORE, {}, {"determined": "2024-12-01 23:59:59"}, PROBABLY),
        (None, BEFORE, {}, {"determined": None}, PROBABLY),
        # CAD gives no day, so its limit is known only if it uses the stored orbit.
        (BEFORE, None, {}, {}, "listing limit: CAD probably lists this NEO up to 0.2 AU"),
        (BEFORE, None, {"orbit": "659"}, {}, UNEXPLAINED),
        (BEFORE, None, {"orbit": "659"}, NEWER, "listing limit: CAD lists this NEO up to 0.2 AU"),
        (NEAR, None, {}, {}, UNEXPLAINED),
        (None, NEAR, {}, {}, UNEXPLAINED),
        (AT_START, None, {}, {}, ENDS),
        (None, AT_START, {}, {}, ENDS),
        (AT_END, None, {}, {}, ENDS),
        (None, AT_END, {}, {}, ENDS),
        (None, AT_LIMIT, {}, NEWER, ACROSS),
        (None, AT_LIMIT, {"orbit": "659"}, NEWER, UNEXPLAINED),
        (FIRST, OTHER_ORBIT, {"sigma_au": 1e-7}, {}, UNCERTAIN),
        (FIRST, HOURS_LATER, {"sigma_au": 0.03, "sigma": "02:00"}, {}, UNCERTAIN),
        (FIRST, OTHER_ORBIT, {}, {}, SMALL),
        (FIRST, ("1900-12-27 01:59", FIRST[1] + 0.00009), {}, {}, SMALL),
        (FIRST, (FIRST[0], 0.3151), {}, {}, UNEXPLAINED),
        (FIRST, ("1900-12-27 02:01", FIRST[1]), {}, {}, UNEXPLAINED),
        (FIRST, A_DAY_LATER, {}, {"uncertainty": "3"}, POOR),
        (FIRST, A_DAY_LATER, {"sigma": "3_00:00"}, {}, POOR),
        (FIRST, OTHER_ORBIT, {"sigma_au": 0.1, "orbit": "659"}, {}, UNEXPLAINED),
    ],
)
def test_explains_a_difference(reconcile, stored, listed, of_row, of_eros, why):
    """Both lists contain a passage on which they agree, and one of these two or both."""
    ours = [passage(*one) for one in (CALM, stored) if one]
    theirs = [row(*CALM, orbit=of_row.get("orbit", "660"))]
    theirs += [row(*listed, **of_row)] if listed else []
    result = reconcile([eros(*ours, **of_eros)], answer_of(*theirs))
    kind = "extra" if not listed else "differing" if stored else "missing"
    time, au = listed or stored
    assert result.found == [
        f"found {1 + (kind == 'differing')} matched, {kind == 'missing':d} missing, "
        f"{kind == 'extra':d} extra",
        f"{kind} 1, {why}: {time} at {au:.6f} AU",
    ]


def test_own_list_beyond_the_limit_of_its_date_refutes_that_limit(reconcile):
    farther = ("1950-06-01 00:00", 0.3)
    result = reconcile(
        [eros(passage(*CALM), passage(*BEFORE), **NEWER)],
        answer_of(row(*CALM), row(*BEFORE), row(*farther)),
    )
    assert result.found[1] == f"missing 1, {UNEXPLAINED}: {farther[0]} at 0.300000 AU"


def test_lists_all_unexplained_and_at_most_three_other_differences(reconcile):
    years = (1950, 1960, 1970, 1980)
    lost = [row(f"{year}-06-01 00:00", 0.1) for year in years]
    far = [row(f"{year}-06-02 00:00", 0.3) for year in years]
    result = reconcile(
        [eros(passage(*CALM), determined="2025-01-01 00:00:00")],
        answer_of(row(*CALM), *lost, *far),
    )
    limited = ", ".join(f"{year}-06-02 00:00 at 0.300000 AU" for year in years[:3])
    times = ", ".join(f"{year}-06-01 00:00 at 0.100000 AU" for year in years)
    assert result.found[1:] == [
        f"missing 4, listing limit: NeoWs lists this NEO up to 0.2 AU: {limited}, ...",
        f"missing 4, {UNEXPLAINED}: {times}",
    ]


def test_reports_the_largest_distance_difference(reconcile):
    result = reconcile(
        [eros(passage(*FIRST), passage(*CALM))],
        answer_of(row(FIRST[0], OF_ANOTHER_ORBIT), row(*CALM)),
    )
    # 0.3149291693 - 0.3149291092: NeoWs has listed both distances of this passage.
    assert result.apart.startswith("by at most 0 minutes and 0.0000000601 AU;")


def test_passage_moved_by_a_week_is_missing_and_extra(reconcile):
    result = reconcile(
        [eros(passage(*BEFORE), passage("2050-06-01 00:00", 0.1), uncertainty="7")],
        answer_of(row(*BEFORE), row("2050-06-08 00:00", 0.12, sigma="9_00:00")),
    )
    assert result.found[1:] == [
        "extra 1, orbit solution: the orbit is poorly known: 2050-06-01 00:00 at 0.100000 AU",
        "missing 1, orbit solution: the orbit is poorly known: 2050-06-08 00:00 at 0.120000 AU",
    ]


def test_passages_within_three_days_stay_separate(reconcile):
    result = reconcile(
        [eros(passage("2028-06-01 00:00", 0.1), passage(*BEFORE))],
        answer_of(row(*BEFORE), row("2028-06-01 00:00", 0.1), row("2028-06-03 00:00", 0.12)),
    )
    assert result.found[0].startswith("found 2 matched, 1 missing, 0 extra")
    assert result.found[1].endswith(
        "unexplained: a bug on either side: 2028-06-03 00:00 at 0.120000 AU"
    )


def test_handles_an_old_page_without_time_and_designation(reconcile):
    old = eros(passage(*FIRST), passage("1931-01-30 04:07", 0.174077))
    for name in ("id", "designation"):
        del old[name]
    old["neo_reference_id"] = "2000433"
    for one in old["close_approach_data"]:
        del one["close_approach_date_full"]
        one["epoch_date_close_approach"] += 8 * 3_600_000  # midnight in California
    # One on the same day, and one 90 minutes after it has ended.
    result = reconcile(
        [old], answer_of(row("1900-12-27 23:59", FIRST[1]), row("1931-01-31 01:30", CALM[1]))
    )
    assert result.found == [
        "found 2 matched, 0 missing, 0 extra",
        "days 2 stored approaches, from old pages, have no time of day",
        "differing 1, unexplained: a bug on either side: 1931-01-31 01:30 at 0.174077 AU",
    ]
    assert result.apart.startswith(
        "by at most 90 minutes and 0.0000000000 AU; CAD's times: 1 later"
    )
    assert "des=433&" in result.requested[0][0]


def test_uses_the_newer_batch_of_a_duplicate_neo(reconcile, tmp_path, monkeypatch):
    store(tmp_path, 21, [eros(passage(*BEFORE), orbit="600")], DAY - dt.timedelta(days=9), "nasa")
    store(tmp_path, 1, [eros(passage(*CALM))], DAY, "nasa")
    monkeypatch.setattr("tests.test_reconcile.store", None)
    result = reconcile([], answer_of(row(*CALM, orbit="659")))
    assert result.found[0].startswith("found 1 matched, 0 missing, 0 extra")


def test_empty_cad_list_is_reported_with_its_possible_cause(reconcile):
    nothing = {"signature": SIGNATURE, "count": "0"}
    result = reconcile([eros(passage(*CALM), passage(*BEFORE))], nothing)
    assert "CAD lists no approach, or does not recognise the designation" in result.text
    assert result.found == [
        "found 0 matched, 0 missing, 2 extra",
        "extra 1, listing limit: CAD probably lists this NEO up to 0.2 AU: "
        "1917-04-20 21:19 at 0.450000 AU",
        "extra 1, unexplained: a bug on either side: 1931-01-30 04:07 at 0.174077 AU",
    ]


def test_compares_a_neo_without_stored_approaches(reconcile):
    result = reconcile([eros()], answer_of(row(*CALM)))
    assert result.found == [
        "found 0 matched, 1 missing, 0 extra",
        "missing 1, unexplained: a bug on either side: 1931-01-30 04:07 at 0.174077 AU",
    ]
    assert reconcile([], {"signature": SIGNATURE, "count": 0, "data": []}).found == [
        "found 0 matched, 0 missing, 0 extra"
    ]


def test_requests_each_neo_once_without_a_key(reconcile, monkeypatch):
    monkeypatch.setenv("API_KEY", KEY)
    nameless = {"id": "3542519", "name": "(2010 PK9)", "close_approach_data": []}
    known = {"id": "2099942", "name": "99942 Apophis (2004 MN4)", "close_approach_data": []}
    result = reconcile(
        [eros(), nameless | {"designation": "2010 PK9"}, known | {"designation": "99942"}],
        {"signature": SIGNATURE, "count": 0},
        neos="2010 PK9 2000433, 433 2004mn4",
    )
    queries = [parse_qs(urlsplit(url).query) for url, _ in result.requested]
    assert [query["des"] for query in queries] == [["2010 PK9"], ["433"], ["99942"]]
    wanted = {"date-min": ["1900-01-01"], "date-max": ["2200-12-31T23:59:59"], "body": ["Earth"]}
    assert wanted.items() <= queries[0].items()
    assert float(queries[0]["dist-max"][0]) >= 0.5
    for url, headers in result.requested:
        assert "x-api-key" not in {name.lower() for name in headers}
        assert KEY not in url + str(dict(headers))
    assert [line for line in result.text.splitlines() if line[0] != " "][3:] == [
        "(2010 PK9)",
        "433 Eros (A898 PA)",
        "99942 Apophis (2004 MN4)",
    ]


def failure_message(result, status):
    assert (result.status, result.text) == (status, "")
    assert result.failure.startswith("reconcile: ")
    assert result.failure.count("\n") == 1
    return result.failure


def with_value(name, value):
    return answer_of(
        [value if field == name else old for field, old in zip(FIELDS, row(*CALM), strict=True)]
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "not a CAD response"),
        (b"<html>maintenance</html>", "not a CAD response"),
        (b"[1, 2]", "not a CAD response"),
        (b"\xff" * 9, "not a CAD response"),
        (b"[" * 100_000, "not a CAD response"),
        ({"count": 0}, "missing required field `signature`"),
        ({"signature": SIGNATURE}, "missing required field `count`"),
        (answer_of(row(*CALM), signature=SIGNATURE | {"version": "2.0"}), "API 2.0, but only"),
        (answer_of(row(*CALM), fields=[*FIELDS[:-2], "sigma", "h"]), "lacks the field t_sigma_f"),
        (answer_of(row(*CALM), fields=None), "lacks the field des, orbit_id, jd"),
        (answer_of(row(*CALM), count="2"), "has 1 approaches but its count is 2"),
        (answer_of(row(*CALM), data=None), "has 0 approaches but its count is 1"),
        (answer_of(row(*CALM)[:-1]), "shorter"),
        (answer_of(row(*CALM), row(*BEFORE, des="434")), "several objects"),
        (with_value("dist", "NaN"), "$.dist"),
        (with_value("dist", "-0.1"), "$.dist"),
        (with_value("dist_max", None), "$.dist_max"),
        (with_value("jd", "2430000.5"), "are different times"),
        (with_value("cd", "1931-01-30 04:07"), "does not match format"),
        (with_value("t_sigma_f", "a while"), "t_sigma_f a while is not a valid duration"),
        (with_value("des", "\x1b[2J"), "$.des"),
    ],
)
def test_invalid_answer_gives_one_line_and_no_result(reconcile, answer, reason):
    result = reconcile([eros(passage(*CALM))], answer)
    message = failure_message(result, 4)
    host = urlsplit(cad.CAD_URL).netloc
    assert message.startswith(f"reconcile: the response of {host} for 433 is invalid: ")
    assert reason in message
    assert "\x1b" not in message  # no terminal control sequences


def hang_up(_):
    raise ConnectionError


NOT_FOUND = b'{"code": "400", "message": "specified object was not found\\u001b[2J"}'
ELSEWHERE = {"Location": "https://example.org/"}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            Answer(400, {}, NOT_FOUND),
            r"rejected .* 433 \(specified object was not found.*NEOS$",
        ),
        (hang_up, r"does not answer.* Check the network, or try again later"),
        *((Answer(n, ELSEWHERE, b"?"), f"status {n} for 433") for n in (302, 404, 429, 500, 503)),
    ],
)
def test_failure_of_the_service_gives_one_line(reconcile, answer, message):
    result = reconcile([eros()], answer)
    assert re.search(message, failure_message(result, 4))
    assert "\x1b" not in result.failure


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        *(({"neos": neos}, 2, 'NEOS="433 99942"') for neos in ("", "  ", " , ")),
        (
            {"neos": "433 99942 2010 PK9"},
            1,
            "not stored in .*1 to 20: 99942, 2010 PK9. Set START",
        ),
        ({"neos": "77"}, 2, "77 is stored without a designation"),
        ({"source": "sample"}, 2, "simulated sample, which JPL does not list"),
    ],
)
def test_invalid_neos_fail_with_one_line_before_any_request(reconcile, options, status, message):
    result = reconcile([eros(), {"id": "77", "close_approach_data": []}], {}, **options)
    assert re.search(message, failure_message(result, status))
    assert not result.requested


def test_failure_of_the_second_neo_gives_no_partial_result(reconcile):
    second = {"id": "1", "name": "(2010 PK9)", "close_approach_data": []}
    result = reconcile(
        [eros(passage(*CALM)), second],
        lambda url: answer_of(row(*CALM)) if "des=433" in url else Answer(400, {}, b""),
        neos="433 2010PK9",
    )
    assert "rejected the designation 2010 PK9. Remove" in failure_message(result, 4)


def test_does_not_compare_changed_stored_files(reconcile, tmp_path):
    store(tmp_path, 1, [eros()], DAY, "nasa")
    path = Batch(1).file(tmp_path, "close_approaches")
    path.write_bytes(path.read_bytes()[:-9])
    message = failure_message(reconcile([], {}), 1)
    assert "`make backfill START=1 END=20 SOURCE=nasa" in message
    assert f"OUTPUT_DIR={tmp_path}` (add the API_URL of NeoWs at x, " in message
    assert message.endswith(" to fetch it again\n")
