"""The views of `neo sql`: equal on Spark and DuckDB, and as the documentation creates them."""

import json
import re
import shutil

import pytest

import neo_utils as neo
from neo_utils.errors import JobFailed, StoredDataBroken, WrongParameter
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.run.questions import query_text
from neo_utils.sample import service
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store.segments import SEGMENT_SCHEMAS
from tests.objects import serve_changed

VIEWS = ("neos", "passages", "orbits", "yearly", "history")
QUERIES = (
    *(f"SELECT * FROM {view} ORDER BY ALL" for view in VIEWS),  # noqa: S608 - our own names
    "SELECT orbit_class_type, count(*) AS passages, min(miss_distance_au) AS nearest_au "
    "FROM passages WHERE orbiting_body = 'Earth' GROUP BY ALL ORDER BY ALL",
    "SELECT name, e FROM (SELECT neo_id, eccentricity AS e FROM orbits WHERE eccentricity > 0.5) "
    "JOIN neos USING (neo_id) ORDER BY neo_id",
    "SELECT neo_id, orbit_id_before, orbit_id_after FROM history "
    "WHERE fetched_at_after >= '2026-01-01' ORDER BY ALL",
)


def determined_again(neos):
    for place, one in enumerate(neos):
        one["orbital_data"]["orbit_id"] += "b"
        if place % 3 == 0:
            del one["orbital_data"]["minimum_orbit_intersection"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Two batches, one of them fetched again after its orbits changed."""
    folder = str(tmp_path_factory.mktemp("output"))
    with service.serve() as url:
        fetch(plan_fetch(1, 40, "nasa", url, folder))
    with serve_changed(determined_again) as url:
        fetch(plan_fetch(1, 20, "nasa", url, folder, refetch=True))
    return select(1, 40, "nasa", folder)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_has_the_same_rows_on_spark_and_duckdb(spark, stored, query):
    duckdb, by_spark = (
        neo.sql(query, stored, session).toArrow().to_pylist() for session in (None, spark)
    )
    assert duckdb == by_spark
    assert len(duckdb) > 0


def test_views_have_the_stored_rows(stored):
    numbers = [len(neo.sql(f"FROM {view}", stored).collect()) for view in VIEWS]
    raw, approaches = stored.read("raw"), stored.read("close_approaches").to_pandas()
    dates = approaches["close_approach_date"].astype(str)
    groups = approaches.groupby([dates.str[:4], "orbiting_body"]).ngroups
    assert numbers == [len(raw), len(approaches), len(raw), groups, 20]


@pytest.mark.parametrize(
    "query",
    [
        *("SELECT", "SELECT nothing FROM neos", "SELECT * FROM elsewhere", "SELECT 1; S"),
        *("", " ; ", "SELECT 1; SELECT 2", "DROP VIEW neos", "CREATE TABLE mine (a int)"),
        "COPY neos TO 'mine.csv'",
    ],
)
def test_an_invalid_query_gives_one_line(stored, query):
    with pytest.raises((JobFailed, WrongParameter)) as failure:
        neo.sql(query, stored).collect()
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT 1e-12 AS x", [{"x": 1e-12}]),
        ("SELECT 0.1::DOUBLE + 0.2 AS x", [{"x": 0.1 + 0.2}]),
        ("SELECT 9007199254740993 AS x", [{"x": 9007199254740993}]),
        ("SELECT DATE '2030-01-02' AS day, NULL AS x", [{"day": "2030-01-02", "x": None}]),
        ("SELECT 'two\nlines' AS x", [{"x": "two\nlines"}]),
        ("SELECT count(*) AS n FROM neos WHERE false", [{"n": 0}]),
        ("SELECT name FROM neos WHERE false", []),
        ("SELECT sum(close_approaches) > 0 AS some FROM yearly", [{"some": True}]),
        ("SELECT sum(n) AS n FROM range(4) AS t (n)", [{"n": 6}]),
        ("SELECT 'nan'::DOUBLE AS x, 'inf'::DOUBLE AS y", [{"x": None, "y": None}]),
    ],
)
def test_json_has_every_digit(stored, query, expected):
    settings = parse_settings({"output_dir": str(stored.output)})
    assert json.loads(query_text(settings, query, "", "json")) == expected


def test_times_on_the_terminal_have_no_zone(stored):
    settings = parse_settings({"output_dir": str(stored.output)})
    query = "SELECT close_approach_time FROM passages ORDER BY 1 LIMIT 1"
    assert re.search(r"\d\d:\d\d:\d\d$", query_text(settings, query, "", ""))


def test_threshold_is_that_of_the_yearly_view(stored):
    query = "SELECT sum(close_approaches_under_threshold) FROM yearly WHERE orbiting_body = 'Earth'"
    counts = {au: neo.sql(query, stored, threshold_au=au).collect()[0][0] for au in (0.05, 0.2)}
    earth = stored.read("close_approaches").to_pandas().query("orbiting_body == 'Earth'")
    assert counts == {au: (earth["miss_distance_au"] < au).sum() for au in (0.05, 0.2)}


def documented(language, stored):
    """Return the statements of docs/how-to.md that create the tables in an engine."""
    text = (PROJECT / "docs/how-to.md").read_text(encoding="utf-8")
    block = text.partition(f"In {language}:\n\n```sql\n")[2].partition("```")[0]
    output = str(stored.output)
    placed = block.replace("file:///data/output", f"file://{output}").replace(
        "'output/", f"'{output}/"
    )
    return [one for one in placed.strip().split(";") if one.strip()]


def test_documented_tables_have_the_rows_of_the_views(stored, spark):
    duckdb = neo.connect("duckdb")
    for language, session in (("DuckDB", duckdb), ("Spark", spark)):
        statements = documented(language, stored)
        assert len(statements) == 2
        try:
            for view in ("stored_neos", "stored_close_approaches"):
                session.sql(f"DROP VIEW IF EXISTS {view}")
            for statement in statements:
                session.sql(statement)
            for text in ("counted", "views"):
                for statement in neo.sql_text(text).split(";\n"):
                    session.sql(statement)
            for view in ("neos", "orbits", "passages", "yearly"):
                query = f"SELECT count(*) FROM {view}"  # noqa: S608 - our own names
                found = [tuple(row) for row in session.sql(query).collect()]
                assert found == neo.sql(query, stored).collect()
        finally:
            if session is spark:
                for table in ("stored_neos", "stored_close_approaches"):
                    session.sql(f"DROP TABLE IF EXISTS {table}")


def test_trino_statements_have_the_columns_of_the_segments():
    text = (PROJECT / "docs/reference.md").read_text(encoding="utf-8")
    for name, schema in SEGMENT_SCHEMAS.items():
        statement = re.search(rf"CREATE TABLE hive.neo.stored_{name} \((.*?)\n\)", text, re.DOTALL)
        columns = [line.split()[0] for line in statement[1].strip().splitlines()]
        assert columns == schema.names


def test_two_columns_of_one_name_are_refused(stored):
    settings = parse_settings({"output_dir": str(stored.output)})
    with pytest.raises(WrongParameter, match="two columns of the result have the same name"):
        query_text(settings, "SELECT 1 AS a, 2 AS a", "", "json")


def test_a_corrupted_history_stops_only_what_reads_it(stored, tmp_path):
    output = shutil.copytree(stored.output, tmp_path / "output")
    copied = stored._replace(output=output)
    next(output.glob("history/positions=*")).write_bytes(b"damaged")
    assert len(neo.top("nearest", copied).rows) == 10
    with pytest.raises(StoredDataBroken, match="history/positions=1-2000"):
        neo.sql("FROM history", copied)
