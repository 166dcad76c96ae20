import re

import duckdb
import pytest

from neo_utils.sample.fields import _AU_HECTOMETRES, _LUNAR_DISTANCES_PER_AU
from neo_utils.statistics.definitions import columns_of, sql_text, totals_defined
from neo_utils.store.schemas import SCHEMAS
from neo_utils.units import KM_PER_AU, LUNAR_DISTANCES_PER_AU

each_schema = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)

COLUMNS = {
    "raw": """
        id: string, required
        neo_reference_id: string
        name: string
        name_limited: string
        designation: string
        nasa_jpl_url: string
        absolute_magnitude_h: double in mag
        is_potentially_hazardous_asteroid: bool
        minimum_estimated_diameter_meters: double in m
        maximum_estimated_diameter_meters: double in m
        closest_approach_miss_distance_km: double in km
        closest_approach_date: date32[day]
        closest_approach_relative_velocity_km_per_sec: double in km/s
        first_observation_date: date32[day]
        last_observation_date: date32[day]
        observations_used: int64
        orbital_period: double in d
    """,
    "close_approaches": """
        neo_id: string, required
        close_approach_date: date32[day], required
        close_approach_time: timestamp[ms]
        orbiting_body: string, required
        miss_distance_au: double in AU, required
        miss_distance_lunar: double in LD
        miss_distance_km: double in km, required
        relative_velocity_km_per_sec: double in km/s, required
    """,
    "orbits": """
        neo_id: string, required
        orbit_id: string
        orbit_determination_date: timestamp[us]
        orbit_class_type: string
        orbit_uncertainty: int64
        minimum_orbit_intersection_au: double in AU
        jupiter_tisserand_invariant: double
        epoch_osculation_jd: double in d
        eccentricity: double
        semi_major_axis_au: double in AU
        inclination_deg: double in deg
        ascending_node_longitude_deg: double in deg
        perihelion_argument_deg: double in deg
        mean_anomaly_deg: double in deg
        mean_motion_deg_per_day: double in deg/d
        perihelion_distance_au: double in AU
        aphelion_distance_au: double in AU
        perihelion_time_jd: double in d
        data_arc_days: int64 in d
        equinox: string
        is_sentry_object: bool
    """,
    "metrics": """
        metric: string, required
        value: int64, required
    """,
    "yearly_statistics": """
        year: int64, required
        orbiting_body: string, required
        close_approaches: int64, required
        close_approaches_under_threshold: int64, required
        predicted: int64, required
        neos: int64, required
        nearest_miss_distance_au: double in AU, required
        nearest_neo_id: string, required
        mean_relative_velocity_km_per_sec: double in km/s, required
        predicted_under_threshold: int64, required
        nearest_close_approach_date: string, required
        nearest_is_predicted: bool, required
        mean_relative_velocity_under_threshold_km_per_sec: double in km/s
        nearest_neo_name: string
    """,
}


@pytest.mark.parametrize("table", COLUMNS)
def test_table_has_documented_columns_types_and_units_in_order(table):
    columns = []
    for field in SCHEMAS[table]:
        unit = field.metadata.get(b"unit", b"").decode()
        text = f"{field.name}: {field.type}" + (f" in {unit}" if unit else "")
        columns.append(text if field.nullable else f"{text}, required")
    assert columns == [line.strip() for line in COLUMNS[table].strip().splitlines()]


@each_schema
def test_every_column_has_a_definition(schema):
    assert [field.name for field in schema if not field.metadata[b"definition"].strip()] == []


def test_columns_of_shows_type_unit_and_definition_as_text():
    table = columns_of("yearly_statistics")
    assert [table.index.name, *table.columns] == ["column", "type", "unit", "definition"]
    assert table.loc[["close_approaches", "nearest_miss_distance_au"]].to_numpy().tolist() == [
        ["int64", "", "listed approaches"],
        ["double", "AU", "smallest miss distance"],
    ]


@pytest.mark.parametrize("name", ["counted", "metrics", "yearly_statistics"])
@pytest.mark.parametrize("threshold", [0.2, 0.05])
def test_definition_is_sql_with_threshold(name, threshold):
    text = sql_text(name, threshold)
    assert "{" not in text
    assert (str(threshold) in text) == (name != "counted")
    assert sql_text(name) == sql_text(name, 0.2)
    assert duckdb.extract_statements(text)  # raises if it does not parse


def test_each_total_has_a_definition_in_words():
    assert totals_defined(0.05) == {
        "total_close_approaches_under_0.05_au_earth": "listed approaches to Earth closer than"
        " 0.05 AU, past and predicted",
        "total_neos_under_0.05_au_earth": "NEOs with at least one listed approach to Earth closer"
        " than 0.05 AU",
        "total_neos": "NEOs, each once",
        "total_close_approaches_under_0.05_au": "listed approaches to any body closer than 0.05 AU;"
        " meaningful only for Earth, Venus, Mars, Mercury and Jupiter: NeoWs lists Moon to 0.0085"
        " AU",
        "total_neos_under_0.05_au": "NEOs with at least one listed approach to any body closer than"
        " 0.05 AU; meaningful only for Earth, Venus, Mars, Mercury and Jupiter: NeoWs lists Moon to"
        " 0.0085 AU",
        "total_close_approaches_earth": "listed approaches to Earth at any distance: up to 0.5 or"
        " 0.2 AU, depending on the date of the orbit",
        "total_close_approaches": "listed approaches to any body at any distance: mixes the listing"
        " limits of six bodies and two rules for Earth, so it does not show how often NEOs pass",
    }
    assert next(iter(totals_defined(0.2))) == "total_close_approaches_under_0.2_au_earth"
    assert (
        "only for Earth and Jupiter: NeoWs lists Venus to 0.15,"
        in totals_defined(0.2)["total_neos_under_0.2_au"]
    )
    assert (
        "meaningful for no body: NeoWs lists Earth to 0.2,"
        in totals_defined(3)["total_neos_under_3_au"]
    )
    named = re.findall(r"'(total_[a-z0-9._]+)'", sql_text("metrics", 0.05))
    assert set(named) == totals_defined(0.05).keys()


def test_sample_has_the_units_of_the_package():
    assert _LUNAR_DISTANCES_PER_AU == LUNAR_DISTANCES_PER_AU
    assert _AU_HECTOMETRES / 10 == KM_PER_AU
