"""Mutation test of the SQL definitions, with the plain-Python oracle as the reference.

    python -m tests.mutate_sql

prints the number of mutants, how many are detected, and those that are not. DuckDB runs each mutant
on two pages of the sample and on hand-made edge cases; `tests/oracle.py` computes the same in plain
Python.
"""

import datetime as dt
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import product
from operator import attrgetter
from typing import NamedTuple

import duckdb
import pyarrow as pa

from neo_utils.positions import Batch
from neo_utils.sample.catalogue import page_body
from neo_utils.statistics.definitions import sql_text
from neo_utils.store.page_tables import Page, decode_page
from tests.oracle import (
    first_observations_of,
    hazard_exceptions_of,
    metrics_of,
    population_of,
    since_first_observation_of,
    yearly_of,
)
from tests.test_population import edge_cases

DEFINITIONS = (
    *("counted", "metrics", "yearly_statistics", "population", "first_observations"),
    *("since_first_observation", "hazard_exceptions"),
)


# --- Inputs and expected results. ---


class Stored(NamedTuple):
    batch: Batch
    fetched_on: str
    page: bytes


class Case(NamedTuple):
    """Batches in fetch order, and the expected results, computed by the oracle or by hand."""

    stored: list[Stored]
    metrics: dict[str, int]
    yearly: list[tuple]
    threshold: str = "0.2"


def neo(neo_id, *approaches):
    """Return an object with approaches given as (date, body, AU) or (date, body, AU, km/s)."""
    return {
        "id": neo_id,
        "name": f"({neo_id})",
        "close_approach_data": [
            {
                "close_approach_date": date,
                "orbiting_body": body,
                "miss_distance": {"astronomical": str(au), "kilometers": "1"},
                "relative_velocity": {"kilometers_per_second": velocity[0] if velocity else "10"},
            }
            for date, body, au, *velocity in approaches
        ],
    }


def observed_in(year):
    return {"orbital_data": {"first_observation_date": f"{year}-05-06"}}


