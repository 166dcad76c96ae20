"""Compare answers about stored data with the pages, decoded with json."""

import csv
import datetime as dt
import json
import re
from io import StringIO

import pandas as pd
import pytest
from icalendar import Calendar

import neo_utils as neo
from neo_utils.answers.calendar import as_calendar
from neo_utils.answers.views import everything_stored
from neo_utils.errors import StoredDataMissing, WrongParameter
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.sample import service
from tests.objects import serve_changed
from tests.page_oracle import BETWEEN, MODERN, OLD
from tests.sample_neos import neos_of

PAGES = [0, 1, 357]  # with a gap; the last page has a Sentry object
TDB_AHEAD = dt.timedelta(seconds=69.184)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output")
    for start, end in ((1, 40), (7141, 7160)):
        fetch(plan_fetch(start, end, "sample", output_dir=str(folder)))
    return everything_stored(str(folder))


@pytest.fixture(scope="module")
def from_nasa(tmp_path_factory):
    """Return the same pages, fetched from a service."""
    folder = str(tmp_path_factory.mktemp("nasa"))
    with service.serve() as url:
        for start, end in ((1, 40), (7141, 7160)):
            fetch(plan_fetch(start, end, "nasa", url, folder))
    return everything_stored(folder)


@pytest.fixture(scope="module")
def passages():
    """Return (time in UTC, AU, km/s, NEO, approach) of every approach on the pages."""
    return passages_on(neos_of(PAGES))


def passages_on(neos):
    return [
        (
            utc_of(one),
            float(one["miss_distance"]["astronomical"]),
            float(one["relative_velocity"]["kilometers_per_second"]),
            listed,
            one,
        )
        for listed in neos
        for one in listed["close_approach_data"]
    ]


def utc_of(one):
    """Return the listed time in UTC, rounded to the minute."""
    listed = dt.datetime.fromtimestamp(one["epoch_date_close_approach"] / 1000, dt.UTC)
    return (listed - TDB_AHEAD + dt.timedelta(seconds=30)).replace(second=0, microsecond=0)


@pytest.mark.parametrize(
    ("days", "within", "au", "body", "first_day"),
    [
        (1_000, 0.2, 0.2, "Earth", None),
        (3650, "20 LD", 20 / 389, "earth", "2030-05-06"),
        (36525, "2.9e8km", 2.9e8 / 149_597_870.7, "Jupiter", "1950-01-01"),
        ("700", "2", 2, "any", dt.date(2027, 1, 1)),
    ],
)
def test_next_passages_are_those_of_the_pages_by_time(
    stored, passages, days, within, au, body, first_day
):
    answer = neo.upcoming(stored, days=days, within=within, body=body, first_day=first_day)
    first = dt.datetime.fromisoformat(f"{first_day or '2026-03-01'}T00:00:00Z")
    known = {"earth": "Earth", "Jupiter": "Juptr"}
    expected = [
        one
        for one in passages
        if first <= one[0] < first + dt.timedelta(days=int(days))
        and one[1] < au
        and (body == "any" or one[4]["orbiting_body"] == known.get(body, body))
    ]
    expected.sort(key=lambda one: (one[0], one[3]["id"]))
    assert [time.to_pydatetime() for time in answer.rows["close_approach_time_utc"]] == [
        one[0] for one in expected
    ]
    assert answer.rows["neo_id"].tolist() == [one[3]["id"] for one in expected]
    assert answer.rows["miss_distance_au"].tolist() == [one[1] for one in expected]
    assert len(expected) > 0


