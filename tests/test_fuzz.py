"""Fuzz the decoder with invalid pages; `make fuzz` runs this file for longer.

The decoder returns a page or raises `InvalidPage`, and every row of a page is compared with what
`json` reads from the same bytes.
"""

import copy
import json
import os
import re
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from neo_utils.neows.pages import InvalidPage
from neo_utils.positions import Batch
from neo_utils.sample.catalogue import page_body
from neo_utils.store.page_tables import decode_page
from neo_utils.store.schemas import CLOSE_APPROACHES, ORBITS, RAW
from tests.objects import neos, page, passing, put, without
from tests.page_oracle import BETWEEN, MODERN, OLD, expected_rows, read_by_json, rows, whole

FIRST = Batch(1)
OUTCOMES = defaultdict(Counter)  # per test: number of decoded and invalid pages


def summary():
    """Return the summary of `make fuzz`: a line per test."""
    for test, outcomes in OUTCOMES.items():
        each = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
        yield f"{outcomes.total():>7,} pages: {each}; {test}"


def note(outcome):
    _, _, test = os.environ["PYTEST_CURRENT_TEST"].partition("::")
    OUTCOMES[test.removesuffix(" (call)")][outcome] += 1


# Values well within the ranges: none may become null.
PLAIN = {
    "absolute_magnitude_h": (0, 30),
    "estimated_diameter_min": (1, 10_000),
    "estimated_diameter_max": (1, 10_000),
    "orbital_period": (1, 10_000),
    "lunar": (1, 500),
}


def is_plain(name, value):
    if name in ("name", "name_limited", "designation", "nasa_jpl_url"):
        return isinstance(value, str) and re.fullmatch("[A-Za-z ()]+", value)  # "0" may be 0
    low, high = PLAIN.get(name, (1, 0))
    is_number = isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,8}(\.\d{1,9})?", value, re.A)
    return bool(is_number) and low <= float(value) <= high


def decoded_and_compared(body, batch=FIRST):
    """Return the decoded page after comparing it with `json`; None if it is invalid."""
    try:
        result = decode_page(body, batch)
    except InvalidPage:
        note("rejected")
        return None
    assert result.neos.schema.equals(RAW)
    assert result.close_approaches.schema.equals(CLOSE_APPROACHES)
    assert result.orbits.schema.equals(ORBITS)
    assert result.orbits["neo_id"].to_pylist() == result.neos["id"].to_pylist()
    assert 1 <= result.neos.num_rows <= 20 - len(result.rejected)
    assert set(result.close_approaches["neo_id"].to_pylist()) <= set(result.neos["id"].to_pylist())
    document = read_by_json(body)
    if document is None:
        note("decoded, but not valid for json")
        return result
    note("decoded with rejected objects" if result.rejected else "decoded")
    objects = dict(enumerate(document["near_earth_objects"], batch.first))
    # Rejected objects are stored on one line, with spaces for line breaks, even in damaged strings.
    on_one_line = read_by_json(body.replace(b"\n", b" ").replace(b"\r", b" "))
    for one in result.rejected:
        del objects[one.position]
        assert b"\n" not in one.object_json
        expected = on_one_line["near_earth_objects"][one.position - batch.first]
        assert read_by_json(one.object_json) == expected
    for one in result.nulled:
        path = re.findall(r"(\w+)", one.field_path)
        steps = [int(step) if step.isdigit() else step for step in path]
        assert not is_plain(steps[-1], find(objects[one.position], steps))
        objects[one.position] = put(objects[one.position], steps, None)
    found = rows(result.neos), rows(result.close_approaches), rows(result.orbits)
    assert found == expected_rows(objects.values())
    assert whole(document["page"]["number"]) == batch.page_number
    assert whole(document["page"]["total_elements"]) == result.catalogue_size
    return result


# --- Pages with a valid structure. ---

