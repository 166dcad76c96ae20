import datetime as dt
import json
import subprocess
import sys

import pyarrow.compute as pc
import pytest

from neo_utils.neows.pages import InvalidPage, PagePastEnd
from neo_utils.positions import Batch
from neo_utils.settings.folders import PROJECT
from neo_utils.store.page_tables import decode_page
from neo_utils.store.schemas import CLOSE_APPROACHES, ORBITS, RAW
from tests.hostile_pages import hostile_pages
from tests.objects import approach, neo, neos, page, passing, put, without
from tests.page_oracle import BETWEEN, MODERN, OLD, expected_rows, read_by_json, rows

FIRST = Batch(1)
APPROACH = ("close_approach_data", 0)
KILOMETERS = (*APPROACH, "miss_distance", "kilometers")
AU = (*APPROACH, "miss_distance", "astronomical")
LUNAR = (*APPROACH, "miss_distance", "lunar")
VELOCITY = (*APPROACH, "relative_velocity", "kilometers_per_second")
DATE = (*APPROACH, "close_approach_date")
TIME_MS = (*APPROACH, "epoch_date_close_approach")
BODY = (*APPROACH, "orbiting_body")
METERS = ("estimated_diameter", "meters")
SMALLEST, LARGEST = ((*METERS, f"estimated_diameter_{limit}") for limit in ("min", "max"))
FIRST_SEEN, LAST_SEEN = (("orbital_data", f"{n}_observation_date") for n in ("first", "last"))
OBSERVATIONS = ("orbital_data", "observations_used")
PERIOD = ("orbital_data", "orbital_period")
ECCENTRICITY = ("orbital_data", "eccentricity")
TISSERAND = ("orbital_data", "jupiter_tisserand_invariant")
PERIHELION_JD = ("orbital_data", "perihelion_time")
DETERMINED = ("orbital_data", "orbit_determination_date")
UNCERTAINTY = ("orbital_data", "orbit_uncertainty")
CLASS = ("orbital_data", "orbit_class", "orbit_class_type")
MAGNITUDE = ("absolute_magnitude_h",)


def decoded(objects, **of_page):
    return decode_page(page(objects, **of_page), FIRST)


def first_row(body):
    return decode_page(body, FIRST).neos.slice(0, 1).to_pylist()[0]


def changed(path, value):
    """Return 20 objects with one value of the tenth replaced."""
    return put(neos(), (9, *path), value)


def as_text(path, token, indent=None):
    """Return a page whose tenth object has these bytes at a path."""
    return page(changed(path, "@"), indent=indent).replace(b'"@"', token)


def each(table):
    """Return the pairs of a table of values by path."""
    return [(path, value) for path, values in table.items() for value in values]


def field_path(path):
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def assert_decoded_as_by_json(result, body):
    document = read_by_json(body)
    assert result.catalogue_size == int(document["page"]["total_elements"])
    assert (result.rejected, result.nulled) == ([], [])
    found = rows(result.neos), rows(result.close_approaches), rows(result.orbits)
    assert found == expected_rows(document["near_earth_objects"])


@pytest.mark.parametrize(
    ("recorded", "approaches", "with_time"), [(OLD, 32, 0), (BETWEEN, 10, 0), (MODERN, 904, 904)]
)
def test_recorded_page_is_decoded_exactly(recorded, approaches, with_time):
    if not recorded.exists():
        pytest.skip(f"the recorded page {recorded.name} is not on this machine")
    body = recorded.read_bytes()
    result = decode_page(body, FIRST)
    assert_decoded_as_by_json(result, body)
    times = result.close_approaches["close_approach_time"].to_pylist()
    assert (len(times), sum(time is not None for time in times)) == (approaches, with_time)
    listed = [each for one in json.loads(body)["near_earth_objects"] for each in one[APPROACH[0]]]
    texts = [each.get("close_approach_date_full") for each in listed]
    assert [time and f"{time:%Y-%b-%d %H:%M}" for time in times] == texts


# --- Optional fields and accepted formats. ---


def test_tables_have_their_schemas_without_approaches():
    for objects in (neos(), neos(close_approach_data=[])):
        result = decoded(objects)
        assert result.neos.schema.equals(RAW, check_metadata=True)
        assert result.close_approaches.schema.equals(CLOSE_APPROACHES, check_metadata=True)
        assert result.orbits.schema.equals(ORBITS, check_metadata=True)


