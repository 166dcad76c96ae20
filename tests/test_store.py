import datetime as dt
import hashlib
import itertools
import json
import logging
import shutil
import struct
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils import __version__
from neo_utils.errors import StoredDataBroken
from neo_utils.positions import Batch, position_range
from neo_utils.store.batches import (
    corrupted,
    noted_service,
    parquet_bytes,
    read_rejected,
    read_table,
    remove_temporaries,
    stored_provenances,
    write_batch,
)
from neo_utils.store.page_archive import note_of, pack, sha256
from neo_utils.store.page_tables import decode_page
from neo_utils.store.provenance import Provenance, newest_catalogue_size
from neo_utils.store.schemas import CLOSE_APPROACHES, ORBITS, RAW
from tests.files import contents_of, files_in
from tests.objects import neos, page, put
from tests.test_atomic import killed

FIRST, SECOND, THIRD = Batch(1), Batch(21), Batch(41)
EVERYTHING = position_range(1, "all")
URL = "https://example.invalid/browse?page=0&size=20"
FETCHED_AT = dt.datetime(2026, 3, 1, 2, 3, 4, tzinfo=dt.UTC)

RAW_FILE = "raw/batch-number=1-20/neo_partition_1-20.parquet"
ORBITS_FILE = "orbits/batch-number=1-20/orbits_1-20.parquet"
APPROACHES_FILE = "close_approaches/batch-number=1-20/close_approaches_1-20.parquet"
PAGE_FILE = "pages/batch-number=1-20/page_1-20.json.zst"
REJECTED_FILE = "rejected/batch-number=1-20/rejected_1-20.jsonl"

CLEAN = neos()
BROKEN = put(put(neos(name="changed"), (4, "id"), 5), (9, "close_approach_data"), None)


def provenance(body, **changes):
    sha = hashlib.sha256(body).hexdigest()
    return Provenance("nasa", URL, FETCHED_AT, sha, 41_000)._replace(**changes)


def store(output, objects=CLEAN, batch=FIRST, body=None, parquet_settings=None, **changes):
    body = body or page(objects, number=batch.page_number)
    of_parquet = {} if parquet_settings is None else {"parquet_settings": parquet_settings}
    decoded = decode_page(body, batch)
    write_batch(output, batch, decoded, body, provenance(body, **changes), **of_parquet)
    return body


def metadata_of(path):
    """Return the metadata of a Parquet file, without those that describe its columns."""
    pairs = pq.read_metadata(path).metadata
    of_columns = (b"ARROW:schema", b"IVOA.VOTable-Parquet.")
    return {k.decode(): v.decode() for k, v in pairs.items() if not k.startswith(of_columns)}


# --- File layout. ---


def test_batches_have_documented_file_layout(tmp_path):
    store(tmp_path)
    first = contents_of(tmp_path)
    assert sorted(first) == [APPROACHES_FILE, ORBITS_FILE, PAGE_FILE, RAW_FILE]
    store(tmp_path, BROKEN, SECOND)
    assert contents_of(tmp_path).items() >= first.items()
    assert sorted(contents_of(tmp_path).keys() - first) == [
        "close_approaches/batch-number=21-40/close_approaches_21-40.parquet",
        "orbits/batch-number=21-40/orbits_21-40.parquet",
        "pages/batch-number=21-40/page_21-40.json.zst",
        "raw/batch-number=21-40/neo_partition_21-40.parquet",
        "rejected/batch-number=21-40/rejected_21-40.jsonl",
    ]


@pytest.mark.parametrize(
    ("path", "schema", "table"),
    [
        (RAW_FILE, RAW, "neos"),
        (APPROACHES_FILE, CLOSE_APPROACHES, "close_approaches"),
        (ORBITS_FILE, ORBITS, "orbits"),
    ],
)
def test_table_round_trips(tmp_path, path, schema, table):
    body = store(tmp_path)
    read = pq.read_table(tmp_path / path, partitioning=None)
    assert read.equals(getattr(decode_page(body, FIRST), table))
    # `check_metadata` on the whole schema would also compare the file's metadata.
    assert all(a.equals(b, check_metadata=True) for a, b in zip(read.schema, schema, strict=True))


