"""What `make test-live` reports about pages of the sample and recorded pages."""

import json
import re

import pytest

from neo_utils.sample.service import answer, serve
from neo_utils.settings.service_address import NASA_URL
from tests.live_contract import FORMS, UNITS
from tests.objects import put, without
from tests.page_comparison import HAS_FORM, differences, paths_read
from tests.page_oracle import BETWEEN, MODERN, OLD
from tests.sample_neos import spread
from tests.test_live import compare, first_page

KEY = "canary4fCANARY0123456789canary4fCANARY01"
HEADERS = {
    "Date": "Mon, 02 Mar 2026 10:11:12 GMT",
    "X-RateLimit-Limit": "2000",
    "X-RateLimit-Remaining": "1999",
}
PAGE = json.loads(answer("/neo/rest/v1/neo/browse", {"X-Api-Key": KEY}).body)
NEO = ("near_earth_objects", 3)
ORBIT = (*NEO, "orbital_data")
APPROACH = (*NEO, "close_approach_data", 0)
AT_NEO = "near_earth_objects[]"
AT_APPROACH = f"{AT_NEO}.close_approach_data[]"


def report_of(page, headers=HEADERS):
    return [str(one) for one in differences(json.dumps(page).encode(), headers)]


def everywhere(page, change):
    """Return a copy of a page with each NEO replaced by `change(neo)`."""
    return put(page, NEO[:1], [change(neo) for neo in page["near_earth_objects"]])


def of_all_approaches(page, change):
    def of_neo(neo):
        return neo | {"close_approach_data": [change(one) for one in neo["close_approach_data"]]}

    return everywhere(page, of_neo)


APPROACHES = sum(len(neo["close_approach_data"]) for neo in PAGE["near_earth_objects"])


def test_sample_has_no_difference():
    assert report_of(PAGE) == []
    for place in range(20, 30):
        others = spread()[place::127][:19]  # from all parts of the catalogue
        named = PAGE["near_earth_objects"][0]
        assert report_of(put(PAGE, NEO[:1], [named, *others])) == []


def test_contract_has_every_path_that_the_package_reads():
    assert paths_read() - {""} <= FORMS.keys()
    named = {f"{AT_APPROACH}.miss_distance.astronomical", f"{AT_NEO}.is_sentry_object"}
    assert named <= paths_read()
    assert f"{AT_APPROACH}.miss_distance.miles" not in paths_read()


def test_every_form_in_the_contract_is_defined():
    # A misspelt one would make each value a difference; of some there is none on the first page.
    named = {name for form in FORMS.values() for name in form.split(" or ")}
    assert named <= HAS_FORM.keys() | {"absent", "nowhere"}
    assert UNITS.keys() <= FORMS.keys()


@pytest.mark.parametrize(
    ("page", "messages"),
    [
        (without(PAGE, *NEO, "is_sentry_object"), ["{neo}.is_sentry_object: missing in 1 of 20"]),
        (
            without(PAGE, *ORBIT, "equinox"),
            ["{neo}.orbital_data.equinox: missing in 1 of 20"],
        ),
        (without(PAGE, *NEO, "designation"), []),  # the service once did this
        (
            everywhere(PAGE, lambda neo: {k: v for k, v in neo.items() if k != "designation"}),
            ["{neo}.designation: missing in 20 of 20"],
        ),
        (
            put(PAGE, (*NEO, "discovery"), {"site": "x", "observers": ["y"]}),
            ["{neo}.discovery: new, object, in 1 of 20 (not used)"],
        ),
        (
            put(PAGE, (*NEO, "absolute_magnitude_h"), "20.5"),
            [
                "{neo}.absolute_magnitude_h: number as text in 1 of 20, previously number",
                *["{neo}.estimated_diameter"] * 2,
            ],
        ),
        (put(PAGE, (*NEO, "name"), None), ["{neo}.name: null in 1 of 20, previously text"]),
        (put(PAGE, (*ORBIT, "observations_used"), None), []),
        (put(PAGE, (*NEO, "close_approach_data"), []), []),
        (
            everywhere(PAGE, lambda neo: neo | {"close_approach_data": []}),
            ["{each}: none on this page"],
        ),
        (
            put(PAGE, (*APPROACH, "orbiting_body"), "Jupiter"),
            ['{each}.orbiting_body: "Jupiter" in 1 of {n}, previously body'],
        ),
        (
            put(PAGE, (*APPROACH, "miss_distance"), "0.25"),
            [
                "{each}.miss_distance: number as text in 1 of {n}, previously object",
                "decoding: 1 of 20 objects are rejected: Expected `object`, got `str` at",
            ],
        ),
        (
            put(PAGE, ("page", "total_elements"), 990_000),
            ["page.total_elements: 990,000, previously about 41,000 (2026)"],
        ),
        (
            put(PAGE, ("page", "size"), "20"),
            [
                "page.size: whole number as text in 1 of 1, previously whole number",
                "page.size: not the requested 20",
            ],
        ),
        (
            put(PAGE, NEO[:1], PAGE["near_earth_objects"][1:]),
            ["decoding: 19 objects instead of 20"],
        ),
        ({}, ["links: missing in 1 of 1 (not", "page: missing", "near_earth", "decoding: not a"]),
        ([], ["decoding: not a Browse page: Expected `object`, got `array`"]),
    ],
)
def test_reports_missing_new_and_changed_fields(page, messages):
    found = report_of(page)
    assert len(found) == len(messages), found
    for text, start in zip(found, messages, strict=True):
        assert text.startswith(start.format(neo=AT_NEO, each=AT_APPROACH, n=APPROACHES))