OPTIONAL = [
    *((name,) for name in ("neo_reference_id", "name", "name_limited", "designation")),
    *((name,) for name in ("nasa_jpl_url", "is_potentially_hazardous_asteroid")),
    *(MAGNITUDE, METERS[:1], METERS, SMALLEST, LARGEST, LUNAR),
    *(PERIOD[:1], FIRST_SEEN, LAST_SEEN, OBSERVATIONS, PERIOD),
    *(ECCENTRICITY, DETERMINED, UNCERTAINTY, CLASS, CLASS[:2], ("is_sentry_object",)),
]
VALID = {
    KILOMETERS: ["9", 9, 9.5, 1e-5, "5e6", ".0123456789", "12345678.123456789", 1.5e9],
    AU: [".0123456789", 10],
    LUNAR: [".0123456789", 4_000],
    VELOCITY: [".0123456789", 300],
    PERIOD: [".25", "0.25", 0.25, 1e10],
    OBSERVATIONS: [0, 12, "12", 10_000_000],
    ECCENTRICITY: [".2226906033843441", "0.5", 0, 1.2, "1"],
    TISSERAND: ["-.25", "-0.25", 3, "6.068"],
    PERIHELION_JD: ["2457543.326119678705", ".5", -1e10],
    DETERMINED: ["2021-05-24 17:55:05", "1700-01-01 00:00:00", "2260-12-31 23:59:59"],
    UNCERTAINTY: ["0", 9, "9"],
    CLASS: ["IEO", "X" * 1_000],
    ("orbital_data", "orbit_id"): ["659", ".5"],
    ("is_sentry_object",): [True, False],
    MAGNITUDE: [-5, 40],
    LARGEST: [1e8],
    FIRST_SEEN: ["1700-01-01", "2260-12-31"],
    DATE: ["1900-01-01", "2260-12-31"],
    TIME_MS: [-2_208_988_800_000, 9_183_110_399_999],
    BODY: ["Ceres", "X", "X" * 1_000],
    ("name",): ["(2031 Å\u2019\u2028\U0001f30d\x00)"],
    ("close_approach_data",): [[]],
}
TIMES = [
    (0, "1970-Jan-01 00:00"),
    (-60_000, "1969-Dec-31 23:59"),
    (4_102_444_800_000, "2100-Jan-01 00:00"),
    ("60000", "1970-Jan-01 00:01"),
    (None, "1970-Jan-01 00:00"),
    (-631_036_800_000, None),  # pages until 2018: midnight in California
]
ACCEPTED = {
    **{f"no {path[-1]}": without(neo(), *path) for path in [("id",), *OPTIONAL]},
    **{f"null as {path[-1]}": put(neo(), path, None) for path in [("id",), *OPTIONAL]},
    **{f"{value!a} as {path[-1]}": put(neo(), path, value) for path, value in each(VALID)},
    **{
        f"{full} at {ms!r}": neo(
            close_approach_data=[
                approach(close_approach_date_full=full, epoch_date_close_approach=ms)
            ]
        )
        for ms, full in TIMES
    },
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("first", ACCEPTED.values(), ids=ACCEPTED)
def test_accepts_object_variant(first, indent):
    body = page([first, *neos()[1:]], indent=indent)
    assert_decoded_as_by_json(decode_page(body, FIRST), body)


@pytest.mark.parametrize("objects", [neos(), [*neos()[:19], None]])
def test_accepts_page_number_as_text(objects):
    result = decode_page(page(objects, number="2", total="47000"), Batch(41))
    assert result.catalogue_size == 47_000


def test_keeps_the_first_and_the_last_day_beside_a_rejected_object():
    days = ["1900-01-01", "2260-12-31"]
    first = neo(close_approach_data=[passing(day, "900000", "Earth") for day in days])
    result = decode_page(page([first, *neos()[1:19], None]), FIRST)
    assert len(result.rejected) == 1
    (neo_id,) = result.neos["id"].to_pylist()[:1]
    kept = result.close_approaches.filter(pc.field("neo_id") == neo_id)
    assert [str(day) for day in kept["close_approach_date"].to_pylist()] == days


# --- Closest approach and duplicates. ---


def test_closest_approach_is_numeric_minimum_over_all_bodies():
    approaches = [
        passing("2001-01-01", "900000", "Earth", "1.5"),
        passing("2002-01-01", "1000000", "Mars", "2.5"),  # the first in the alphabet
        passing("2003-01-01", "88000.5", "Merc", "3.5"),
        passing("2004-01-01", "88000.6", "Earth", "4.5"),
    ]
    row = first_row(page([neo(close_approach_data=approaches), *neos()[1:]]))
    assert [value for name, value in row.items() if name.startswith("closest_")] == [
        88_000.5,
        dt.date(2003, 1, 1),
        3.5,
    ]


def test_duplicate_approach_is_stored_once():
    approaches = [
        passing("2001-01-01", "900000", "Earth"),
        passing("2001-01-01", "900000", "Earth"),  # a duplicate
        passing("2001-01-01", "500000", "Moon"),  # same time, another body
        passing("2002-01-01", "900000", "Earth"),  # same body, another time
    ]
    table = decoded([neo(close_approach_data=approaches), *neos(20)[1:]]).close_approaches
    assert table.slice(0, 3).select(["close_approach_date", "orbiting_body"]).to_pylist() == [
        {"close_approach_date": dt.date(2001, 1, 1), "orbiting_body": "Earth"},
        {"close_approach_date": dt.date(2001, 1, 1), "orbiting_body": "Moon"},
        {"close_approach_date": dt.date(2002, 1, 1), "orbiting_body": "Earth"},
    ]
    assert table.num_rows == 3 + 19


def test_approaches_at_different_times_of_a_day_are_kept():
    morning = approach(epoch_date_close_approach=0)
    evening = approach(epoch_date_close_approach=64_800_000)
    modern = neo(close_approach_data=[morning, evening])
    old = neo(
        close_approach_data=[without(a, "close_approach_date_full") for a in (morning, evening)]
    )
    assert decoded([modern, *neos()[1:]]).close_approaches.num_rows == 2 + 19
    assert decoded([old, *neos()[1:]]).close_approaches.num_rows == 1 + 19


def test_approaches_on_different_dates_are_kept_without_times():
    days = [passing(date, "900000") for date in ("2001-01-01", "2002-01-01", "2001-01-01")]
    old = neo(close_approach_data=[without(one, "close_approach_date_full") for one in days])
    table = decoded([old, *neos()[1:]]).close_approaches
    assert table["close_approach_date"].to_pylist()[:3] == [
        dt.date(2001, 1, 1),
        dt.date(2002, 1, 1),
        dt.date(2031, 4, 5),  # the next NEO's
    ]


def test_equal_approaches_of_two_neos_are_kept():
    assert decoded(neos()).close_approaches.num_rows == 20


# --- Objects that fail validation. ---


@pytest.mark.parametrize("indent", [None, 2])
def test_rejects_one_invalid_object_and_stores_the_other_19(indent):
    objects = neos(close_approach_data=[passing(f"200{n}-01-01", "5.5") for n in range(5)])
    broken = put(objects[6], ("close_approach_data", 3, *KILOMETERS[2:]), "far away")
    objects[6] = broken
    result = decode_page(page(objects, number=2, indent=indent), Batch(41))
    expected = [one["id"] for one in objects if one is not broken]
    assert result.neos["id"].to_pylist() == expected
    assert set(result.close_approaches["neo_id"].to_pylist()) == set(expected)
    assert result.close_approaches.num_rows == 19 * 5
    (rejected,) = result.rejected
    assert rejected.position == 47
    assert rejected.field_path == "$.close_approach_data[3].miss_distance.kilometers"
    assert rejected.reason == "Expected `float`, got `str`"
    assert json.loads(rejected.object_json) == broken
    assert len(rejected.object_json.splitlines()) == 1


@pytest.mark.parametrize("path", [KILOMETERS, AU, VELOCITY], ids=lambda path: path[-1])
@pytest.mark.parametrize(
    "token",
    [
        *(b'"NaN"', b'"nan"', b'"inf"', b'"-Infinity"', b'"-1"', b"-0.5", b"1e400", b'"1e400"'),
        *(b'""', b'"1,5"', b'"unknown"', b"null", b"true", b"{}", b"[1]"),
    ],
)
def test_rejects_distance_or_velocity_that_is_not_finite_and_positive(path, token):
    assert_tenth_rejected(as_text(path, token), field_path(path))


def assert_tenth_rejected(body, path):
    result = decode_page(body, FIRST)
    others = [one["id"] for place, one in enumerate(neos()) if place != 9]
    assert result.neos["id"].to_pylist() == others
    assert result.close_approaches["neo_id"].to_pylist() == others
    assert [(one.position, one.field_path) for one in result.rejected] == [(10, path)]
    assert result.rejected[0].object_json in body  # byte for byte
    assert result.rejected[0].reason


INVALID = {
    (): [None, 1, "text", [], True],
    ("id",): ["", 3_000_010, "3" * 1_001],
    ("neo_reference_id",): [""],
    ("close_approach_data",): [None, {}],
    AU: [0, 10.1],
    KILOMETERS: ["0.0", "1.6e9"],
    VELOCITY: ["0", "301", "1e9"],
    DATE: ["0000-00-00", "2031-Apr-05", "20310405", "", "1899-12-31", "2261-01-01", "9999-12-31"],
    TIME_MS: [10**17, -2_208_988_800_001, 9_183_110_400_000, "noon"],
    BODY: ["", None],
    (*APPROACH, "miss_distance"): [None],
    (*APPROACH, "relative_velocity"): [{}],
}


@pytest.mark.parametrize(("path", "value"), each(INVALID))
def test_rejects_object_with_invalid_required_value(path, value):
    assert_tenth_rejected(page(changed(path, value)), field_path(path))


INVALID_OPTIONAL = {
    MAGNITUDE: ["NaN", "-inf", -5.1, 41, 10**4_000],
    SMALLEST: [0],
    LARGEST: [-1, 1.1e8],
    PERIOD: ["nan", "-643.5", 0, 1.1e10],
    OBSERVATIONS: [-1, 2.5, 10_000_001, 10**30],
    ECCENTRICITY: ["nan", "-.1", 101, "circular", "1_0", True, {}],
    TISSERAND: ["inf", -1_001],
    DETERMINED: ["2021-05-24", "2021-05-24T17:55:05Z", "1699-12-31 23:59:59", 20_210_524],
    UNCERTAINTY: ["E", -1, 10, 2.5],
    CLASS: ["", 5],
    CLASS[:2]: ["APO"],
    ("orbital_data", "equinox"): [2000],
    ("is_sentry_object",): ["perhaps"],
    FIRST_SEEN: ["0000-00-00", "1699-12-31", "1801-01-01T00:00", {"year": 1801}],
    LAST_SEEN: ["2026-02-30", "2261-01-01", 20_260_101],
    LUNAR: [0, 4_001],
    ("is_potentially_hazardous_asteroid",): ["perhaps"],
    ("name",): [5],
    ("name_limited",): [[]],
    ("designation",): [433],
    ("nasa_jpl_url",): [{}],
    PERIOD[:1]: [[]],
    METERS[:1]: ["large"],
    METERS: [3],
}


@pytest.mark.parametrize(("path", "value"), each(INVALID_OPTIONAL))
def test_stores_null_for_invalid_optional_value(path, value):
    assert_nulled(page(changed(path, value)), path)


def assert_nulled(body, path):
    """Check that a value of the tenth object is reported, and stored as a null would be."""
    expected, now = decoded(changed(path, None)), decode_page(body, FIRST)
    assert now[:4] == expected[:4]
    assert expected.rejected == []
    ((position, nulled_path, reason),) = now.nulled
    assert (position, nulled_path) == (10, field_path(path))
    assert reason


def test_reports_each_malformed_optional_value():
    objects = put(changed(("name",), 5), (9, "orbital_data", "orbital_period"), ".-5")
    objects = put(objects, (3, "absolute_magnitude_h"), "bright")
    result = decoded(objects)
    assert [(one.position, one.field_path) for one in result.nulled] == [
        (4, "$.absolute_magnitude_h"),
        (10, "$.name"),
        (10, "$.orbital_data.orbital_period"),
    ]
    assert (result.neos.num_rows, result.rejected) == (20, [])


def test_rejects_object_with_too_many_malformed_values():
    approaches = [put(approach(), LUNAR[2:], "far")] * 61
    path = ("close_approach_data", 60, *LUNAR[2:])
    assert_tenth_rejected(page(changed(path[:1], approaches)), field_path(path))


# An unpaired surrogate, invalid UTF-8, an invalid escape, a tab.
MALFORMED_TEXTS = [rb'"\ud800"', rb'"a \uDC00\ud83c\udf0d"', b'"\xff\xfe"', rb'"\x41"', b'"a\tb"']


@pytest.mark.parametrize("token", MALFORMED_TEXTS)
@pytest.mark.parametrize("path", [("name",), ("nasa_jpl_url",)])
def test_stores_null_for_optional_text_with_invalid_unicode(path, token):
    assert_nulled(as_text(path, token), path)


@pytest.mark.parametrize("token", MALFORMED_TEXTS)
@pytest.mark.parametrize("path", [("id",), BODY])
def test_rejects_required_text_with_invalid_unicode(path, token):
    assert_tenth_rejected(as_text(path, token), field_path(path))


@pytest.mark.parametrize("token", MALFORMED_TEXTS)
def test_ignores_invalid_unicode_in_unused_text(token):
    result = decode_page(as_text(("links", "self"), token), FIRST)
    assert (result[:3], result.nulled) == (decoded(neos())[:3], [])


def test_rejected_objects_with_invalid_escapes_are_kept_as_sent():
    sent = [rb'"\x"', rb'"\y"']  # equal once they are masked
    body = page([*neos()[:18], "first", "second"])
    body = body.replace(b'"first"', sent[0]).replace(b'"second"', sent[1])
    assert [one.object_json for one in decode_page(body, FIRST).rejected] == sent


def test_keeps_surrogate_pair_next_to_unpaired_surrogate():
    body = as_text(("name",), rb'"\ud800"').replace(b'"Testobject"', rb'"\ud83c\udf0d\\ud800"', 1)
    result = decode_page(body, FIRST)
    assert result.neos["name_limited"][0].as_py() == "\U0001f30d\\ud800"


@pytest.mark.parametrize(
    "path", [APPROACH[:1], DATE, BODY, (*APPROACH, "miss_distance"), KILOMETERS]
)
def test_reports_missing_field_with_path_of_its_parent(path):
    body = page(without(neos(), 9, *path))
    assert_tenth_rejected(body, field_path(path[:-1]))
    assert f"`{path[-1]}`" in decode_page(body, FIRST).rejected[0].reason


@pytest.mark.parametrize("ids", [{}, {"id": None}, {"id": None, "neo_reference_id": None}])
def test_rejects_object_without_id(ids):
    nameless = without(without(neos()[9], "id"), "neo_reference_id") | ids
    body = page([*neos()[:9], nameless, *neos()[10:]])
    assert_tenth_rejected(body, "$")
    (rejected,) = decode_page(body, FIRST).rejected
    assert rejected.reason == "neither `id` nor `neo_reference_id`"


def test_rejects_second_object_with_same_id():
    result = decoded(changed(("id",), "3000004"))
    assert result.neos["id"].to_pylist() == [one["id"] for one in neos() if one["id"] != "3000010"]
    assert result.close_approaches.num_rows == 19
    (rejected,) = result.rejected
    assert (rejected.position, rejected.field_path) == (10, "$.id")
    assert "3000004 twice" in rejected.reason


def test_rejects_several_objects_at_their_positions():
    objects = put(put(changed(KILOMETERS, "-1"), (0, "id"), 1), (19, "id"), "3000002")
    result = decoded(objects)
    assert [one.position for one in result.rejected] == [1, 10, 20]
    assert result.neos.num_rows == 17
    assert [json.loads(one.object_json) for one in result.rejected] == [
        objects[place] for place in (0, 9, 19)
    ]


def test_leading_dot_does_not_hide_other_faults():
    objects = put(changed(PERIOD, ".5"), (3, *KILOMETERS), "-.5")
    result = decoded(objects)
    assert [one.position for one in result.rejected] == [4]
    assert result.neos["orbital_period"][8].as_py() == 0.5


# --- Invalid pages. ---


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not a Browse page"),
        (b'""', "not a Browse page"),
        (b"null", "not a Browse page"),
        (b"[]", "not a Browse page"),
        (b"{}", "not a Browse page"),
        (b"<!DOCTYPE html><h1>Application error</h1>", "not a Browse page"),
        (b"upstream connect error", "not a Browse page"),
        (b'{"error": {"code": "OVER_RATE_LIMIT"}}', "not a Browse page"),
        (page(neos())[:-1], "not a Browse page"),
        (page(neos())[:5000], "not a Browse page"),
        (page(neos()) + b"{}", "not a Browse page"),
        (page(neos()).decode().encode("utf-16"), "not a Browse page"),
        (page(None), "not a Browse page"),
        (page({}), "not a Browse page"),
        (page(neos(), number="none"), "not a Browse page"),
        (page(neos(), number=-1), "not a Browse page"),
        (page(neos(), total=None), "not a Browse page"),
        (page(neos(), total=2**53 + 1), "not a Browse page"),
        (as_text(KILOMETERS, b"NaN"), "not a Browse page"),  # JSON has no NaN
        (as_text(KILOMETERS, b"Infinity"), "not a Browse page"),
        (page(neos(), number=1), "page 1 was returned instead of page 0"),
        (page([]), "0 objects instead of 20"),
        (page(neos(19)), "19 objects instead of 20"),
        (page(neos(21)), "21 objects instead of 20"),
        (page(neos(), total=19), "20 objects instead of 19"),
        (page(put(neos(19), (3, "id"), None)), "19 objects instead of 20"),
        (page([{}] * 20), "every object failed validation: Object missing"),
        (page(put(neos(1, id=5), (0, "id"), 1) * 20), "every object failed validation"),
        (
            page(put(neos(1), (0, "id"), 5), total=1),
            r"validation: Expected `str \| null`, got `int`$",
        ),
        (page(neos(30)), "more than 20 objects|30 objects instead of 20"),
        (page([0] * 30), "more than 20 objects"),
        pytest.param(page(neos()) + b" " * 2**22, "more than 4,194,304 bytes", id="too large"),
    ],
)
def test_reports_why_a_page_is_invalid(body, message):
    with pytest.raises(InvalidPage, match=message) as error:
        decode_page(body, FIRST)
    assert type(error.value) is InvalidPage  # not past the end