@pytest.mark.parametrize("path", [RAW_FILE, APPROACHES_FILE, ORBITS_FILE])
@pytest.mark.parametrize(
    ("source", "note"), [("nasa", {}), ("sample", {"note": "simulated sample, not NASA data"})]
)
def test_metadata_record_provenance(tmp_path, path, source, note):
    body = store(tmp_path, source=source)
    assert metadata_of(tmp_path / path) == note | {
        "source": source,
        "url": URL,
        "fetched_at": "2026-03-01T02:03:04Z",
        "page_sha256": hashlib.sha256(body).hexdigest(),
        "catalogue_size": "41000",
        "package_version": __version__,
    }


def test_page_without_approaches_has_empty_table(tmp_path):
    store(tmp_path, neos(close_approach_data=[]))
    assert pq.read_table(tmp_path / APPROACHES_FILE, partitioning=None).num_rows == 0
    assert read_table(tmp_path, [FIRST], "close_approaches").schema.equals(CLOSE_APPROACHES)


def test_same_input_gives_same_bytes(tmp_path):
    for folder in ("one", "two/three", "one"):  # the last replaces the first
        store(tmp_path / folder, BROKEN)
    assert contents_of(tmp_path / "one") == contents_of(tmp_path / "two/three")
    assert len(contents_of(tmp_path / "one")) == 5


# --- Archived page. ---


def test_archived_page_is_readable_and_matches_its_checksum(tmp_path):
    body = store(tmp_path)
    with pa.input_stream(tmp_path / PAGE_FILE, compression="zstd") as stream:
        archived = stream.read()
    assert archived == body
    sha = metadata_of(tmp_path / RAW_FILE)["page_sha256"]
    assert hashlib.sha256(archived).hexdigest() == sha == sha256(body)
    assert (tmp_path / PAGE_FILE).stat().st_size < len(body) / 4


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd command here")
def test_zstd_command_decompresses_archived_page(tmp_path):
    body = store(tmp_path)
    command = [shutil.which("zstd"), "--decompress", "--stdout", tmp_path / PAGE_FILE]
    assert subprocess.run(command, capture_output=True, check=True).stdout == body  # noqa: S603


def test_archived_page_records_provenance_in_skippable_frame(tmp_path):
    store(tmp_path, source="sample")
    archived = (tmp_path / PAGE_FILE).read_bytes()
    magic, length = struct.unpack("<II", archived[:8])
    assert 0x184D2A50 <= magic <= 0x184D2A5F  # RFC 8878, 3.1.2
    note = json.loads(archived[8 : 8 + length])
    assert metadata_of(tmp_path / RAW_FILE).items() <= note.items()
    assert archived[8 + length :].startswith(bytes.fromhex("28b52ffd"))  # RFC 8878, 3.1.1


# --- Rejected objects. ---


def test_rejected_objects_are_stored_as_json_lines(tmp_path):
    store(tmp_path, BROKEN)
    lines = [json.loads(line) for line in (tmp_path / REJECTED_FILE).read_bytes().splitlines()]
    assert lines == [
        {
            "position": 5,
            "field_path": "$.id",
            "reason": "Expected `str | null`, got `int`",
            "object": BROKEN[4],
        },
        {
            "position": 10,
            "field_path": "$.close_approach_data",
            "reason": "Expected `array`, got `null`",
            "object": BROKEN[9],
        },
    ]
    assert read_rejected(tmp_path, [FIRST]) == lines
    assert read_table(tmp_path, [FIRST], "raw").num_rows == 18


def test_rejected_object_is_stored_on_one_line(tmp_path):
    objects = put(neos(), (4, "id"), {'a "name"\n': "\u2028\\"})
    store(tmp_path, body=page(objects, indent=4).replace(b"\n", b"\r\n"))
    assert (tmp_path / REJECTED_FILE).read_bytes().count(b"\n") == 1
    assert [one["object"] for one in read_rejected(tmp_path, [FIRST])] == [objects[4]]


def test_valid_page_removes_rejected_file(tmp_path):
    store(tmp_path, BROKEN)
    assert REJECTED_FILE in contents_of(tmp_path)
    store(tmp_path, CLEAN)
    assert sorted(contents_of(tmp_path)) == [APPROACHES_FILE, ORBITS_FILE, PAGE_FILE, RAW_FILE]
    assert read_rejected(tmp_path, [FIRST]) == []


def test_rejected_objects_are_read_in_batch_order(tmp_path):
    store(tmp_path, BROKEN, THIRD)
    store(tmp_path, CLEAN, SECOND)
    store(tmp_path, BROKEN, FIRST)
    rejected = read_rejected(tmp_path, [FIRST, SECOND, THIRD])
    assert [one["position"] for one in rejected] == [5, 10, 45, 50]