def test_a_passage_belongs_to_its_day_in_utc(tmp_path):
    def change(neos):
        for one in neos:
            one["close_approach_data"] = one["close_approach_data"][:1] if one is neos[1] else []
        midnight = dt.datetime(2030, 1, 2, tzinfo=dt.UTC)
        neos[1]["close_approach_data"][0] |= {
            "close_approach_date": "2030-01-02",
            "close_approach_date_full": "2030-Jan-02 00:00",
            "epoch_date_close_approach": int(midnight.timestamp() * 1000),
            "orbiting_body": "Earth",
        }

    with serve_changed(change) as url:
        fetch(plan_fetch(1, 20, "nasa", url, str(tmp_path)))
    stored = everything_stored(str(tmp_path))
    found = {
        day: len(neo.upcoming(stored, days=1, within=2, first_day=day).rows)
        for day in ("2030-01-01", "2030-01-02")
    }
    assert found == {"2030-01-01": 1, "2030-01-02": 0}


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ("nearest", lambda one: one[1]),
        ("fastest", lambda one: -one[2]),
        ("slowest", lambda one: one[2]),
        ("largest", lambda one: one[3]["absolute_magnitude_h"]),
    ],
)
@pytest.mark.parametrize(
    "more", [{}, {"years": "1950..2010", "within": "60LD"}, {"body": "any", "years": "2029"}]
)
def test_records_are_those_of_the_pages_each_neo_once(stored, passages, record, key, more):
    first, _, last = more.get("years", "1900..2200").partition("..")
    own = (lambda one: one[1]) if record == "largest" else key
    best = {}
    for one in passages:
        year = int(one[4]["close_approach_date"][:4])
        near = one[1] < 60 / 389 or "within" not in more
        right_body = one[4]["orbiting_body"] == "Earth" or "body" in more
        if int(first) <= year <= int(last or first) and near and right_body:
            neo_id = one[3]["id"]
            best[neo_id] = min(best.get(neo_id, one), one, key=own)
    expected = sorted(best.values(), key=lambda one: (key(one), one[4]["close_approach_date"]))[:7]
    found = neo.top(record, stored, rows=7, **more).rows
    assert found["neo_id"].tolist() == [one[3]["id"] for one in expected]
    assert found["miss_distance_au"].tolist() == [one[1] for one in expected]


def test_an_answer_states_definition_part_and_source(stored):
    text = repr(neo.upcoming(stored, days=3650, within="20LD"))
    lines = text.splitlines()
    assert lines[0] == (
        "Approaches to Earth closer than 20 LD from 2026-03-01 to 2036-02-26, by time (UTC):"
    )
    assert lines[-4:-2] == [
        "Times are UTC, to the minute, converted from TDB",
        "Diameters are estimated from H; about half of the measured ones lie outside the range",
    ]
    assert lines[-2] == "This list covers 60 of 41,000 listed NEOs"
    assert lines[-1].startswith("Source: simulated sample, not NASA data, as listed on 2026-03-01")
    assert "(NeoWs lists Venus up to 0.15 AU)" in repr(neo.upcoming(stored, body="venus"))
    none = repr(neo.upcoming(stored, days=1, within="1km"))
    assert none.splitlines()[1] == "no passages found"


def test_names_link_to_jpl_and_sentry_for_nasas_data_only(stored, from_nasa):
    options = {"days": 36_525, "within": 2, "body": "any"}
    assert "<a href" not in neo.upcoming(stored, **options)._repr_html_()
    html = neo.upcoming(from_nasa, first_day="2026-03-01", **options)._repr_html_()
    watched = [one for one in neos_of(PAGES) if one["is_sentry_object"]]
    assert watched

    def passes(one):
        days = [each["close_approach_date"] for each in one["close_approach_data"]]
        return any("2026-03-02" < day < "2126-02-01" for day in days)

    for one in neos_of(PAGES):
        link = f'<a href="{one["nasa_jpl_url"]}">{one["name"]}</a>'
        assert (link in html) == passes(one)
    sentry = set(re.findall(r'sentry/details.html#\?des=([^"]*)">yes', html))
    assert sentry == {one["designation"].replace(" ", "%20") for one in watched if passes(one)}