def in_miles(approach):
    return put(approach, ("miss_distance", "kilometers"), approach["miss_distance"]["miles"])


def in_seconds(approach):
    return approach | {"epoch_date_close_approach": approach["epoch_date_close_approach"] // 1_000}


def in_lunar_distances_of_cneos(approach):
    lunar = str(float(approach["miss_distance"]["astronomical"]) * 389.17)
    return put(approach, ("miss_distance", "lunar"), lunar)


@pytest.mark.parametrize(
    ("change", "path", "factor"),
    [
        (in_miles, "miss_distance.kilometers", "0.621371"),
        (in_seconds, "epoch_date_close_approach", "0.001"),
        (in_lunar_distances_of_cneos, "miss_distance.lunar", "1.00044"),
    ],
)
def test_changed_unit_is_detected_from_related_values(change, path, factor):
    (message,) = report_of(of_all_approaches(PAGE, change))
    assert message.startswith(f"{AT_APPROACH}.{path}: another unit or meaning in {APPROACHES} of ")
    assert f": {factor} times the value expected from " in message


def test_reports_missing_and_changed_headers():
    assert report_of(PAGE, {"Date": "yesterday", "X-RateLimit-Limit": "2000"}) == [
        "header Date: text, previously date of HTTP",
        "header X-RateLimit-Remaining: missing",
    ]


def test_reports_invalid_json():
    assert [str(one) for one in differences(b"<html>", HEADERS)] == [
        "the answer: is not JSON (JSONDecodeError)"
    ]


@pytest.mark.parametrize(
    ("recorded", "messages"),
    [
        (MODERN, []),
        (
            BETWEEN,
            [
                f"{AT_NEO}.id: missing in 20 of 20",
                f"{AT_APPROACH}.close_approach_date_full: missing in 10 of 10",
                "page.total_elements: 19,336, previously about 41,000 (2026)",
            ],
        ),
        (
            OLD,
            [
                f"{AT_NEO}.id: missing in 20 of 20",
                f"{AT_NEO}.name_limited: missing in 20 of 20",
                f"{AT_NEO}.designation: missing in 20 of 20",
                f"{AT_APPROACH}.close_approach_date_full: missing in 32 of 32",
                f"{AT_NEO}.orbital_data.first_observation_date: missing in 20 of 20",
                f"{AT_NEO}.orbital_data.last_observation_date: missing in 20 of 20",
                f"{AT_NEO}.orbital_data.data_arc_in_days: missing in 20 of 20",
                f"{AT_NEO}.orbital_data.observations_used: missing in 20 of 20",
                f"{AT_NEO}.orbital_data.orbit_class: missing in 20 of 20",
                f"{AT_NEO}.is_sentry_object: missing in 20 of 20",
                "page.total_elements: 16,346, previously about 41,000 (2026)",
            ],
        ),
    ],
)
def test_reports_differences_of_recorded_pages(recorded, messages):
    if not recorded.exists():
        pytest.skip(f"the recorded page {recorded.name} is not on this machine")
    assert [str(one) for one in differences(recorded.read_bytes(), HEADERS)] == messages


# --- The request and its report. ---


def test_live_test_passes_with_a_compatible_service():
    requests = []

    def counted(url, headers):
        requests.append(url)
        return answer(url, headers)

    with serve(answer=counted) as url:
        messages = compare(*first_page(KEY, url))
    assert requests == ["/neo/rest/v1/neo/browse?page=0&size=20"]
    assert messages == [
        "first page matches the contract, 0 differences in unused fields",
        f"20 of 41,000 NEOs, {APPROACHES} approaches; 999 of 1,000 requests left",
    ]


def test_unused_differences_warn_and_used_ones_fail():
    new = json.dumps(put(PAGE, (*NEO, "albedo"), 0.25)).encode()
    assert compare(new, HEADERS)[1].endswith("albedo: new, number, in 1 of 20 (not used)")
    missing = json.dumps(without(PAGE, *NEO, "is_sentry_object")).encode()
    with pytest.raises(pytest.fail.Exception, match="is_sentry_object: missing in 1 of 20"):
        compare(missing, HEADERS)


def test_live_test_fails_in_one_line_without_key_or_answer():
    def refused(_url, _headers):
        return answer("/neo/rest/v1/neo/browse", {})

    with pytest.raises(pytest.fail.Exception, match=r"\Ano API_KEY is set: .+\Z"):
        first_page(None, NASA_URL)
    with (
        serve(answer=refused) as url,
        pytest.raises(pytest.fail.Exception, match=r"\A.+rejected the API key.+\Z"),
    ):
        first_page(KEY, url)


def test_live_test_never_prints_the_key():
    def with_key(value):
        if isinstance(value, dict):
            return {name: with_key(one) for name, one in value.items()} | {"found_at": KEY}
        return [with_key(one) for one in value] if isinstance(value, list) else KEY

    message = "\n".join(report_of(with_key(PAGE), {"X-RateLimit-Limit": KEY, "Date": KEY}))
    assert "near_earth_objects[].found_at: new, text, in 20 of 20" in message
    assert not re.search(KEY[:8], message)
