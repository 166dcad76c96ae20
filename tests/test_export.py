"""Exports read by pandas and astropy have the stored values, units and nulls."""

import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

import neo_utils as neo
from neo_utils.answers.views import everything_stored
from neo_utils.errors import OutputUnwritable, RunFailure, WrongParameter
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.store.schemas import SCHEMAS
from tests.objects import serve_changed

TABLES = ("neos", "close_approaches", "orbits", "yearly_statistics")
STORED = {"neos": "raw", "close_approaches": "close_approaches", "orbits": "orbits"}
_FORMATS = ("csv", "json", "ecsv", "votable")


def damage(neos):
    neos[1] |= {"name": 'Ōmuamua, "first"', "absolute_magnitude_h": None, "designation": None}
    neos[2]["orbital_data"] |= {"orbit_uncertainty": None, "data_arc_in_days": None}
    del neos[3]["orbital_data"]
    neos[4]["is_potentially_hazardous_asteroid"] = None


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("output"))
    with serve_changed(damage) as url:
        fetch(plan_fetch(1, 40, "nasa", url, folder))
    return everything_stored(folder)


@pytest.fixture(scope="module")
def exported(stored, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    for file_format in _FORMATS:
        neo.export(folder / file_format, stored, file_format=file_format)
    return folder


def read(folder, table):
    """Return a table as each program reads it, as pandas DataFrames."""
    texts = dict.fromkeys(("id", "neo_id", "neo_reference_id", "designation", "orbit_id"), "string")
    texts["nearest_neo_id"] = "string"
    return {
        "csv": pd.read_csv(folder / f"csv/{table}.csv", dtype=texts, float_precision="round_trip"),
        "json": pd.DataFrame(json.loads((folder / f"json/{table}.json").read_bytes())),
        "ecsv": Table.read(folder / f"ecsv/{table}.ecsv").to_pandas(),
        "votable": Table.read(folder / f"votable/{table}.vot").to_pandas(),
    }


@pytest.mark.parametrize("table", TABLES)
def test_all_formats_have_the_stored_values(stored, exported, table):
    if table in STORED:
        expected = stored.read(STORED[table]).to_pandas()
    else:
        expected = neo.sql("FROM yearly ORDER BY year, orbiting_body", stored).toPandas()
    for name, found in read(exported, table).items():
        assert len(found) == len(expected) > 0
        assert set(expected.columns) <= set(found.columns)
        for column in expected.columns:
            given, read_back = expected[column], found[column]
            assert read_back.isna().tolist() == given.isna().tolist() or (
                # ECSV and VOTable may have an empty text for null.
                name in ("ecsv", "votable")
                and read_back.replace("", None).isna().tolist() == given.isna().tolist()
            ), (name, column)
            known = given.notna()
            if given.dtype.kind == "f":
                assert np.array_equal(given[known], read_back[known].astype(float)), (name, column)
            elif "date" not in column and "time" not in column:
                kind = given[known].infer_objects().dtype
                assert read_back[known].astype(kind).tolist() == given[known].tolist(), column
            else:
                days = given[known].astype(str).str[:10].tolist()
                assert read_back[known].astype(str).str[:10].tolist() == days, (name, column)


@pytest.mark.parametrize("table", STORED)
def test_astropy_reads_units_and_definitions(exported, table):
    for file in (f"ecsv/{table}.ecsv", f"votable/{table}.vot"):
        found = Table.read(exported / file)
        for field in SCHEMAS[STORED[table]]:
            unit = field.metadata.get(b"unit", b"").decode()
            expected = "" if unit == "LD" else unit.replace("km/s", "km / s").replace("/d", " / d")
            assert str(found[field.name].unit or "") == expected
            words = found[field.name].description.split()  # astropy breaks long lines
            assert words == field.metadata[b"definition"].decode().split()


@pytest.mark.parametrize("file_format", _FORMATS)
def test_every_export_describes_itself(exported, file_format):
    about = json.loads((exported / file_format / "about.json").read_bytes())
    assert about["source"] == "NeoWs at 127.0.0.1"
    for name, table in about["tables"].items():
        assert (exported / file_format / name).exists()
        assert all(column["definition"] for column in table["columns"])
    assert len(about["tables"]) == 4
    units = {c["name"]: c["unit"] for c in about["tables"][next(iter(about["tables"]))]["columns"]}
    assert units["absolute_magnitude_h"] == "mag"


def test_files_of_the_user_are_never_overwritten(stored, tmp_path):
    mine = tmp_path / "neos.csv"
    mine.write_text("mine")
    with pytest.raises(WrongParameter, match="contains other files. Nothing was written"):
        neo.export(tmp_path, stored)
    assert mine.read_text() == "mine"
    assert [*tmp_path.iterdir()] == [mine]


def test_neos_have_the_listing_limit_of_earth(exported):
    for neos in read(exported, "neos").values():
        assert set(neos["listed_to_au"]) == {0.2, 0.5}


def test_tilde_is_the_home_folder(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = neo.export("~/exported", stored)
    assert {path.parent for path in paths} == {tmp_path / "exported"}


def test_an_export_replaces_an_earlier_one_in_the_same_format_only(stored, tmp_path):
    paths = neo.export(tmp_path / "new/export", stored)
    before = {path: path.read_bytes() for path in paths}
    paths[0].write_text("damaged")
    assert neo.export(tmp_path / "new/export", stored) == paths
    assert {path: path.read_bytes() for path in paths} == before
    (tmp_path / "new/export/yearly_statistics.csv").unlink()  # as an interrupted export leaves it
    assert neo.export(tmp_path / "new/export", stored) == paths
    with pytest.raises(WrongParameter, match="contains an export as csv"):
        neo.export(tmp_path / "new/export", stored, file_format="json")
    with pytest.raises(WrongParameter, match="format=xml is not valid. Use csv, json, ecsv or"):
        neo.export(tmp_path / "other", stored, file_format="xml")
    assert not (tmp_path / "other").exists()


def test_an_unwritable_folder_gives_one_line(stored, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WrongParameter, match="file is not a folder. Nothing was written"):
        neo.export(tmp_path / "file", stored)
    with pytest.raises(OutputUnwritable, match="cannot be written .*Stored data is kept"):
        neo.export(tmp_path / "file/export", stored)


def test_yearly_statistics_have_the_threshold(stored, tmp_path):
    neo.export(tmp_path, stored, threshold_au=0.05)
    about = json.loads((tmp_path / "about.json").read_bytes())
    assert "closer than 0.05 AU" in about["note"]
    assert about["complete"] is True
    found = pd.read_csv(tmp_path / "yearly_statistics.csv").query("orbiting_body == 'Earth'")
    earth = stored.read("close_approaches").to_pandas().query("orbiting_body == 'Earth'")
    counted = found["close_approaches_under_threshold"].sum()
    assert counted == (earth["miss_distance_au"] < 0.05).sum()


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_a_full_disk_gives_one_line(stored, tmp_path, file_format):
    (tmp_path / f".neos.{file_format}.tmp").symlink_to("/dev/full")
    (tmp_path / "about.json").write_text(
        json.dumps({"created_by": "NEO Data Recaller", "format": file_format})
    )
    with pytest.raises(RunFailure) as failure:
        neo.export(tmp_path, stored, file_format=file_format)
    assert "\n" not in str(failure.value)


@pytest.mark.skipif(shutil.which("stilts") is None, reason="no STILTS on this machine")
@pytest.mark.parametrize("table", TABLES)
def test_the_library_of_topcat_reads_every_row(exported, table):
    path = exported / f"votable/{table}.vot"
    read_by_stilts = subprocess.run(  # noqa: S603 - our own file
        ["stilts", "tpipe", f"in={path}", "omode=count"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    columns, rows = (int(number) for number in re.findall(r"\d+", read_by_stilts.stdout))
    found = Table.read(path)
    assert (columns, rows) == (len(found.columns), len(found))