# --- Killed runs. ---


@pytest.mark.parametrize(
    ("before", "after"),
    [(CLEAN, BROKEN), (BROKEN, CLEAN), (BROKEN, put(BROKEN, (4, "id"), 6)), (None, BROKEN)],
    ids=["rejected is added", "rejected is removed", "rejected is replaced", "batch is added"],
)
def test_killed_write_leaves_old_batch_or_new_batch_or_none(tmp_path, monkeypatch, before, after):
    def store_older(output):
        if before:
            store(output, before, catalogue_size=40_000)

    store_older(tmp_path / "old")
    store(tmp_path / "new", after)
    whole = {name: contents_of(tmp_path / name) for name in ("old", "new")}
    assert not set(whole["old"].values()) & set(whole["new"].values())
    outcomes = []
    for step in itertools.count():
        output = tmp_path / str(step)
        store_older(output)
        if not killed(monkeypatch, step, lambda to=output: store(to, after)):
            break
        outcomes.append(state_of(output, whole))
        store(output, after)  # the same command again
        assert contents_of(output) == whole["new"]
    assert list(dict.fromkeys(outcomes)) == ["old", "not stored", "new"][0 if before else 1 :]
    assert outcomes.count("new") == 1  # only the sync of the last folder is missing


def state_of(output, whole):
    remove_temporaries(output, [FIRST])
    if not stored_provenances(output, EVERYTHING):
        return "not stored"
    return next((name for name, files in whole.items() if files == contents_of(output)), "mixed")


def test_removes_temporary_files_of_named_batches(tmp_path, monkeypatch):
    for batch in (FIRST, SECOND):
        store(tmp_path, BROKEN, batch)
        assert killed(monkeypatch, 4, lambda one=batch: store(tmp_path, BROKEN, one))
    remove_temporaries(tmp_path, [FIRST, THIRD])
    temporaries = [path for path in files_in(tmp_path) if path.suffix == ".tmp"]
    assert len(temporaries) == 5
    assert {path.parent.name for path in temporaries} == {"batch-number=21-40"}


# --- Settings, other readers, stored batches. ---


@pytest.mark.parametrize(
    ("parquet_settings", "compression", "dictionary"),
    [
        (None, "ZSTD", True),
        ({"compression": "gzip"}, "GZIP", True),
        ({"compression": "snappy", "use_dictionary": False}, "SNAPPY", False),
        ({"compression": "none", "use_dictionary": ["id"]}, "UNCOMPRESSED", True),
    ],
)
@pytest.mark.parametrize("path", [RAW_FILE, APPROACHES_FILE, ORBITS_FILE])
def test_parquet_settings_apply_to_file(tmp_path, path, parquet_settings, compression, dictionary):
    store(tmp_path, parquet_settings=parquet_settings)
    columns = pq.read_metadata(tmp_path / path).row_group(0)
    assert columns.column(0).compression == compression
    if path == RAW_FILE:
        assert columns.column(0).has_dictionary_page == dictionary
    assert read_table(tmp_path, [FIRST], "raw")["id"].to_pylist() == [one["id"] for one in CLEAN]


def test_row_group_size_applies_to_file():
    table = pa.table({"value": range(10)})
    stored = pq.read_metadata(pa.BufferReader(parquet_bytes(table, {}, {"row_group_size": 4})))
    assert [stored.row_group(n).num_rows for n in range(stored.num_row_groups)] == [4, 4, 2]


def test_duckdb_reads_batch_numbers_from_paths(tmp_path):
    store(tmp_path, CLEAN, FIRST)
    store(tmp_path, BROKEN, SECOND)
    query = """
        SELECT "batch-number", count(*), count(DISTINCT id), min(closest_approach_date)
        FROM read_parquet(?, hive_partitioning = true) GROUP BY 1 ORDER BY 1
    """
    with duckdb.connect() as connection:
        rows = connection.execute(query, [f"{tmp_path}/raw/*/*.parquet"]).fetchall()
    assert rows == [("1-20", 20, 20, dt.date(2031, 4, 5)), ("21-40", 18, 18, dt.date(2031, 4, 5))]


