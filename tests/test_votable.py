"""Units and descriptions in the stored tables, as read by astropy."""

import io
import json
import os
import subprocess
import sys
import warnings
from html import unescape
from pathlib import Path

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse
from astropy.io.votable.ucd import check_ucd
from astropy.table import QTable

from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.positions import Batch, position_range
from neo_utils.store import schemas
from neo_utils.store.batches import parquet_bytes, read_parquet
from neo_utils.store.page_archive import body_of, note_of, pack, sha256
from neo_utils.store.rebuilding import rebuild
from neo_utils.store.verification import check_files, verify
from neo_utils.store.votable import voparquet_metadata
from tests.faulty_service import http, sample_page, serve_faults
from tests.files import contents_of
from tests.test_drift import save_metrics

END = 40
SCHEMAS = {
    **{
        name: schemas.SCHEMAS[name]
        for name in ("raw", "close_approaches", "orbits", "yearly_statistics")
    },
    "aggregations": schemas.METRICS,
}
STATISTICS = ("aggregations", "yearly_statistics")
CONTENT = b"IVOA.VOTable-Parquet.content"
each_table = pytest.mark.parametrize("name", SCHEMAS)


def count(output):
    save_metrics(select(1, END, "sample", output))


@pytest.fixture(scope="module")
def counted(pristine):
    count(pristine)
    return pristine


def files_of(output, name):
    return sorted((output / name).rglob("*.parquet"))


def content_of(path):
    return pq.read_metadata(path).metadata[CONTENT]


def described(content):
    """Return the validated document; a warning is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parse(io.BytesIO(content), verify="exception")


def table_in(path):
    (table,) = described(content_of(path)).iter_tables()
    return table


def recorded_in(path):
    (resource,) = described(content_of(path)).resources
    return {info.name: info.value for info in resource.infos}


def values_of(column):
    """Return the numbers of a quantity, or the column itself."""
    return getattr(column, "value", column)


def quantities(path):
    """Return a stored table with units, as documented."""
    fields, stored = table_in(path).fields, pq.read_table(path, partitioning=None)
    return QTable(
        {column: stored[column].to_numpy() for column in stored.column_names},
        units={field.name: field.unit for field in fields if field.unit},
        descriptions={field.name: field.description for field in fields},
    )


# https://www.ivoa.net/documents/VOTable/, table of primitives; dates as in DALI, 3.3.3.
OF_TYPE = {
    "string": ("char", None),
    "bool": ("boolean", None),
    "int64": ("long", None),
    "double": ("double", None),
    "date32[day]": ("char", "timestamp"),
    "timestamp[ms]": ("char", "timestamp"),
    "timestamp[us]": ("char", "timestamp"),
}
PHYSICAL_TYPES = {
    "pos.distance": "length",
    "phys.size.diameter": "length",
    "phys.veloc": "speed",
    "phys.magAbs": "unknown",  # magnitudes
    "time.period.revolution": "time",
    "time.epoch": "time",
    "time.duration": "time",
    "phys.size.smajAxis": "length",
    **dict.fromkeys(
        (
            *("src.orbital.inclination", "src.orbital.node", "src.orbital.periastron"),
            "src.orbital.meanAnomaly",
        ),
        "angle",
    ),
    "src.orbital.meanMotion": "angular frequency",
}


@each_table
def test_each_file_describes_its_columns(counted, name):
    for path in files_of(counted, name):
        assert pq.read_metadata(path).metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
        assert b"<DATA" not in content_of(path)
        table, stored = table_in(path), read_parquet(path)
        metadata = pq.read_schema(path).metadata
        recorded = {key.decode(): value.decode() for key, value in metadata.items()}
        assert recorded_in(path) == recorded  # with the line breaks of SQL texts
        assert (len(table.array), len(table.fields)) == (0, len(SCHEMAS[name]))
        for column, field in zip(SCHEMAS[name], table.fields, strict=True):
            noted = {key.decode(): value.decode() for key, value in column.metadata.items()}
            assert (field.name, field.description) == (column.name, noted["definition"])
            assert (field.datatype, field.xtype) == OF_TYPE[str(column.type)]
            assert field.ucd == noted["ucd"]
            assert check_ucd(field.ucd, check_controlled_vocabulary=True)
            unit = noted.get("unit", "LD")  # no unit, or one that astropy does not have
            assert field.unit == (None if unit == "LD" else u.Unit(unit))
            if field.unit is not None:
                kind = PHYSICAL_TYPES[field.ucd.partition(";")[0]]
                assert field.unit.physical_type == kind, field.name
            size = None
            if field.datatype == "char":
                texts = [] if field.xtype else filter(None, stored[field.name].to_pylist())
                size = f"{max(map(len, texts), default='')}*"
            assert field.arraysize == size
        # There must be only one main identifier per table.
        assert [field.ucd for field in table.fields].count("meta.id;meta.main") <= 1
    assert len(files_of(counted, name)) == (1 if name in STATISTICS else 2)


def test_miss_distances_agree_in_au_and_km(counted):
    table = quantities(files_of(counted, "close_approaches")[0])
    au, km = table["miss_distance_au"], table["miss_distance_km"]
    assert u.allclose(au.to(u.km), km, rtol=1e-8)
    moons = 384_400 * u.km  # mean distance; NeoWs uses 384,570 km (389 per AU)
    assert u.allclose(table["miss_distance_lunar"] * moons, km, rtol=1e-3)


@pytest.mark.parametrize("name", STATISTICS)
def test_astropy_reads_statistics(counted, name):
    (path,) = files_of(counted, name)
    with warnings.catch_warnings():
        # astropy then searches for the longest text
        warnings.filterwarnings("ignore", "No table::len")
        table = QTable.read(path, format="parquet.votable")
    stored = read_parquet(path)
    for field in SCHEMAS[name]:
        column = table[field.name]
        assert column.info.description == field.metadata[b"definition"].decode()
        unit = field.metadata.get(b"unit", b"").decode()
        assert column.info.unit == (u.Unit(unit) if unit else None)
        # Nulls become NaN.
        expected = [np.nan if value is None else value for value in stored[field.name].to_pylist()]
        np.testing.assert_array_equal(values_of(column), expected)


def test_same_input_gives_same_bytes_in_another_process(counted):
    path = files_of(counted, "raw")[0]
    code = (
        "import sys, pyarrow.parquet as pq; from neo_utils.store.batches import parquet_bytes;"
        "table = pq.read_table(sys.argv[1], partitioning=None);"
        "metadata = {k.decode(): v.decode() for k, v in table.schema.metadata.items()};"
        "sys.stdout.buffer.write(parquet_bytes(table, metadata))"
    )
    made = [
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", code, path],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert made == [path.read_bytes()] * 2


# --- Unusual answers and other tables. ---


def field_of(values):
    """Return the only field of a table's VOTable."""
    content = voparquet_metadata(pa.table({"column": values}), {})[CONTENT.decode()]
    return described(content.encode()).get_first_table().fields[0]


