import re

import duckdb
import pyarrow as pa
import pytest

from neo_utils.compare.differences import _LAST_WIDE, _WIDE_AU
from neo_utils.sample.approaches import _MOON_LIMIT_AU, _WIDE_EARTH
from neo_utils.sample.fields import _AU_HECTOMETRES, _LUNAR_DISTANCES_PER_AU
from neo_utils.sample.orbits import EARTH, LAST_WIDE_DETERMINATION, OTHER_PLANETS
from neo_utils.statistics.definitions import (
    KM_PER_AU,
    LISTED_WITHIN_AU,
    LUNAR_DISTANCES_PER_AU,
    columns_of,
    sql_text,
    totals_defined,
)
from neo_utils.store.schemas import CLOSE_APPROACHES, METRICS, RAW, SCHEMAS, YEARLY_STATISTICS

each_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)


def columns(schema):
    return [(field.name, str(field.type), field.nullable) for field in schema]


def test_raw_has_17_columns_in_order():
    assert columns(RAW) == [
        ("id", "string", False),
        ("neo_reference_id", "string", True),
        ("name", "string", True),
        ("name_limited", "string", True),
        ("designation", "string", True),
        ("nasa_jpl_url", "string", True),
        ("absolute_magnitude_h", "double", True),
        ("is_potentially_hazardous_asteroid", "bool", True),
        ("minimum_estimated_diameter_meters", "double", True),
        ("maximum_estimated_diameter_meters", "double", True),
        ("closest_approach_miss_distance_km", "double", True),
        ("closest_approach_date", "date32[day]", True),
        ("closest_approach_relative_velocity_km_per_sec", "double", True),
        ("first_observation_date", "date32[day]", True),
        ("last_observation_date", "date32[day]", True),
        ("observations_used", "int64", True),
        ("orbital_period", "double", True),
    ]


def test_close_approaches_has_8_columns_in_order():
    assert columns(CLOSE_APPROACHES) == [
        ("neo_id", "string", False),
        ("close_approach_date", "date32[day]", False),
        ("close_approach_time", "timestamp[ms, tz=UTC]", True),
        ("orbiting_body", "string", False),
        ("miss_distance_au", "double", False),
        ("miss_distance_lunar", "double", True),
        ("miss_distance_km", "double", False),
        ("relative_velocity_km_per_sec", "double", False),
    ]


def test_metrics_have_name_and_count():
    assert columns(METRICS) == [("metric", "string", False), ("value", "int64", False)]


def test_yearly_statistics_has_9_columns_in_order():
    assert YEARLY_STATISTICS.names == [
        "year",
        "orbiting_body",
        "close_approaches",
        "close_approaches_under_threshold",
        "predicted",
        "neos",
        "nearest_miss_distance_au",
        "nearest_neo_id",
        "mean_relative_velocity_km_per_sec",
    ]


@each_schema
def test_only_measured_columns_have_units(schema):
    with_unit = {field.name for field in schema if (field.metadata or {}).get(b"unit")}
    assert with_unit == {field.name for field in schema if pa.types.is_floating(field.type)}


@pytest.mark.parametrize(
    ("ending", "unit"),
    [("_au", "AU"), ("_lunar", "LD"), ("_km", "km"), ("_meters", "m"), ("_km_per_sec", "km/s")],
)
def test_unit_matches_column_name(ending, unit):
    fields = [
        field for schema in SCHEMAS.values() for field in schema if field.name.endswith(ending)
    ]
    assert fields
    assert {field.metadata[b"unit"].decode() for field in fields} == {unit}


def test_magnitude_and_period_have_units():
    assert RAW.field("absolute_magnitude_h").metadata[b"unit"] == b"mag"
    assert RAW.field("orbital_period").metadata[b"unit"] == b"d"


@each_schema
def test_every_column_has_a_definition(schema):
    assert [field.name for field in schema if not field.metadata[b"definition"].strip()] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_columns_of_has_one_row_per_column(name):
    table = columns_of(name)
    assert list(table.index) == SCHEMAS[name].names
    assert list(table.columns) == ["type", "unit", "definition"]
    assert (table["definition"] != "").all()


def test_columns_of_shows_type_unit_and_definition_as_text():
    table = columns_of("yearly_statistics")
    assert table.index.name == "column"
    assert table.loc[["close_approaches", "nearest_miss_distance_au"]].to_numpy().tolist() == [
        ["int64", "", "listed approaches"],
        ["double", "AU", "smallest miss distance"],
    ]


@pytest.mark.parametrize("name", ["counted", "metrics", "yearly_statistics"])
@pytest.mark.parametrize("threshold", [0.2, 0.05])
def test_definition_is_sql_with_threshold(name, threshold):
    text = sql_text(name, threshold)
    assert "{" not in text
    assert duckdb.extract_statements(text)  # raises if it does not parse


def test_each_total_has_a_definition_in_words():
    assert totals_defined(0.05) == {
        "total_neos": "NEOs, each once",
        "total_close_approaches": "listed approaches to any body, past and predicted",
        "total_close_approaches_earth": "listed approaches to Earth, past and predicted",
        "total_close_approaches_under_0.05_au": "listed approaches to any body nearer than 0.05 AU",
        "total_close_approaches_under_0.05_au_earth": "listed approaches to Earth nearer than"
        " 0.05 AU",
        "total_neos_under_0.05_au": "NEOs with at least one listed approach to any body nearer than"
        " 0.05 AU",
        "total_neos_under_0.05_au_earth": "NEOs with at least one listed approach to Earth nearer"
        " than 0.05 AU",
    }
    named = re.findall(r"'(total_[a-z0-9._]+)'", sql_text("metrics", 0.05))
    assert set(named) == totals_defined(0.05).keys()


def test_sample_and_figures_share_listing_limits():
    limits = {body.name: body.limit_au for body in (EARTH, *OTHER_PLANETS)}
    assert limits | {"Moon": _MOON_LIMIT_AU} == LISTED_WITHIN_AU
    assert (_WIDE_EARTH.limit_au, LAST_WIDE_DETERMINATION) == (_WIDE_AU, _LAST_WIDE)
    assert _LUNAR_DISTANCES_PER_AU == LUNAR_DISTANCES_PER_AU
    assert _AU_HECTOMETRES / 10 == KM_PER_AU


def test_metric_names_contain_the_threshold():
    assert "total_neos_under_0.2_au_earth" in sql_text("metrics")
    assert "total_neos_under_0.05_au_earth" in sql_text("metrics", 0.05)
    assert "under_0.2" not in sql_text("metrics", 0.05)