def test_answers_work_with_rejected_unnamed_and_untimed_objects(tmp_path):
    def damage(neos):
        neos[0] |= {"designation": 7, "close_approach_data": None}  # rejected
        neos[1] |= {"designation": None, "is_sentry_object": True, "name": None}
        for one in neos[2]["close_approach_data"]:
            one["close_approach_date_full"] = None
        neos[3] |= {"estimated_diameter": None, "absolute_magnitude_h": None}

    with serve_changed(damage) as url:
        done = fetch(plan_fetch(1, 20, "nasa", url, str(tmp_path)))
    assert (done.neos, done.rejected) == (19, 1)
    stored = everything_stored(str(tmp_path))
    answer = neo.upcoming(stored, days=36_525, within=2, body="any", first_day="2026-03-01")
    untimed = answer.rows["close_approach_time_utc"].isna()
    assert set(answer.rows.loc[untimed, "neo_id"]) == {neos_of([0])[2]["id"]}
    assert answer.table.loc[untimed, "time (UTC)"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    events = Calendar.from_ical(as_calendar(answer)).walk("VEVENT")
    assert sum(not isinstance(event.decoded("dtstart"), dt.datetime) for event in events) == (
        untimed.sum()
    )
    for text in (repr(answer), answer.as_csv(), answer.as_json(), answer._repr_html_()):
        assert not re.search(r"\b(nan|nat|none)\b", text, re.IGNORECASE)


def test_csv_and_json_have_the_same_rows(stored):
    answer = neo.upcoming(stored, days=3650, within=0.2)
    rows = list(csv.DictReader(StringIO(answer.as_csv())))
    document = json.loads(answer.as_json())
    assert document["definition"] == answer.definition
    assert len(rows) == len(document["rows"]) == len(answer.rows) > 5
    for row, other, (_, given) in zip(rows, document["rows"], answer.rows.iterrows(), strict=True):
        assert row["close_approach_date"] == other["close_approach_date"]
        assert float(row["miss_distance_km"]) == given["miss_distance_km"]
        for name in ("miss_distance_km", "miss_distance_au", "relative_velocity_km_per_sec"):
            assert other[name] == given[name]
        utc = dt.datetime.fromisoformat(other["close_approach_time_utc"])
        assert utc == dt.datetime.fromisoformat(row["close_approach_time_utc"])
        assert utc == given["close_approach_time_utc"]


def test_calendar_has_an_event_for_each_passage(stored, from_nasa):
    answer = neo.upcoming(from_nasa, days=3650, within=0.2, first_day="2026-03-01")
    text = as_calendar(answer)
    assert text.splitlines(keepends=True)[0] == "BEGIN:VCALENDAR\r\n"
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75  # RFC 5545, section 3.1
    events = Calendar.from_ical(text).walk("VEVENT")
    assert len({event["uid"] for event in events}) == len(events) == len(answer.rows) > 5
    for event, (_, row) in zip(events, answer.rows.iterrows(), strict=True):
        assert event.decoded("dtstart") == row["close_approach_time_utc"]
        assert str(event["summary"]) == (
            f"{row['name']} passes Earth at {row['miss_distance_lunar']:.2f} LD"
        )
        assert str(event["url"]) == row["nasa_jpl_url"]
        assert "Source: NeoWs at 127.0.0.1" in event["description"]
    simulated = Calendar.from_ical(as_calendar(neo.upcoming(stored, days=3650)))
    assert {str(one["summary"])[:11] for one in simulated.walk("VEVENT")} == {"Simulated: "}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: neo.upcoming(one, days=0), "DAYS=0 is not valid. Use a whole number from 1"),
        (lambda one: neo.upcoming(one, days="1.5"), "DAYS=1.5 is not valid"),
        (lambda one: neo.upcoming(one, within="10 parsec"), "WITHIN=10 parsec is not a distance"),
        (lambda one: neo.upcoming(one, within=0), "WITHIN=0 is not a distance"),
        (lambda one: neo.upcoming(one, within="nan"), "WITHIN=nan is not a distance"),
        (lambda one: neo.upcoming(one, within="9" * 400), "WITHIN=9+... .* is not a distance"),
        (
            lambda one: neo.upcoming(one, body="Pluto"),
            "BODY=Pluto is unknown. .*Jupiter",
        ),
        (lambda one: neo.upcoming(one, first_day="soon"), "FROM=soon is not a day"),
        (lambda one: neo.upcoming(one, first_day="0001-01-01"), "FROM=0001-01-01 is not a day"),
        (lambda one: neo.upcoming(one, first_day=dt.date(9999, 12, 31)), "FROM=9999-12-31 is not"),
        (lambda one: neo.top("nearest", one, within=0), "WITHIN=0 is not a distance"),
        (lambda one: neo.top("best", one), "record=best is not valid. Use nearest, fastest"),
        (lambda one: neo.top("nearest", one, years="2200..1900"), "YEARS=2200..1900 is not a"),
        (lambda one: neo.top("nearest", one, rows=-1), "ROWS=-1 is not valid"),
        (lambda one: neo.show(" ", one), "NEO is not set"),
    ],
)
def test_a_wrong_value_gives_one_line(stored, call, message):
    with pytest.raises(WrongParameter, match=message) as failure:
        call(stored)
    assert "\n" not in str(failure.value)