def test_hostile_pages_use_bounded_memory_and_time():
    ran = subprocess.run(
        [sys.executable, "-m", "tests.hostile_pages"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    *pages, grown_mb = ran.stdout.splitlines()
    assert len(pages) == len(list(hostile_pages())) + 1
    assert "the archived page has more than" in pages[-1]
    assert max(float(line.rsplit(": ", 1)[1]) for line in pages) < 10  # processor seconds
    of_pages, of_archive = map(float, grown_mb.split())
    assert of_pages < 300
    assert of_archive < 100


def test_error_does_not_show_page_content():
    # The links of the answer may contain the caller's key.
    objects = changed(("links", "self"), "?api_key=secret")
    for body in (page(objects, number=1), page(objects)[:-1], page(objects[5:])):
        with pytest.raises(InvalidPage) as error:
            decode_page(body, FIRST)
        assert "secret" not in str(error.value)


def test_accepts_shorter_last_page():
    result = decode_page(page(neos(7), number=2, total=47), Batch(41))
    assert (result.neos.num_rows, result.catalogue_size) == (7, 47)
    for count in (6, 8, 20):
        with pytest.raises(InvalidPage, match=f"{count} objects instead of 7"):
            decode_page(page(neos(count), number=2, total=47), Batch(41))


@pytest.mark.parametrize(("total", "past"), [(41, False), (40, True), (0, True)])
def test_page_past_the_end_reports_catalogue_size(total, past):
    body = page(neos(max(0, total - 40)), number=2, total=total)
    if past:
        with pytest.raises(PagePastEnd, match=f"catalogue at {total}$") as error:
            decode_page(body, Batch(41))
        assert error.value.catalogue_size == total
    else:
        assert decode_page(body, Batch(41)).neos.num_rows == 1


@pytest.mark.parametrize(
    ("body", "batch"),
    [
        (page(neos(), number=4, total=0), Batch(81)),  # a full page
        (page(neos(), number=0, total=40), Batch(61)),  # another page
    ],
)
def test_page_with_objects_is_not_past_the_end(body, batch):
    with pytest.raises(InvalidPage) as error:
        decode_page(body, batch)
    assert type(error.value) is not PagePastEnd


@pytest.mark.parametrize("path", [("id",), ("name",), BODY])
def test_text_like_a_decimal_is_stored_unchanged(path):
    objects = put(changed(path, ".25"), (3, "name"), 5)
    assert ".25" in {
        value
        for table in decoded(objects)[:2]
        for row in table.to_pylist()
        for value in row.values()
    }