def test_provenance_round_trips(tmp_path):
    body = store(tmp_path, source="sample")
    read = stored_provenances(tmp_path, EVERYTHING)
    assert read == {FIRST: provenance(body, source="sample")}
    assert read[FIRST].fetched_at.tzinfo is not None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (1, "all", [FIRST, SECOND, Batch(101)]),
        (21, 40, [SECOND]),
        (21, 100, [SECOND]),
        (21, 120, [SECOND, Batch(101)]),
        (41, "all", [Batch(101)]),
        (41, 60, []),
    ],
)
def test_stored_batches_are_listed_in_order(tmp_path, start, end, expected):
    for batch in (Batch(101), SECOND, FIRST):  # as text, 101 sorts before 21
        store(tmp_path, CLEAN, batch)
    assert list(stored_provenances(tmp_path, position_range(start, end))) == expected


def test_lists_only_batches_of_the_range_that_have_a_raw_file(tmp_path):
    for batch in (FIRST, SECOND, THIRD):
        store(tmp_path, CLEAN, batch)
    FIRST.file(tmp_path, "raw").write_bytes(b"outside the range, so not opened")
    THIRD.file(tmp_path, "raw").unlink()
    for folder in ("x", "21-200", "1-20-copy", f"{9:0<200}-1"):  # not a batch
        path = tmp_path / f"raw/batch-number={folder}/neo_partition_{folder}.parquet"
        path.parent.mkdir()
        path.touch()
    assert list(stored_provenances(tmp_path, position_range(21, "all"))) == [SECOND]
    assert stored_provenances(tmp_path / "absent", EVERYTHING) == {}


def test_tables_are_read_in_requested_order(tmp_path):
    store(tmp_path, neos(designation="first"), FIRST)
    store(tmp_path, neos(designation="second"), SECOND, source="sample")
    table = read_table(tmp_path, [SECOND, FIRST], "raw")
    assert table["designation"].to_pylist() == ["second"] * 20 + ["first"] * 20
    assert table.schema.names == RAW.names
    assert read_table(tmp_path, [FIRST, SECOND], "close_approaches").num_rows == 40


def test_catalogue_size_comes_from_newest_fetch():
    def fetched(day, size):
        at = FETCHED_AT.replace(day=day)
        return provenance(b"", fetched_at=at, catalogue_size=size)

    assert newest_catalogue_size([fetched(2, 5), fetched(9, 4), fetched(1, 6)]) == 4
    assert newest_catalogue_size([]) is None


def test_debug_log_lists_written_files(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG, logger="neo_utils"):
        store(tmp_path, BROKEN)
    for path in (RAW_FILE, APPROACHES_FILE, PAGE_FILE, REJECTED_FILE):
        size = (tmp_path / path).stat().st_size
        assert f"wrote {tmp_path / path} ({size} bytes)" in caplog.messages
    assert {record.levelname for record in caplog.records} == {"DEBUG"}


@pytest.mark.parametrize(
    "token",
    [b'"\xff"', b"1" * 5000, b"[" * 600 + b"]" * 600, b'{"a":' * 500 + b"1" + b"}" * 500],
    ids=["no UTF-8", "5000 digits", "600 lists deep", "500 objects deep"],
)
def test_any_rejected_object_round_trips(tmp_path, token):
    store(tmp_path, body=page(put(neos(), (4, "id"), "@")).replace(b'"@"', token))
    (rejected,) = read_rejected(tmp_path, [FIRST])
    # Text that is not JSON is stored as a string with invalid bytes escaped.
    shown = token.decode("utf-8", "backslashreplace")
    assert f'"id": {shown}, "neo_reference_id"' in rejected["object"]


def test_foreign_raw_file_is_reported_with_repair_command(tmp_path):
    store(tmp_path, CLEAN, SECOND)
    pq.write_table(pa.table({"id": ["1"]}), SECOND.file(tmp_path, "raw"))
    with pytest.raises(StoredDataBroken) as error:
        stored_provenances(tmp_path, EVERYTHING)
    assert str(error.value) == (
        f"batch 21-40 in {tmp_path} is corrupted (raw: no source is recorded). Run "
        f"`make backfill START=21 END=40 SOURCE=nasa OUTPUT_DIR={tmp_path}` (add the API_URL of "
        "NeoWs at example.invalid, if you trust that service with your key) to fetch it again"
    )
    assert stored_provenances(tmp_path, EVERYTHING, skip_broken=True) == {}


