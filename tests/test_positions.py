import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_utils.errors import WrongParameter
from neo_utils.positions import Batch, position_range, spans


def names(batches):
    return [batch.name for batch in batches]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (1, 20, ["1-20"]),
        (1, 40, ["1-20", "21-40"]),
        (21, 40, ["21-40"]),
        ("41", "80", ["41-60", "61-80"]),  # as the command line passes them
        (40_981, 41_000, ["40981-41000"]),
    ],
)
def test_range_consists_of_whole_batches(start, end, expected):
    assert names(position_range(start, end).batches(41_000)) == expected


@pytest.mark.parametrize("end", ["all", "ALL", " All "])
def test_end_all_covers_the_catalogue(end):
    assert names(position_range(21, end).batches(80)) == ["21-40", "41-60", "61-80"]


@pytest.mark.parametrize(
    ("start", "end", "parts"),
    [
        (5, 20, ["START=5", "Use 1 or 21 "]),
        (20, 40, ["START=20", "Use 1 or 21 "]),
        (22, 40, ["START=22", "Use 21 or 41 "]),
        (0, 20, ["START=0", "Use 1 "]),
        (-19, 20, ["START=-19", "Use 1 "]),  # 1 + a multiple of 20, but there is no such position
        ("abc", 20, ["START=abc", "1, 21, 41, ..."]),
        ("", 20, ["START=", "1, 21, 41, ..."]),
        ("all", 20, ["START=all", "1, 21, 41, ..."]),
        (1.0, 20, ["START=1.0", "1, 21, 41, ..."]),
        (1, 50, ["END=50", "Use 40 or 60 ", "or all"]),
        (1, 21, ["END=21", "Use 20 or 40 ", "or all"]),
        (1, 19, ["END=19", "Use 20 ", "or all"]),
        (1, 0, ["END=0", "Use 20 ", "or all"]),
        (1, "abc", ["END=abc", "20, 40, 60, ... or all"]),
        (1, None, ["END=None", "20, 40, 60, ... or all"]),
        (21, 20, ["START=21", "END=20", "END=40 ", "START=1"]),
        (41, 20, ["START=41", "END=20", "END=60 ", "START=1"]),
        (101, 60, ["START=101", "END=60", "END=120 ", "START=41"]),
    ],
)
def test_invalid_value_is_reported_with_nearest_valid_ones(start, end, parts):
    with pytest.raises(WrongParameter) as error:
        position_range(start, end)
    assert [part for part in parts if part not in str(error.value)] == []
    assert error.value.exit_status == 2
    assert "\n" not in str(error.value)


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_suggested_starts_are_valid_and_nearest(value):
    assert named_or_taken(value, lambda start: position_range(start, "all")) == around(value, 1)


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_suggested_ends_are_valid_and_nearest(value):
    assert named_or_taken(value, lambda end: position_range(1, end)) == around(value, 0)


def named_or_taken(value, take):
    try:
        take(value)
    except WrongParameter as error:
        return [int(number) for number in re.findall(r"\d+", re.split(r"Use | \(", str(error))[1])]
    return [value]


def around(value, remainder):
    # Found by search, to avoid repeating the code's arithmetic.
    below = next((n for n in range(value, 0, -1) if n % 20 == remainder), None)
    above = next(n for n in range(max(1, value), value + 21) if n % 20 == remainder)
    return sorted({below, above} - {None})


@settings(deadline=None)
@given(st.integers(0, 2_000), st.integers(1, 40), st.sets(st.integers(1, 39)), st.booleans())
def test_split_range_has_the_same_batches(first, count, cuts, size_known):
    edges = [first, *sorted(first + cut for cut in cuts if cut < count), first + count]
    parts = [position_range(20 * begin + 1, 20 * end) for begin, end in pairwise(edges)]
    size = 20 * edges[-1] if size_known else None
    whole = position_range(20 * first + 1, 20 * (first + count))
    expected = [f"{20 * n + 1}-{20 * n + 20}" for n in range(first, first + count)]
    assert [name for part in parts for name in names(part.batches(size))] == expected
    assert names(whole.batches(size)) == expected
    for batch in whole.batches(size):
        assert [part.covers(batch) for part in parts].count(True) == 1


@pytest.mark.parametrize(
    ("catalogue_size", "expected"),
    [
        (1, ["1-20"]),
        (19, ["1-20"]),
        (20, ["1-20"]),
        (21, ["1-20", "21-40"]),
        (47, ["1-20", "21-40", "41-60"]),  # the last keeps its nominal name, with 7 NEOs
        (60, ["1-20", "21-40", "41-60"]),
    ],
)
def test_catalogue_may_end_within_a_batch(catalogue_size, expected):
    assert names(position_range(1, "all").batches(catalogue_size)) == expected
    assert names(position_range(1, 200).batches(catalogue_size)) == expected


def test_no_batch_past_the_end_of_the_catalogue():
    assert position_range(61, 80).batches(47) == []
    assert position_range(61, "all").batches(60) == []
    assert names(position_range(61, "all").batches(61)) == ["61-80"]


def test_unknown_size_gives_batches_up_to_end_or_first_batch():
    assert names(position_range(21, 60).batches(None)) == ["21-40", "41-60"]
    assert names(position_range(21, "all").batches(None)) == ["21-40"]


@pytest.mark.parametrize(
    ("first", "name", "page_number"),
    [(1, "1-20", 0), (21, "21-40", 1), (181, "181-200", 9), (40_981, "40981-41000", 2_049)],
)
def test_page_number_starts_at_zero(first, name, page_number):
    batch = Batch(first)
    assert (batch.name, batch.page_number, batch.last) == (name, page_number, first + 19)


@pytest.mark.parametrize(
    ("end", "name"), [(200, "batches-1-200"), ("200", "batches-1-200"), ("all", "batches-1-all")]
)
def test_range_name_is_folder_name(end, name):
    assert position_range("1", end).name == name


def test_range_covers_its_batches():
    def covered(start, end):
        return [n for n in (1, 21, 41, 61) if position_range(start, end).covers(Batch(n))]

    assert covered(21, 40) == [21]
    assert covered(21, 60) == [21, 41]
    assert covered(21, "all") == [21, 41, 61]


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("raw", "raw/batch-number=21-40/neo_partition_21-40.parquet"),
        (
            "close_approaches",
            "close_approaches/batch-number=21-40/close_approaches_21-40.parquet",
        ),
        ("pages", "pages/batch-number=21-40/page_21-40.json.zst"),
        ("rejected", "rejected/batch-number=21-40/rejected_21-40.jsonl"),
    ],
)
def test_each_table_of_a_batch_has_a_file(table, path):
    assert Batch(21).file(Path("out"), table) == Path("out") / path


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [(-20, 20, "Use 1 "), (-40, 20, "Use 1 "), (1, -1, "Use 20 "), (1, -20, "Use 20 ")],
)
def test_suggests_first_position_for_negative_values(start, end, message):
    with pytest.raises(WrongParameter, match=message):
        position_range(start, end)


def test_adjacent_batches_are_merged():
    assert spans([]) == []
    joined = spans(Batch(first) for first in (1, 21, 41, 81, 121, 141))
    assert joined == [position_range(1, 60), position_range(81, 100), position_range(121, 160)]
    assert joined[1].as_arguments == "START=81 END=100"
    assert position_range(21, "all").as_arguments == "START=21 END=all"