def test_no_stored_data_gives_one_line(tmp_path):
    with pytest.raises(StoredDataMissing, match="nothing is stored in .*/none. Set OUTPUT_DIR"):
        everything_stored(str(tmp_path / "none"))


@pytest.mark.parametrize("kind", ["id", "designation", "name", "name_limited"])
def test_one_neo_is_found_by_what_it_is_called(stored, kind):
    for one in neos_of([0]):
        called = one.get(kind)
        if called:
            assert neo.show(called.lower(), stored).values["neo_id"] == one["id"]


def test_what_is_shown_about_one_neo_equals_the_page(stored, passages):
    watched = next(one for one in neos_of(PAGES) if one["is_sentry_object"])
    shown = neo.show(watched["id"], stored)
    text = repr(shown)
    orbit = watched["orbital_data"]
    for part in (
        watched["name"],
        f"H            {watched['absolute_magnitude_h']:g} mag",
        "Sentry       yes",
        f"({orbit['orbit_class']['orbit_class_type']})",
        f"MOID         {float(orbit['minimum_orbit_intersection']):.6g} AU",
        f"orbit {orbit['orbit_id']}, {orbit['orbit_determination_date']}, uncertainty",
        f"observed     {orbit['first_observation_date']} to {orbit['last_observation_date']}",
        f"approaches   {len(watched['close_approach_data'])} listed",
    ):
        assert part in text
    own = sorted(one[:2] for one in passages if one[3]["id"] == watched["id"])
    assert shown.passages.rows["miss_distance_au"].tolist() == [au for _, au in own]
    nearest = text.partition("nearest approaches")[2].partition("next approaches")[0]
    assert f"{min(au for _, au in own):.5f}" in nearest.splitlines()[2]
    assert "https://" not in text  # the sample's objects have no page at JPL


def test_an_unknown_name_suggests_similar_ones(stored):
    name = next(one["name_limited"] for one in neos_of([0]) if one["name_limited"])
    with pytest.raises(StoredDataMissing, match=f"no NEO called {name}x .* Similar: .*{name}"):
        neo.show(f"{name}x", stored)
    with pytest.raises(StoredDataMissing, match="Use an id, number, designation or name"):
        neo.show("zzzzzz", stored)