@pytest.mark.parametrize("set_by_user", [True, False])
def test_suggested_command_contains_only_trusted_address(tmp_path, monkeypatch, set_by_user):
    address = "https://example.invalid/browse"
    monkeypatch.setenv("API_URL", address if set_by_user else "https://another.invalid/browse")
    store(tmp_path, CLEAN, FIRST)
    message = str(corrupted(tmp_path, FIRST, "x"))
    assert (f"SOURCE=nasa API_URL={address} " in message) == set_by_user
    assert ("add the API_URL of NeoWs at example.invalid" in message) != set_by_user


FORGED = {
    "source": ["nowhere", "nasa\n"],
    "url": [
        "javascript:alert(1)",
        "https://user@example.invalid/browse?page=0&size=20",
        "https://example.invalid/$(id)?page=0&size=20",
        'https://example.invalid/"onfocus="x?page=0&size=20',
        "https://example.invalid/browse?page=0&size=20&api_key=x",
        "http://example.invalid/browse?page=0&size=20",
        "https://\u202eexample.invalid/browse?page=0&size=20",
    ],
    "fetched_at": ["2026-03-01T02:03:04"],
    "package_version": ["<script>", "0.1.0 \x1b[2J", "1" * 41, ""],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in FORGED.items() for value in values]
)
def test_rejects_invalid_metadata(tmp_path, field, value):
    store(tmp_path, CLEAN, FIRST)
    raw, archived = FIRST.file(tmp_path, "raw"), FIRST.file(tmp_path, "pages")
    table = pq.read_table(raw)
    note = note_of(archived.read_bytes()) | {field: value}
    forged = table.schema.metadata | {field.encode(): value.encode()}
    pq.write_table(table.replace_schema_metadata(forged), raw)
    archived.write_bytes(pack(b"{}", note))
    with pytest.raises(StoredDataBroken) as error:
        stored_provenances(tmp_path, EVERYTHING)
    assert value not in str(error.value) or not value
    if field in ("source", "url"):
        assert noted_service(tmp_path, FIRST) is None


def test_service_of_a_batch_is_unknown_if_no_file_names_it(tmp_path):
    store(tmp_path)
    (tmp_path / RAW_FILE).unlink()
    assert noted_service(tmp_path, FIRST) is not None
    (tmp_path / PAGE_FILE).write_bytes(pack(b"{}", {}))
    assert noted_service(tmp_path, FIRST) is None
    (tmp_path / PAGE_FILE).unlink()
    assert noted_service(tmp_path, FIRST) is None


NOT_READABLE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "zeroed": lambda path: path.write_bytes(path.read_bytes()[:4] + bytes(900)),
    "gone": lambda path: path.unlink(),
    "of other columns": lambda path: pq.write_table(pa.table({"id": ["1"]}), path),
    "of other types": lambda path: pq.write_table(pa.table({"id": [1], "neo_id": [1]}), path),
}


@pytest.mark.parametrize("fault", NOT_READABLE)
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        *(("raw", None), ("raw", ["id"])),
        *(("close_approaches", None), ("close_approaches", ["neo_id"]), ("orbits", None)),
    ],
)
def test_unreadable_table_is_reported_with_repair_command(tmp_path, table, columns, fault):
    store(tmp_path, CLEAN, FIRST)
    store(tmp_path, CLEAN, SECOND)
    NOT_READABLE[fault](SECOND.file(tmp_path, table))
    if fault == "of other columns" and columns == ["id"]:
        return  # the requested column exists
    remedy = rf"^batch 21-40 in .* \({table}: (?!None).+`make backfill START=21 END=40 .*`"
    with pytest.raises(StoredDataBroken, match=remedy) as error:
        read_table(tmp_path, [FIRST, SECOND], table, columns)
    assert "\n" not in str(error.value)


def test_times_that_an_older_version_marked_as_utc_are_read_as_listed(tmp_path):
    store(tmp_path)
    path, table = FIRST.file(tmp_path, "close_approaches"), "close_approaches"
    listed = read_table(tmp_path, [FIRST], table)
    place = listed.schema.get_field_index("close_approach_time")
    times = listed["close_approach_time"].cast(pa.timestamp("ms", "UTC"))
    pq.write_table(listed.set_column(place, "close_approach_time", times), path)
    assert str(pq.read_schema(path).field(place).type) == "timestamp[ms, tz=UTC]"
    assert read_table(tmp_path, [FIRST], table).equals(listed)


def test_reads_only_requested_columns(tmp_path):
    store(tmp_path)
    columns = ["designation", "id"]
    table = read_table(tmp_path, [FIRST], "raw", columns)
    assert table.equals(read_table(tmp_path, [FIRST], "raw").select(columns))
