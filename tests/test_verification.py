import datetime as dt
import re
import shutil

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils import __version__
from neo_utils.errors import StoredDataBroken
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.positions import Batch, position_range
from neo_utils.sample import SAMPLE_URL
from neo_utils.store.batches import read_rejected, write_batch
from neo_utils.store.page_archive import body_of, note_of, pack, sha256
from neo_utils.store.page_tables import decode_page
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import archived_objects, rebuild
from neo_utils.store.selection import select_batches
from neo_utils.store.verification import check_files, verify
from tests.objects import neos, page, put, without

END = 60
RANGE = position_range(1, END)
BATCH = Batch(21)


def contents(output):
    return {p.relative_to(output): p.read_bytes() for p in output.rglob("*") if p.is_file()}


def edit(path):
    """Change one value by hand, keeping schema and metadata."""
    table = pq.read_table(path, partitioning=None)
    index, field = next((i, f) for i, f in enumerate(table.schema) if f.type == pa.float64())
    changed = pa.array([1.0] * table.num_rows, pa.float64())
    pq.write_table(table.set_column(index, field, changed), path)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def replace_by_another_programs(path):
    pq.write_table(pa.table({"id": ["1"]}), path)


def edit_note(path, change):
    archived = path.read_bytes()
    path.write_bytes(pack(body_of(archived), change(note_of(archived))))


def make_older(path):
    """Remove the checksums from the note, as in an older layout."""
    edit_note(path, lambda note: {k: v for k, v in note.items() if not k.endswith("_sha256")})


def make_folder_of(path):
    path.unlink()
    path.mkdir()


def swap(path):
    other = Batch(41)
    table = next(t for t in ("raw", "close_approaches") if t in str(path))
    shutil.copy(other.file(path.parents[2], table), path)


