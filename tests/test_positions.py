import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_utils.errors import WrongParameter
from neo_utils.positions import TABLES, Batch, position_range, spans


def names(batches):
    return [batch.name for batch in batches]


@pytest.mark.parametrize(
    ("start", "end", "catalogue_size", "expected"),
    [
        (1, 20, 41_000, ["1-20"]),
        (1, 40, 41_000, ["1-20", "21-40"]),
        ("41", "80", 41_000, ["41-60", "61-80"]),  # as the command line passes them
        (40_981, 41_000, 41_000, ["40981-41000"]),
        (21, "all", 80, ["21-40", "41-60", "61-80"]),
        (21, " All ", 60, ["21-40", "41-60"]),
        (1, "ALL", 1, ["1-20"]),
        (1, 200, 20, ["1-20"]),
        (1, 200, 21, ["1-20", "21-40"]),
        (1, "all", 47, ["1-20", "21-40", "41-60"]),  # the last keeps its nominal name, with 7 NEOs
        (61, 80, 47, []),
        (61, "all", 60, []),
        (61, "all", 61, ["61-80"]),
        (21, 60, None, ["21-40", "41-60"]),  # unknown: up to END, or only the first batch
        (21, "all", None, ["21-40"]),
    ],
)
def test_range_has_the_whole_batches_of_the_catalogue(start, end, catalogue_size, expected):
    assert names(position_range(start, end).batches(catalogue_size)) == expected


@pytest.mark.parametrize(
    ("start", "end", "parts"),
    [
        (5, 20, ["START=5", "Use 1 or 21 "]),
        (20, 40, ["START=20", "Use 1 or 21 "]),
        (22, 40, ["START=22", "Use 21 or 41 "]),
        (0, 20, ["START=0", "Use 1 "]),
        (-19, 20, ["START=-19", "Use 1 "]),  # 1 + a multiple of 20, but there is no such position
        (-40, 20, ["START=-40", "Use 1 "]),
        ("abc", 20, ["START=abc", "1, 21, 41, ..."]),
        ("", 20, ["START=", "1, 21, 41, ..."]),
        ("all", 20, ["START=all", "1, 21, 41, ..."]),
        (1.0, 20, ["START=1.0", "1, 21, 41, ..."]),
        (1, 50, ["END=50", "Use 40 or 60 ", "or all"]),
        (1, 21, ["END=21", "Use 20 or 40 ", "or all"]),
        (1, 19, ["END=19", "Use 20 ", "or all"]),
        (1, 0, ["END=0", "Use 20 ", "or all"]),
        (1, -20, ["END=-20", "Use 20 ", "or all"]),
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
def test_suggested_values_are_valid_and_nearest(value):
    for start, end, remainder in ((value, "all", 1), (1, value, 0)):
        try:
            position_range(start, end)
            suggested = [value]
        except WrongParameter as error:
            text = re.split(r"Use | \(", str(error))[1]
            suggested = [int(number) for number in re.findall(r"\d+", text)]
        assert suggested == around(value, remainder)


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


def test_batch_and_range_have_names_for_files_and_commands():
    batch = Batch(40_981)
    assert (batch.name, batch.page_number, batch.last) == ("40981-41000", 2_049, 41_000)
    assert Batch(1).page_number == 0
    assert position_range("1", "200").name == "batches-1-200"
    assert position_range(1, "all").name == "batches-1-all"
    assert position_range(81, 100).as_arguments == "START=81 END=100"
    assert position_range(21, "all").as_arguments == "START=21 END=all"


def test_range_covers_its_batches():
    def covered(start, end):
        return [n for n in (1, 21, 41, 61) if position_range(start, end).covers(Batch(n))]

    assert covered(21, 40) == [21]
    assert covered(21, 60) == [21, 41]
    assert covered(21, "all") == [21, 41, 61]


def test_each_table_of_a_batch_has_a_file():
    assert [str(Batch(21).file(Path("out"), table)) for table in sorted(TABLES)] == [
        "out/close_approaches/batch-number=21-40/close_approaches_21-40.parquet",
        "out/orbits/batch-number=21-40/orbits_21-40.parquet",
        "out/pages/batch-number=21-40/page_21-40.json.zst",
        "out/raw/batch-number=21-40/neo_partition_21-40.parquet",
        "out/rejected/batch-number=21-40/rejected_21-40.jsonl",
    ]


def test_adjacent_batches_are_merged():
    assert spans([]) == []
    joined = spans(Batch(first) for first in (1, 21, 41, 81, 121, 141))
    assert joined == [position_range(1, 60), position_range(81, 100), position_range(121, 160)]