# Tokens with a special meaning in JSON or in other programs.
WORDS = [
    *("NaN", "inf", "-inf", "-1", "-0", ".5", "-.5", "5.", "+1", "1_0", "0x10", "٣", "01", "1e5"),
    *("1e400", "1e-400", "0", "1", "true", "FALSE", "null", "NULL", "Earth", "3000001", "3000020"),
    *("0000-00-00", "0001-01-01", "9999-12-31", "2031-02-30", "2031-W14-6", "20310405", "@", " "),
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**15, 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from([*WORDS, "", '"', "\\", "\n", " 1", "1\n", "0" * 400 + "1", "9" * 5000])
)
ANY_JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


def paths_in(value, path=()):
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, child in value.items():
            yield from paths_in(child, (*path, key))


FULL = neos(
    close_approach_data=[
        passing("2001-01-01", "9.5", "Earth"),
        passing("2001-01-01", "8", "Moon"),
        passing("2002-01-01", "9", "Moon"),
    ]
)
BEFORE = decode_page(page(FULL), FIRST)
PATHS = list(paths_in(FULL[0]))


@given(st.integers(0, 19), st.sampled_from(PATHS), ANY_JSON)
def test_changed_value_does_not_affect_other_objects(place, path, value):
    objects = put(FULL, (place, *path), value)
    result = decoded_and_compared(page(objects))
    assert result.neos.num_rows + len(result.rejected) == 20
    assert result.neos.num_rows >= 19
    others = [one["id"] for at, one in enumerate(FULL) if at != place]
    if path == ("id",) and value in others:
        others.remove(value)  # only the first of the two is stored
    for now, before in zip(result[:2], BEFORE[:2], strict=True):
        assert [row for row in rows(now) if row[0] in others] == [
            row for row in rows(before) if row[0] in others
        ]


def as_in_2017(one):
    """Return an object as in old pages: without id, and dates without times."""
    one = without(without(without(one, "id"), "name_limited"), "designation")
    for each in one["close_approach_data"]:
        del each["close_approach_date_full"]
    return one


FORMS = {
    "modern": FULL,
    "old": [as_in_2017(one) for one in FULL],
    "bare": [{"id": one["id"], "close_approach_data": []} for one in FULL],
    "dotted": [put(one, ("orbital_data", "orbital_period"), ".25") for one in FULL],
}
EDITS = st.tuples(
    st.sampled_from(["put", "put", "take away", "give twice", "repeat", "take another's"]),
    st.integers(0, 19),
    st.sampled_from(PATHS),
    ANY_JSON,
)


def edited(objects, edit):
    """Return a copy with one edit, or unchanged if an earlier edit removed its target."""
    kind, place, path, value = edit
    try:
        if kind == "take away":
            return without(objects, place, *path)
        if kind == "take another's":
            value = find(objects, (-1 - place, *path))
        elif kind == "repeat":
            value = [*find(objects, (place, *path)), *find(objects, (place, *path))]
        elif kind == "give twice":
            # The later one counts; "twice: " is cut off once the page is written.
            parent = find(objects, (place, *path[:-1]))
            name = f"twice: {path[-1]}"
            more = {name: value, **parent} if place % 2 else {**parent, name: value}
            return put(objects, (place, *path[:-1]), more)
        return put(objects, (place, *path), value)
    except (LookupError, TypeError):
        return objects


def find(document, path):
    for step in path:
        document = document[step]
    return document


@given(
    st.lists(st.sampled_from([*FORMS, "modern", "modern"]), min_size=20, max_size=20),
    st.lists(EDITS, max_size=6),
    st.sampled_from([None, 1]),
)
def test_mixed_page_matches_plain_json(forms, edits, indent):
    objects = [copy.deepcopy(FORMS[form][place]) for place, form in enumerate(forms)]
    for edit in edits:
        objects = edited(objects, edit)
    decoded_and_compared(page(objects, indent=indent).replace(b'"twice: ', b'"'))


SIZES = [0, 1, 19, 20, 21, 27, 40, 41, 41_000, 41_001, "41000", 41_005.0]