def write_rejected(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"broken')


FAULTS = {
    "the raw file is cut short": ("raw", cut),
    "the approaches are cut short": ("close_approaches", cut),
    "the raw file is edited by hand": ("raw", edit),
    "the approaches are edited by hand": ("close_approaches", edit),
    "the raw file is another program's": ("raw", replace_by_another_programs),
    "the approaches are another program's": ("close_approaches", replace_by_another_programs),
    "the approaches are gone": ("close_approaches", lambda path: path.unlink()),
    "the archived page is gone": ("pages", lambda path: path.unlink()),
    "the archived page is empty": ("pages", lambda path: path.write_bytes(b"")),
    "the archived page is no archive": ("pages", lambda path: path.write_bytes(b"{}" * 99)),
    "the archive is of an older layout": ("pages", make_older),
    "another batch's approaches lie there": ("close_approaches", swap),
    "an unexpected rejected file exists": ("rejected", write_rejected),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_corrupted_batch_is_reported_and_backfill_repairs_it(output, fault):
    before = contents(output)
    table, break_it = FAULTS[fault]
    break_it(BATCH.file(output, table))
    assert list(verify(output, RANGE)) == [BATCH]
    with pytest.raises(StoredDataBroken, match=r"batch 21-40 .*`make backfill START=21 END=40 .*`"):
        check_files(output, select_batches(1, 60, "sample", output).provenances)
    fetch(plan_fetch(21, 40, "sample", output_dir=str(output), refetch=True))
    assert contents(output) == before
    assert verify(output, RANGE) == {}


def test_verify_reports_the_fault_of_a_batch(output):
    cut(BATCH.file(output, "close_approaches"))
    reason = "close_approaches: the file's checksum differs"
    assert verify(output, RANGE) == {BATCH: reason}
    with pytest.raises(StoredDataBroken) as error:
        check_files(output, RANGE.batches(60))
    assert str(error.value).startswith(f"batch 21-40 in {output} is corrupted ({reason}). Run ")


@pytest.mark.parametrize("table", ["raw", "close_approaches"])
def test_verify_finds_table_edited_with_its_checksum(output, table):
    edit(BATCH.file(output, table))
    path = BATCH.file(output, "pages")
    archived = path.read_bytes()
    changed = {f"{table}_sha256": sha256(BATCH.file(output, table).read_bytes())}
    path.write_bytes(pack(body_of(archived), note_of(archived) | changed))
    check_files(output, RANGE.batches(60))
    assert verify(output, RANGE) == {BATCH: f"{table}: the rows differ from the page's"}


def test_verify_names_older_version_and_rebuild_applies_current_rules(output):
    path = BATCH.file(output, "raw")
    table = pq.read_table(path, partitioning=None)
    table = table.replace_schema_metadata(table.schema.metadata | {b"package_version": b"0.0.1"})
    place = table.schema.get_field_index("absolute_magnitude_h")
    table = table.set_column(place, table.schema.field(place), pa.array([99.0] * 20))
    pq.write_table(table, path)
    approaches = BATCH.file(output, "close_approaches")
    listed = pq.read_table(approaches, partitioning=None)
    listed = listed.replace_schema_metadata(listed.schema.metadata | {b"package_version": b"0.0.1"})
    pq.write_table(listed, approaches)
    archived = BATCH.file(output, "pages").read_bytes()
    changed = note_of(archived) | {"package_version": "0.0.1"}
    for name, file in (("raw", path), ("close_approaches", approaches)):
        changed[f"{name}_sha256"] = sha256(file.read_bytes())
    BATCH.file(output, "pages").write_bytes(pack(body_of(archived), changed))
    (reason,) = verify(output, RANGE).values()
    assert reason == (
        "raw: the rows differ from the page's, which version 0.0.1 decoded; `make rebuild` applies "
        f"the rules of {__version__}"
    )
    rebuild(output, RANGE)
    assert verify(output, RANGE) == {}


NOTE = b'{"source": "sample"}'
FRAME = 0x184D2A50.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("archived", "message"),
    [
        (b"", "^the archived page is truncated$"),
        (FRAME + b"\0\0\0", "^the archived page is truncated$"),
        (b"{}{}{}{}", "^the archived page has no note$"),
        (b"{}" * 99, "^the archived page has no note$"),
        (FRAME + b"\0\0\0\0", "line 1 column 1"),
        (FRAME + b"\x14\0\0\0" + NOTE[:-1], "line 1 column 20"),
        (FRAME + b"\x03\0\0\0[1]", "^the note of the archived page is not a JSON object$"),
    ],
)
def test_note_of_rejects_invalid_archive(archived, message):
    assert note_of(FRAME + b"\x14\0\0\0" + NOTE + b"...") == {"source": "sample"}
    with pytest.raises(ValueError, match=message):
        note_of(archived)


def test_body_of_rejects_truncated_page():
    with pytest.raises(ValueError, match="^the archived page cannot be decompressed: .+"):
        body_of(pack(b"a page" * 100, {})[:-9])


EDITED_NOTES = {
    "no checksum of the page": lambda note: without(note, "page_sha256"),
    "no settings": lambda note: without(note, "parquet_settings"),
    "settings of no kind": lambda note: note | {"parquet_settings": 5},
    "settings that Parquet does not know": lambda note: note | {"parquet_settings": {"x": 1}},
    "a compression that Parquet does not know": lambda note: (
        note | {"parquet_settings": {"compression": "x"}}
    ),
    "a compression of no kind": lambda note: note | {"parquet_settings": {"compression": 5}},
    "another source and address": lambda note: (
        note
        | {"source": "nasa", "url": "https://api.nasa.gov/neo/rest/v1/neo/browse?page=1&size=20"}
    ),
    "another time": lambda note: note | {"fetched_at": "2020-01-01T00:00:00Z"},
    "a time without a zone": lambda note: note | {"fetched_at": "2020-01-01"},
    "another size of the catalogue": lambda note: note | {"catalogue_size": "40"},
    "a list": lambda note: [note],
    "nothing": lambda _note: None,
}


@pytest.mark.parametrize("edited", EDITED_NOTES)
def test_edited_note_is_reported_and_not_rebuilt(output, edited):
    edit_note(BATCH.file(output, "pages"), EDITED_NOTES[edited])
    before = contents(output)
    assert list(verify(output, RANGE)) == [BATCH]
    with pytest.raises(StoredDataBroken, match="batch 21-40"):
        rebuild(output, RANGE)
    assert contents(output).items() >= before.items()


def test_verify_reports_note_that_contradicts_tables(output):
    edit_note(BATCH.file(output, "pages"), EDITED_NOTES["another source and address"])
    assert verify(output, RANGE) == {
        BATCH: "raw: source, url of the file and the page's note differ"
    }
    with pytest.raises(StoredDataBroken, match="the note and the raw file differ in source, url"):
        rebuild(output, RANGE)


def test_verify_reports_missing_note_entry(output):
    edit_note(BATCH.file(output, "pages"), lambda note: without(note, "page_sha256"))
    assert verify(output, RANGE) == {BATCH: "pages: no page_sha256 is recorded"}


def test_rebuild_reports_missing_settings_and_unreadable_page(output):
    path = BATCH.file(output, "pages")
    edit_note(path, lambda note: without(note, "parquet_settings"))
    with pytest.raises(StoredDataBroken, match=r"\(pages: no parquet_settings is recorded\)"):
        rebuild(output, RANGE)
    make_folder_of(path)
    with pytest.raises(StoredDataBroken, match=r"\(pages: Is a directory\)"):
        rebuild(output, RANGE)


@pytest.mark.parametrize("table", ["raw", "close_approaches"])
def test_verify_reports_unreadable_table_with_matching_checksum(output, table):
    BATCH.file(output, table).write_bytes(b"no table")
    checksum = {f"{table}_sha256": sha256(b"no table")}
    edit_note(BATCH.file(output, "pages"), lambda note: note | checksum)
    assert re.fullmatch(rf"{table}: (?!None).*Parquet.*", verify(output, RANGE)[BATCH])


class Solution(msgspec.Struct):
    data_arc_in_days: int


class Listed(msgspec.Struct):
    id: str
    orbital_data: Solution


def test_archived_objects_skips_invalid_objects(output):
    objects = neos()
    objects[0]["orbital_data"]["data_arc_in_days"] = "many"
    objects[1]["orbital_data"]["data_arc_in_days"] = "42"  # numbers may be texts
    body = page(objects, number=1)
    provenance = Provenance("sample", SAMPLE_URL, dt.datetime.now(dt.UTC), sha256(body), 41_000)
    write_batch(output, BATCH, decode_page(body, BATCH), body, provenance)
    found = archived_objects(output, BATCH, Listed)
    assert [one.id for one in found] == [one["id"] for one in objects[1:]]
    assert found[0].orbital_data.data_arc_in_days == 42
    cut(BATCH.file(output, "pages"))
    with pytest.raises(StoredDataBroken, match=r"batch 21-40 in \S+ .*\(pages: (?!None).+\)"):
        archived_objects(output, BATCH, Listed)


def test_long_note_round_trips():
    note = {"url": "x" * 5000, "source": "nasa"}
    assert note_of(pack(b"a page", note)) == note


@pytest.mark.parametrize("fault", [cut, swap, replace_by_another_programs, make_folder_of])
def test_rebuild_repairs_corrupted_raw_file(output, fault):
    before = contents(output)
    path = BATCH.file(output, "raw")
    fault(path)
    if path.is_dir():
        path.rmdir()
    rebuild(output, RANGE)
    assert contents(output).items() >= before.items()
    assert verify(output, RANGE) == {}


def test_copied_folder_is_not_a_batch(output):
    folder = BATCH.file(output, "pages").parent
    shutil.copytree(folder, folder.with_name(f"{folder.name}-copy"))
    assert rebuild(output, RANGE) == 3


def test_verify_accepts_valid_batches(output):
    assert verify(output, RANGE) == {}
    check_files(output, RANGE.batches(60))


def test_verify_finds_replaced_page(output):
    path = BATCH.file(output, "pages")
    archived = path.read_bytes()
    path.write_bytes(pack(body_of(archived).replace(b"Earth", b"Pluto"), note_of(archived)))
    assert verify(output, RANGE) == {BATCH: "pages: the page's checksum differs"}
    with pytest.raises(StoredDataBroken) as error:
        rebuild(output, RANGE)
    assert str(error.value).startswith(
        f"batch 21-40 in {output} is corrupted (pages: the page's checksum differs). Run "
    )


def test_verify_finds_truncated_page(output):
    cut(BATCH.file(output, "pages"))
    assert list(verify(output, RANGE)) == [BATCH]


def test_rebuild_restores_identical_tables(output):
    before = contents(output)
    for table in ("raw", "close_approaches"):
        shutil.rmtree(output / table)
    assert rebuild(output, RANGE) == 3
    assert contents(output) == before


def test_rebuild_keeps_parquet_settings(tmp_path):
    plan = plan_fetch(1, 20, "sample", output_dir=str(tmp_path))
    fetch(plan, parquet_settings={"compression": "snappy", "use_dictionary": False})
    before = contents(tmp_path)
    assert rebuild(tmp_path, position_range(1, 20)) == 1
    assert contents(tmp_path) == before


def test_rebuild_is_limited_to_the_range(output):
    shutil.rmtree(output / "raw")
    assert rebuild(output, position_range(21, 40)) == 1
    assert [path.name for path in (output / "raw").iterdir()] == ["batch-number=21-40"]


def test_checksum_is_sha256():
    # Of the empty message, FIPS 180-4.
    assert sha256(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def with_rejected(tmp_path):
    """Return an output with one batch that has two rejected objects."""
    objects = put(put(neos(), (4, "id"), 5), (9, "close_approach_data"), None)
    body = page(objects, number=BATCH.page_number)
    time = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    provenance = Provenance("sample", SAMPLE_URL, time, sha256(body), 41_000)
    write_batch(tmp_path, BATCH, decode_page(body, BATCH), body, provenance)
    return tmp_path


REJECTED_FAULTS = {
    "it is cut short": lambda path: path.write_bytes(b'{"broken'),
    "a line is gone": lambda path: path.write_bytes(path.read_bytes().splitlines(True)[0]),
    "it is edited": lambda path: path.write_bytes(path.read_bytes().replace(b"2031", b"2032")),
    "it is gone": lambda path: path.unlink(),
    "it is no text": lambda path: path.write_bytes(b"\xff"),
    "it nests too deep": lambda path: path.write_bytes(b"[" * 100_000),
    "it is a folder": make_folder_of,
}


@pytest.mark.parametrize("fault", REJECTED_FAULTS)
def test_verify_finds_changed_rejected_file(with_rejected, fault):
    assert verify(with_rejected, RANGE) == {}
    REJECTED_FAULTS[fault](BATCH.file(with_rejected, "rejected"))
    (reason,) = verify(with_rejected, RANGE).values()
    assert reason.startswith("rejected")
    with pytest.raises(StoredDataBroken, match=r"\(rejected.*`make backfill START=21 END=40 .*`"):
        check_files(with_rejected, [BATCH])


@pytest.mark.parametrize("fault", ["it is cut short", "it is no text", "it nests too deep"])
def test_unreadable_rejected_file_is_reported_with_repair_command(with_rejected, fault):
    REJECTED_FAULTS[fault](BATCH.file(with_rejected, "rejected"))
    remedy = r"^batch 21-40 in .* \(rejected: .*`make backfill START=21 END=40 .*`"
    with pytest.raises(StoredDataBroken, match=remedy) as error:
        read_rejected(with_rejected, [BATCH])
    assert "\n" not in str(error.value)


def test_folder_in_place_of_rejected_file_is_reported(with_rejected):
    make_folder_of(BATCH.file(with_rejected, "rejected"))
    with pytest.raises(StoredDataBroken, match=r"batch 21-40 .*\(rejected: Is a directory\)"):
        read_rejected(with_rejected, [BATCH])


def test_verify_finds_rejected_file_edited_with_its_checksum(with_rejected):
    path = BATCH.file(with_rejected, "rejected")
    REJECTED_FAULTS["it is edited"](path)
    changed = {"rejected_sha256": sha256(path.read_bytes())}
    edit_note(BATCH.file(with_rejected, "pages"), lambda note: note | changed)
    check_files(with_rejected, [BATCH])
    assert verify(with_rejected, RANGE) == {BATCH: "rejected: the objects differ from the page's"}


def test_verify_ignores_wording_of_rejection_reasons(with_rejected):
    path = BATCH.file(with_rejected, "rejected")
    path.write_bytes(path.read_bytes().replace(b"Expected `", b'Wanted \\"`'))
    changed = {"rejected_sha256": sha256(path.read_bytes())}
    edit_note(BATCH.file(with_rejected, "pages"), lambda note: note | changed)
    assert b"Wanted" in path.read_bytes()
    assert verify(with_rejected, RANGE) == {}


def test_rebuild_adds_checksums_missing_in_older_note(with_rejected):
    before = contents(with_rejected)
    edit_note(BATCH.file(with_rejected, "pages"), lambda note: without(note, "rejected_sha256"))
    (reason,) = verify(with_rejected, RANGE).values()
    assert "the note of an older version has no rejected_sha256" in reason
    assert "`make rebuild`" in reason
    assert rebuild(with_rejected, RANGE) == 1
    assert contents(with_rejected).items() >= before.items()
    assert verify(with_rejected, RANGE) == {}


def test_rebuild_restores_identical_rejected_file(with_rejected):
    before = contents(with_rejected)
    REJECTED_FAULTS["it is cut short"](BATCH.file(with_rejected, "rejected"))
    rebuild(with_rejected, RANGE)
    assert contents(with_rejected).items() >= before.items()


@pytest.mark.parametrize("table", ["raw", "close_approaches"])
def test_folder_in_place_of_table_is_reported(output, table):
    make_folder_of(BATCH.file(output, table))
    assert verify(output, RANGE) == {BATCH: f"{table}: Is a directory"}