@pytest.mark.parametrize("recorded", [OLD, BETWEEN, MODERN], ids=lambda path: path.name[:7])
def test_answers_of_recorded_pages_equal_plain_python(tmp_path, recorded):
    if not recorded.exists():
        pytest.skip(f"the recorded page {recorded.name} is not on this machine")
    with service.serve(answer=lambda _url, _headers: page_of(recorded)) as url:
        fetch(plan_fetch(1, 20, "nasa", url, str(tmp_path)))
    stored = everything_stored(str(tmp_path))
    objects = json.loads(recorded.read_bytes())["near_earth_objects"]
    listed = sorted(
        (
            utc_of(one) if one.get("close_approach_date_full") else None,
            one["close_approach_date"],
            listed.get("id") or listed["neo_reference_id"],
            float(one["miss_distance"]["astronomical"]),
            float(one["relative_velocity"]["kilometers_per_second"]),
        )
        for listed in objects
        for one in listed["close_approach_data"]
        if one["orbiting_body"] == "Earth" and "1950-01-02" < one["close_approach_date"] < "2049"
    )
    answer = neo.upcoming(stored, days=36_525, within=2, first_day="1950-01-01")
    columns = (
        *("close_approach_time_utc", "close_approach_date", "neo_id", "miss_distance_au"),
        "relative_velocity_km_per_sec",
    )
    found = answer.rows[answer.rows["close_approach_date"].between("1950-01-03", "2048-12-31")]
    assert (
        found[[*columns]].values.tolist()
        == [[time or pd.NaT, pd.Timestamp(date), *rest] for time, date, *rest in listed]
        or found.empty
    )
    assert len(found) == len(listed)
    for order, place in (("nearest", 3), ("fastest", 4)):
        best = neo.top(order, stored, years="1950..2048", rows=1).rows
        values = [row[place] for row in listed if row[1] > "1950-01-02"]
        extreme = min(values) if order == "nearest" else max(values)
        assert best[columns[place]].tolist() == [extreme]
    for text in (answer.as_text(), answer.as_csv(), answer.as_json(), answer._repr_html_()):
        assert not re.search(r"\b(nan|nat)\b", text, re.IGNORECASE)
    assert len(Calendar.from_ical(as_calendar(answer)).walk("VEVENT")) == len(answer.rows)
    assert objects[0]["name"] in repr(neo.show(objects[0]["name"], stored))


def page_of(recorded):
    return service.Answer(200, {"Date": "Fri, 01 Nov 2024 00:00:00 GMT"}, recorded.read_bytes())


def test_rows_are_a_dataframe_for_further_analysis(stored):
    rows = neo.top("nearest", stored, rows=5).rows
    assert isinstance(rows, pd.DataFrame)
    assert rows.dtypes["close_approach_date"].kind == "M"


@pytest.mark.parametrize(
    "first_day",
    [
        dt.datetime(2030, 5, 6, 7, 8),
        dt.datetime(2030, 5, 6, 7, 8, tzinfo=dt.UTC),
        pd.Timestamp("2030-05-06T07:08", tz="Asia/Tokyo"),
    ],
)
def test_a_time_stands_for_its_day(stored, first_day):
    text = repr(neo.upcoming(stored, first_day=first_day))
    assert "from 2030-05-06 to 2031-05-05, by time (UTC)" in text


def test_past_and_predicted_passages_are_told_apart(stored):
    mixed = neo.upcoming(stored, first_day="2020-01-01", days=4000)
    assert set(mixed.table["predicted"]) == {"", "yes"}
    assert "predicted" not in neo.upcoming(stored, days=4000).table


def test_a_neo_without_an_orbit_has_no_empty_lines(tmp_path):
    def damage(neos):
        del neos[0]["orbital_data"]

    with serve_changed(damage) as url:
        fetch(plan_fetch(1, 20, "nasa", url, str(tmp_path)))
    text = repr(neo.show(neos_of([0])[0]["id"], everything_stored(str(tmp_path))))
    assert not re.search("None|unknown|orbit  |observed", text)


def test_a_calendar_of_records_states_that_it_is_in_utc(stored):
    passages = neo.top("nearest", stored, rows=3)
    text = as_calendar(passages).replace("\r\n ", "")
    assert "Times are UTC" in text
    assert "Times are TDB" not in text
    events = Calendar.from_ical(as_calendar(passages)).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [
        time.to_pydatetime() for time in passages.rows["close_approach_time_utc"]
    ]