def test_xml_characters_are_escaped():
    url = "http://x/?a=1&b=<\"'>&amp;é"
    table = pa.table({"id": ["1"]})
    stored = pq.read_metadata(pa.BufferReader(parquet_bytes(table, {"url": url}))).metadata
    (info,) = described(stored[CONTENT]).resources[0].infos
    assert (info.name, info.value) == ("url", url)


@pytest.mark.parametrize("texts", [[], [None, None], [""]])
def test_empty_text_column_has_unlimited_size(texts):
    field = field_of(pa.array(texts, pa.string()))
    assert (field.datatype, field.arraysize) == ("char", "*")


def test_unsupported_types_are_described_as_text():
    # The convention's advice on "Data/Metadata Mismatches", section 2.3.
    field = field_of([[1, 2], []])
    assert (field.datatype, field.arraysize) == ("char", "*")
    assert (field.unit, field.ucd, field.description) == (None, None, None)


def test_api_key_is_in_no_votable(tmp_path, monkeypatch):
    key = "canary<&>'\"" + "0123456789" * 3
    monkeypatch.setenv("API_KEY", key)
    page = sample_page(0, key)
    repeating = page.replace(b'"name":"', b'"name":"' + json.dumps(key)[1:-1].encode(), 1)
    assert repeating != page
    with serve_faults(lambda *_: [http(repeating)]) as faulty:
        fetch(plan_fetch(1, 20, "nasa", faulty.url, str(tmp_path)))
    for name in ("raw", "close_approaches", "orbits"):
        (path,) = files_of(tmp_path, name)
        content = content_of(path).decode()
        assert "canary" not in unescape(content)
        assert recorded_in(path)["source"] == "nasa"


# --- Outputs of versions without VOTable. ---


def without_votable(output):
    """Rewrite the tables as an earlier version did, and record their checksums in the pages."""
    for batch in position_range(1, END).batches(END):
        sums = {}
        for name in ("raw", "close_approaches", "orbits"):
            path = batch.file(output, name)
            pq.write_table(pq.read_table(path, partitioning=None), path, compression="zstd")
            assert CONTENT not in pq.read_metadata(path).metadata
            sums[f"{name}_sha256"] = sha256(path.read_bytes())
        page = batch.file(output, "pages")
        archived = page.read_bytes()
        page.write_bytes(pack(body_of(archived), note_of(archived) | sums))


def test_files_without_votable_are_valid_and_rebuild_adds_it(output):
    count(output)
    new = contents_of(output)
    without_votable(output)
    assert contents_of(output) != new
    positions = position_range(1, END)
    assert verify(output, positions) == {}
    check_files(output, [Batch(1), Batch(21)])
    count(output)
    assert contents_of(output) != new
    assert rebuild(output, positions) == 2
    assert contents_of(output) == new