def stored(first, fetched_on, *objects):
    """Return a batch of only these objects, the last ones of its catalogue."""
    page = {"number": (first - 1) // 20, "size": 20, "total_elements": first - 1 + len(objects)}
    body = json.dumps({"page": page, "near_earth_objects": objects}).encode()
    return Stored(Batch(first), fetched_on, body)


def oracle_case(*batches, threshold="0.2"):
    pages = [one.page for one in batches]
    yearly = yearly_of(pages, threshold, batches[-1].fetched_on)
    return Case(list(batches), metrics_of(pages, threshold), yearly, threshold=threshold)


def on_one_page(*neos):
    return oracle_case(stored(1, "2026-03-01", *neos))


@cache
def cases() -> dict[str, Case]:
    sample = [Stored(Batch(20 * n + 1), "2026-03-01", page_body(n, 20, "k")) for n in (1, 2)]
    # As in tests/test_statistics.py: a NEO of two batches counts from the one fetched last, though
    # its positions are the smaller ones. Here the two were fetched on different days, too.
    moved = [
        stored(21, "2026-01-01", neo("A", ("1999-12-31", "Earth", 0.1)),
               neo("C", ("2026-01-01", "Earth", 0.6))),
        stored(1, "2026-01-02", neo("A", ("2026-01-02", "Earth", 0.3), ("2026-01-03", "Mars", 0.1)),
               neo("B", ("2026-01-03", "Earth", 0.4))),
        stored(41, "2026-01-01", neo("D", ("2026-01-02", "Venus", 0.5))),
    ]  # fmt: skip
    in_2026 = [
        (2026, "Earth", 3, 0, 1, 3, 0.3, "A", 10.0, 0, "2026-01-02", False, None, "(A)"),
        (2026, "Mars", 1, 1, 1, 1, 0.1, "A", 10.0, 1, "2026-01-03", True, 10.0, "(A)"),
        (2026, "Venus", 1, 0, 1, 1, 0.5, "D", 10.0, 0, "2026-01-02", True, None, "(D)"),
    ]
    return {
        # First, because it detects most mutants of the size classes.
        "edges of classes, missing values and wrong flags": on_one_page(*edge_cases()),
        "a NEO in two batches": Case(
            moved, metrics_of([one.page for one in moved], "0.2"), in_2026
        ),
        "a NEO that was alone in its older batch": oracle_case(
            stored(21, "2026-01-01", neo("A", ("1999-12-31", "Earth", 0.1))),
            stored(1, "2026-01-02", neo("A", ("2000-01-01", "Earth", 0.1))),
        ),
        "a NEO in three batches, two of them fetched at the same time": oracle_case(
            stored(81, "2026-01-01", neo("A", ("1998-12-31", "Earth", 0.1))),
            stored(21, "2026-01-02", neo("A", ("1999-12-31", "Earth", 0.1))),
            stored(41, "2026-01-02", neo("A", ("2000-01-01", "Earth", 0.1))),
        ),
        "edges of years, of the threshold and of the fetch": on_one_page(
            neo("A", ("2025-12-31", "Earth", 0.2), ("2026-01-01", "Earth", "0.1999999999")),
            neo("B", ("2026-03-01", "Earth", 0.3), ("2026-03-02", "Earth", 0.05)),
            neo("E", ("2026-03-03", "Earth", 0.2)),
            neo("C", ("1900-01-01", "Moon", 0.001), ("2200-12-31", "Earth", 0.19)),
            neo("D", ("1900-01-02", "Ceres", 0.1), ("1900-12-31", "earth", 0.1)),
        ),
        "two NEOs equally near": on_one_page(
            neo("C", ("2000-01-01", "Earth", 0.1)),
            neo("A", ("2000-01-01", "Earth", 0.1), ("2000-01-02", "Earth", 0.1)),
            neo("0", ("2000-01-01", "Earth", 0.2)),
            neo("B", ("2000-01-01", "Earth", 0.1)),
            neo("D", ("2026-02-01", "Mars", 0.1), ("2026-04-01", "Mars", 0.1)),
        ),
        # Their mean is 38.3430175; the sum of doubles gives less.
        "velocities whose mean lies on the edge": on_one_page(
            neo("A", ("2000-01-01", "Earth", 0.1, "20.2292960832")),
            neo("B", ("2000-01-01", "Earth", 0.1, "6.5697496497")),
            neo("C", ("2000-01-01", "Earth", 0.1, "88.2300067671")),
        ),
        "velocities that differ in the tenth decimal": on_one_page(
            neo("A", ("2000-01-01", "Earth", 0.1, "1.0000004999")),
            neo("B", ("2000-01-01", "Mars", 0.1, "1.0000005001")),
        ),
        "NEOs without any approach": on_one_page(neo("A"), neo("B")),
        "first observations of a NEO in two batches": oracle_case(
            stored(21, "2026-01-01", neo("A", ("2001-01-01", "Earth", 0.1)) | observed_in(1999)),
            stored(
                1,
                "2026-01-02",
                neo(
                    "A",
                    ("2001-01-01", "Ceres", 0.1),
                    ("2003-01-01", "Earth", 0.2),
                    ("2004-01-01", "Earth", 0.1),
                    ("2200-01-01", "Earth", 0.1),
                    ("2201-01-01", "Earth", 0.1),
                )
                | observed_in(2000),
                neo("B") | observed_in(1999),
            ),
        ),
        "two pages of the sample": oracle_case(*sample),
        "a nearer threshold": oracle_case(sample[0], threshold="0.05"),
    }


@cache
def database(case: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    batches = cases()[case].stored
    pages = [decode_page(one.page, one.batch) for one in batches]
    times = [dt.datetime.fromisoformat(one.fetched_on) for one in batches]
    for view, table_of in (
        ("stored_neos", neos_and_orbits),
        ("stored_close_approaches", attrgetter("close_approaches")),
    ):
        named = [
            with_position(table_of(page), page.neos["id"].to_pylist(), one.batch, time)
            for one, page, time in zip(batches, pages, times, strict=True)
        ]
        connection.register("registered", pa.concat_tables(named))
        connection.execute(f"CREATE TABLE {view} AS FROM registered")
    define(connection, sql_text("counted"))
    return connection


@cache
def counted(case: str) -> duckdb.DuckDBPyConnection:
    """Return the same database with the counted rows as tables, which saves most of the time."""
    connection = database.__wrapped__(case)
    for view in ("newest", "close_approaches"):
        connection.execute(f"CREATE TABLE {view}_rows AS FROM {view}")
    for view in ("newest", "close_approaches"):
        connection.execute(f"CREATE OR REPLACE TEMPORARY VIEW {view} AS FROM {view}_rows")
    return connection


def neos_and_orbits(page: Page) -> pa.Table:
    for name in page.orbits.column_names[1:]:
        page = page._replace(neos=page.neos.append_column(name, page.orbits[name]))
    return page.neos


def with_position(table: pa.Table, ids: list[str], batch: Batch, fetched_at: dt.datetime):
    """Return rows as segments have them."""
    positions = [batch.first + ids.index(neo_id) for neo_id in table.column(0).to_pylist()]
    times = pa.array([fetched_at] * table.num_rows, pa.timestamp("us"))
    return table.append_column("position", pa.array(positions, pa.int64())).append_column(
        "fetched_at", times
    )


def define(connection: duckdb.DuckDBPyConnection, counted: str) -> None:
    for statement in counted.split(";"):
        connection.execute(statement)


@cache
def expected(case: str, name: str) -> list[tuple]:
    pages, threshold = [one.page for one in cases()[case].stored], cases()[case].threshold
    if name == "yearly_statistics":
        return cases()[case].yearly
    if name == "population":
        return population_of(pages, threshold)
    if name == "first_observations":
        return first_observations_of(pages)
    if name == "since_first_observation":
        return since_first_observation_of(pages, threshold)
    if name == "hazard_exceptions":
        return hazard_exceptions_of(pages)
    metrics = cases()[case].metrics.items()
    return sorted(
        metrics, key=lambda metric: (metric[0].startswith("close_approaches_in_"), metric)
    )


# --- The mutants. ---


class Mutant(NamedTuple):
    definition: str
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        before, after = (" ".join(text.split())[:24] for text in (self.before, self.after))
        return f"{self.definition}.sql:{self.line}: {before} -> {after or 'nothing'}"


# Each occurrence of a pattern outside comments is replaced by each of these in turn.
CHANGES = {
    # comparison
    r" < ": [" <= ", " > ", " >= "],
    r" > ": [" >= ", " < ", " <> "],
    r" = ": [" <> ", " <= ", " >= "],
    r" AND ": [" OR "],
    r"LIKE": ["NOT LIKE"],
    # predicates dropped
    r"[a-z_]+ < \{threshold_au\} AND ": [""],
    r" AND orbiting_body = 'Earth'": [""],
    # constants
    r"'Earth'": ["'earth'", "'Moon'", "''"],
    r"(?<=< )\{threshold_au\}": ["{threshold_au} / 2", "{threshold_au} * 2", "0.1999999999"],
    r"\{threshold_au\}": ["0.2"],
    r"\b[0-9]+\b": [lambda n: str(int(n) + 1), lambda n: str(int(n) - 1)],
    r"\b1e10\b": ["1e9", "1e11"],
    r", miss_distance_au(?=\))": [""],
    r"'(?=total_|close_)": ["'x"],
    # functions and operators
    r"\bcount_if\(": ["count(", "max("],
    r"\bcount\(\*\)": ["0", "1", "(count(*) + 1)"],
    r"\bcount\(DISTINCT ": ["count("],
    r"\bsum\(": ["max(", "min(", "avg(", "count("],
    r"\bmax\(": ["min(", "count("],
    r"\bmin\(": ["max(", "avg("],
    r"\bmin_by\(": ["max_by("],
    r"\byear\(": ["month(", "day("],
    r"\bround\(": ["trunc("],
    r"/": ["*", "+"],
    # joins and sets
    r"(?<!CROSS )(?<!ANTI )JOIN": ["LEFT JOIN", "RIGHT JOIN", "FULL JOIN"],
    r"ANTI ": ["SEMI ", "LEFT "],
    r"USING \(position\)": ["USING (fetched_at)", "ON true"],
    r"recency (=|>) 1": ["recency = 2", "true", "false"],
    r"\brow_number\b": ["rank", "ntile"],
    r"fetched_at DESC, position DESC": [
        *("fetched_at DESC", "position DESC", "position DESC, fetched_at DESC"),
        *("fetched_at ASC, position DESC", "fetched_at DESC, position ASC"),
    ],
    r"PARTITION BY id ": [""],
    r"UNION ALL": ["UNION", "EXCEPT", "INTERSECT"],
    r"FROM newest": ["FROM close_approaches", "FROM stored_neos"],
    r"FROM listed": ["FROM newest", "FROM stored_neos"],
    r"FROM close_approaches": ["FROM stored_close_approaches", "FROM newest"],
    # order and groups
    r"ORDER BY .*": [""],
    r"(?<=ORDER BY )(\w+), (\w+)$": [r"\2", r"\1", r"\2, \1", r"\1 DESC, \2", r"\1, \2 DESC"],
    r"(?<=ORDER BY )(.*LIKE \S+), metric$": [r"\1", "metric", r"\1 DESC, metric", r"\1, 1 DESC"],
    r"GROUP BY .*": [""],
    r"(?<=GROUP BY )(.*), (\w+)$": [r"\1", r"\2"],
    # columns
    r"\(miss_distance_au, neo_id\)": ["miss_distance_au", "neo_id", "(neo_id, miss_distance_au)"],
    r"\bmiss_distance_au\b": ["relative_velocity_km_per_sec"],
    r"\brelative_velocity_km_per_sec\b": ["miss_distance_au"],
    r"(?<=DISTINCT )position": ["close_approach_date", "miss_distance_au"],
    r"(?<=sum\()(\w+?)(_earth)?\)": [lambda c: f"{c[:-7]})" if "_e" in c else f"{c[:-1]}_earth)"],
    r"(?<=THEN )(\w+?)(_earth)?$": [lambda c: c[:-6] if "_e" in c else f"{c}_earth"],
    r"(?<=count_if\()under(_earth)?(?= >)": [lambda c: "under" if "_e" in c else "under_earth"],
    r"close_approach_date > CAST\(fetched_at AS DATE\)": ["true", "false"],
    # rows of the names
    r"WHEN .*": [""],
    r"    \('total_\w+(\{threshold_au\}\w+)?'\),\n": [""],
}  # fmt: skip
UNWRAPPED = ("CAST", "coalesce", "round")  # the function goes, its first argument stays


def original(definition: str) -> str:
    return sql_text(definition, "{threshold_au}")  # keeps the placeholder


def mutants() -> Iterator[Mutant]:
    for definition in DEFINITIONS:
        text = original(definition)
        for start, end, after in changes_of(text):
            changed = text[:start] + after + text[end:]
            line = text.count("\n", 0, start) + 1
            before = text[start:end].strip()
            yield Mutant(definition, line, before, after.strip(), changed)


def changes_of(text: str) -> Iterator[tuple[int, int, str]]:
    comments = [match.span() for match in re.finditer(r"^--.*|/\*.*?\*/", text, re.MULTILINE)]
    for pattern, replacements in CHANGES.items():
        for match in re.finditer(pattern, text, re.MULTILINE):
            if any(start <= match.start() < end for start, end in comments):
                continue
            for new in replacements:
                after = new(match[0]) if callable(new) else match.expand(new)
                yield *match.span(), after
    for function in UNWRAPPED:
        for match in re.finditer(rf"\b{function}\(", text):
            end = closing(text, match.end())
            inside = text[match.end() : end - 1]
            kept = inside.rpartition(" AS " if function == "CAST" else ", ")[0]
            yield match.start(), end, f"({kept})"


def closing(text: str, at: int) -> int:
    """Return the position after the parenthesis that closes the one before ``at``."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


# Undetectable: these mutants give the same rows for every possible table.
_FROM_1 = "recency counts from 1"
_TYPE = "the same value in another type; every table is cast when it is saved"
_WHOLE = "sums of integers below 2^53 are exact in doubles, and no page has larger ones"
_ROUNDED = "NeoWs lists ten decimals: times 1e10, a velocity is an integer up to rounding errors"
_PARTNER = "both contain exactly the years and bodies that have an approach"
_FIRST_YEAR = "no approach is dated before 1900"
_OUTER = "a row without its partner is left out by a later condition"
_COUNTED = "the positions of NEOs in newest are those of the counted approaches"
EQUIVALENT = {
    "counted.sql:11: > -> <>": _FROM_1,
    "counted.sql:5: row_number -> rank": "a position is listed once",
    "counted.sql:26: CAST(year(close_approach -> (year(close_approach_dat": _TYPE,
    "counted.sql:27: CAST(fetched_at AS DATE) -> (fetched_at)": "dates compare as their midnight",
    "metrics.sql:19: > -> <>": "a count is zero or more",
    "metrics.sql:20: > -> <>": "a count is zero or more",
    "metrics.sql:25: UNION ALL -> UNION": "metric names are unique",
    "metrics.sql:42: UNION ALL -> UNION": "metric names are unique",
    "metrics.sql:27: CAST(coalesce(CASE metri -> (coalesce(CASE metric WH": _TYPE,
    "yearly_statistics.sql:7: 5 -> 6": _ROUNDED,
    "yearly_statistics.sql:7: 5 -> 4": _ROUNDED,
    "yearly_statistics.sql:38: JOIN -> RIGHT JOIN": "every count has an approach",
    **{
        f"yearly_statistics.sql:{line}: JOIN -> {kind} JOIN": _PARTNER
        for line in (59, 60) for kind in ("LEFT", "RIGHT", "FULL")
    },
    "yearly_statistics.sql:7: CAST(floor(relative_velo -> (floor(relative_velocity": _WHOLE,
    "yearly_statistics.sql:50: CAST(velocity AS DOUBLE) -> (velocity)": _TYPE,
    "yearly_statistics.sql:55: CAST(velocity_under AS D -> (velocity_under)": _TYPE,
    "population.sql:37: > -> <>": "a sum of counts is zero or more",
    "population.sql:6: FROM close_approaches -> FROM stored_close_approa": _COUNTED,
    "population.sql:24: CAST(sum(is_hazardous) A -> (sum(is_hazardous))": _TYPE,
    "population.sql:25: CAST(sum(approaches) AS  -> (sum(approaches))": _TYPE,
    "population.sql:26: CAST(sum(is_hazardous *  -> (sum(is_hazardous * appr": _TYPE,
    "population.sql:36: CAST(hazardous_neos AS D -> (hazardous_neos)": _TYPE,
    "population.sql:37: CAST(by_hazardous_neos A -> (by_hazardous_neos)": _TYPE,
    "first_observations.sql:3: CAST(year(first_observat -> (year(first_observation_": _TYPE,
    "first_observations.sql:11: CAST(sum(neos) OVER (PAR -> (sum(neos) OVER (PARTITI": _TYPE,
    "since_first_observation.sql:13: 1900 -> 1899": _FIRST_YEAR,
    "since_first_observation.sql:11: JOIN -> LEFT JOIN": _OUTER,
    "since_first_observation.sql:11: JOIN -> RIGHT JOIN": _OUTER,
    "since_first_observation.sql:11: JOIN -> FULL JOIN": _OUTER,
    "since_first_observation.sql:5: CAST(year(first_observat -> (year(first_observation_": _TYPE,
    "since_first_observation.sql:28: CAST(listed_years AS BIG -> (listed_years)": _TYPE,
    "since_first_observation.sql:29: CAST(listed_years AS DOU -> (listed_years)": _TYPE,
}  # fmt: skip


class Verdict(NamedTuple):
    mutant: Mutant
    detected_by: str | None  # the first case with different rows, or "DuckDB" if it rejects the SQL


def judge(mutant: Mutant) -> Verdict:
    name, text = mutant.definition, mutant.text
    try:
        detected_by = next((case for case in cases() if differs(case, name, text)), None)
    except duckdb.Error:
        detected_by = "DuckDB"
    return Verdict(mutant, detected_by)


def differs(case: str, definition: str, text: str) -> bool:
    """Check whether this text, in place of a definition, gives other rows than the oracle."""
    if definition != "counted":
        return rows(counted(case), case, text) != expected(case, definition)
    try:
        define(database(case), text)
        return any(
            rows(database(case), case, original(name)) != expected(case, name)
            for name in DEFINITIONS[1:]
        )
    finally:
        define(database(case), sql_text("counted"))


def rows(connection: duckdb.DuckDBPyConnection, case: str, text: str) -> list[tuple]:
    query = text.replace("{threshold_au}", cases()[case].threshold)
    return connection.execute(query).fetchall()


def main() -> None:
    started = time.monotonic()
    for case, name in product(cases(), DEFINITIONS[1:]):
        if differs(case, name, original(name)):
            raise AssertionError(f"{name} differs from the oracle without a change: {case}")
    verdicts = [judge(mutant) for mutant in mutants()]
    for definition in DEFINITIONS:
        by = Counter(v.detected_by for v in verdicts if v.mutant.definition == definition)
        print(
            f"{definition}.sql: {by.total()} mutants, {by['DuckDB']} rejected by DuckDB, "
            f"{by.total() - by['DuckDB'] - by[None]} detected, {by[None]} not detected"
        )
    for case in cases():
        print(f"first detected by {case}: {sum(v.detected_by == case for v in verdicts)}")
    print(f"in {time.monotonic() - started:.1f} s")
    for verdict in verdicts:
        if verdict.detected_by is None:
            reason = EQUIVALENT.get(str(verdict.mutant), "NO TEST DETECTS IT")
            print(f"not detected: {verdict.mutant}: {reason}")


if __name__ == "__main__":
    main()