@given(
    st.sampled_from([1, 1, 21, 41_001]),
    st.sampled_from([neos(count) for count in (0, 1, 7, 19, 20, 20, 21)])
    | st.lists(st.sampled_from(FULL), max_size=21)
    | st.lists(st.sampled_from([*FULL, None, {}]) | ANY_JSON, max_size=4),
    st.integers(0, 9),
    ANY_JSON,
    st.sampled_from(SIZES),
)
def test_any_page_info_is_decoded_or_rejected(first, objects, choice, other, total):
    number = (first - 1) // 20
    of_page = {"number": number, "total": total} | (
        {},
        {"number": other},
        {"total": other},
        {"number": str(number)},
        {"number": float(number)},
        {"number": number + 1},
        *[{}] * 4,
    )[choice]
    decoded_and_compared(page(other if choice == 9 else objects, **of_page), Batch(first))


# --- Pages with damaged bytes. ---

BODIES = [
    page(FULL),
    page(FULL, indent=2),
    page([FORMS[("modern", "old", "bare", "dotted")[place % 4]][place] for place in range(20)]),
    page_body(0, 20, "KEY"),
    *(path.read_bytes() for path in (OLD, BETWEEN, MODERN) if path.exists()),
]
VALUE_OF_A_KEPT_NAME = re.compile(
    rb'"(?:id|neo_reference_id|name|name_limited|absolute_magnitude_h|orbiting_body|astronomical|'
    rb"is_potentially_hazardous_asteroid|close_approach_date|close_approach_date_full|lunar|"
    rb"epoch_date_close_approach|kilometers|kilometers_per_second|estimated_diameter_m..|"
    rb"first_observation_date|observations_used|orbital_period|number|total_elements)"
    rb'"\s*:\s*("[^"]*"|[^\s,{}\[\]]+)'
)
VALUES = {body: [match.span(1) for match in VALUE_OF_A_KEPT_NAME.finditer(body)] for body in BODIES}
TOKENS = [
    *(json.dumps(word).encode() for word in WORDS),
    *(b'"%s"' % word.encode() for word in WORDS),
    *(word.encode() for word in WORDS),
    b"{}",
    b"[]",
    b'{"meters": {}}',
    b'"\xff"',
    b'"\\ud800"',
    b'"\\u0000"',
    b'"a","id":"3000001"',
    b'null,"neo_reference_id":"2"',
    b'"b","close_approach_data":[]',
    b'1,"close_approach_data":null',
    b"[" * 2000 + b"]" * 2000,
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b"9" * 400,
]


@given(
    st.sampled_from(BODIES),
    st.lists(st.tuples(st.integers(0, 2**16), st.sampled_from(TOKENS)), min_size=1, max_size=3),
)
def test_any_token_is_decoded_or_rejected(body, changes):
    values = VALUES[body]
    tokens = {values[at % len(values)]: token for at, token in changes}
    for (start, end), token in sorted(tokens.items(), reverse=True):  # earlier offsets stay valid
        body = body[:start] + token + body[end:]
    decoded_and_compared(body)


@st.composite
def damaged_bodies(draw):
    body = draw(st.sampled_from(BODIES))
    inside = st.tuples(st.sampled_from(VALUES[body]), st.integers(0, 12)).map(
        lambda drawn: min(drawn[0][0] + drawn[1], drawn[0][1])
    )
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        at = draw(inside | inside | st.integers(0, len(body)))
        length = draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2, 4, 300]))
        written = draw(
            st.sampled_from([bytes([one]) for one in b"0123456789.-+eE:TZ _na"])
            | st.sampled_from([bytes([one]) for one in b'{}[]",:\\\n\x00\x7f\x80\xc3\xff'])
            | st.binary(max_size=4)
            | st.tuples(st.integers(0, len(body)), st.sampled_from([9, 300])).map(
                lambda drawn, of=body: of[drawn[0] : sum(drawn)]
            )
        )
        body = body[:at] + written + body[at + length :]
    return body


@settings(max_examples=4 * settings().max_examples)  # most are invalid and rejected quickly
@given(damaged_bodies())
def test_any_bytes_are_decoded_or_rejected(body):
    decoded_and_compared(body)
