import datetime as dt
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils import __version__
from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import OutputUnreadable, StoredDataBroken
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.neows.contract import LARGEST_PAGE
from neo_utils.positions import Batch, position_range
from neo_utils.sample import SAMPLE_URL
from neo_utils.statistics.computation import read_batches
from neo_utils.store.batches import batches_with, read_rejected, read_table, write_batch
from neo_utils.store.page_archive import body_of, note_of, pack, sha256
from neo_utils.store.page_tables import decode_page
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import rebuild
from neo_utils.store.verification import check_files, verify
from tests.files import contents_of
from tests.objects import neos, page, put, without

END = 60
RANGE = position_range(1, END)
BATCH = Batch(21)


def store(output, objects):
    """Store these objects as the batch."""
    body = page(objects, number=BATCH.page_number)
    time = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    provenance = Provenance("sample", SAMPLE_URL, time, sha256(body), 41_000)
    write_batch(output, BATCH, decode_page(body, BATCH), body, provenance)


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


def record_checksums(output, *tables, **changes):
    """Record the checksums of changed tables in the note, with further changes."""
    sums = {f"{table}_sha256": sha256(BATCH.file(output, table).read_bytes()) for table in tables}
    edit_note(BATCH.file(output, "pages"), lambda note: note | sums | changes)


def make_older(path):
    """Remove the checksums from the note, as in an older layout."""
    edit_note(path, lambda note: {k: v for k, v in note.items() if not k.endswith("_sha256")})


def empty(path):
    path.write_bytes(b"")


def make_folder_of(path):
    path.unlink()
    path.mkdir()


def swap(path):
    other = Batch(41)
    table = next(t for t in ("raw", "close_approaches", "orbits") if t in str(path))
    shutil.copy(other.file(path.parents[2], table), path)


def write_rejected(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"broken')


CHECKSUM = "the file's checksum differs"
OLDER = (
    "pages: the note of an older version has no raw_sha256; if the page is valid, `make rebuild` "
    "of the same range adds it"
)
FAULTS = [
    ("raw", cut, CHECKSUM),
    ("raw", edit, CHECKSUM),
    ("raw", replace_by_another_programs, CHECKSUM),
    ("raw", make_folder_of, "raw: Is a directory"),
    ("close_approaches", cut, CHECKSUM),
    ("close_approaches", edit, CHECKSUM),
    ("close_approaches", swap, CHECKSUM),
    ("close_approaches", Path.unlink, "close_approaches_21-40.parquet is missing"),
    ("orbits", cut, CHECKSUM),
    ("orbits", swap, CHECKSUM),
    ("orbits", Path.unlink, "orbits_21-40.parquet is missing"),
    ("pages", Path.unlink, "page_21-40.json.zst is missing"),
    ("pages", make_folder_of, "pages: Is a directory"),
    ("pages", empty, "pages: the archived page is truncated"),
    ("pages", replace_by_another_programs, "pages: the archived page has no note"),
    ("rejected", write_rejected, CHECKSUM),
]


@pytest.mark.parametrize(("table", "fault", "reason"), FAULTS)
def test_corrupted_batch_is_reported_and_backfill_repairs_it(output, table, fault, reason):
    before, path = contents_of(output), BATCH.file(output, table)
    fault(path)
    reason = f"{table}: {reason}" if reason == CHECKSUM else reason
    assert verify(output, RANGE) == {BATCH: reason}
    with pytest.raises(StoredDataBroken) as error:
        check_files(output, RANGE.batches(60))
    assert str(error.value).startswith(f"batch 21-40 in {output} is corrupted ({reason}). Run ")
    assert " Run `make backfill START=21 END=40 " in str(error.value)
    if path.is_dir():
        path.rmdir()
    fetch(plan_fetch(21, 40, "sample", output_dir=str(output), refetch=True))
    assert contents_of(output) == before
    assert verify(output, RANGE) == {}
    check_files(output, RANGE.batches(60))


def test_older_batches_are_rebuilt_without_a_request(output):
    before = contents_of(output)
    for batch in RANGE.batches(60):
        edit_note(
            batch.file(output, "pages"),
            lambda note: {k: v for k, v in note.items() if k != "orbits_sha256"},
        )
        batch.file(output, "orbits").unlink()
    shutil.rmtree(output / "segments")
    assert verify(output, RANGE)[BATCH] == OLDER.replace("raw_sha256", "orbits_sha256")
    with pytest.raises(StoredDataBroken) as error:
        read_batches(DuckDBSession(), select(1, 60, "sample", str(output)))
    assert str(error.value).startswith(
        f"an older version stored 3 batches of positions 1 to 60 in {output}, without the tables of"
        " this version. Stored data is kept. Run `make rebuild START=1 END=60 "
    )
    assert rebuild(output, RANGE) == 3
    assert contents_of(output) == before
    newest, _ = read_batches(DuckDBSession(), select(1, 60, "sample", str(output)))
    assert len(newest.collect()) == 60


@pytest.mark.parametrize("table", ["raw", "close_approaches", "orbits", "pages", "rejected"])
def test_file_that_the_system_cannot_read_is_named_and_not_corrupted(output, table):
    path = BATCH.file(output, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(path)  # a loop, which even root cannot read
    readers = {
        "raw": read_table,
        "close_approaches": read_table,
        "orbits": read_table,
        "pages": lambda *_: rebuild(output, RANGE),
        "rejected": lambda output, batches, _: read_rejected(output, batches),
    }
    for read in (
        lambda: readers[table](output, [BATCH], table),
        lambda: check_files(output, [BATCH]),
        lambda: verify(output, RANGE),
    ):
        with pytest.raises(OutputUnreadable, match=f"^{path} cannot be read"):
            read()


def test_rebuild_reports_a_folder_in_place_of_a_page(output):
    make_folder_of(BATCH.file(output, "pages"))
    with pytest.raises(StoredDataBroken, match=r"\(pages: Is a directory\)"):
        rebuild(output, RANGE)


def test_verify_finds_truncated_page(output):
    cut(BATCH.file(output, "pages"))
    assert verify(output, RANGE)[BATCH].startswith("pages: the archived page cannot be decompress")


@pytest.mark.parametrize("table", ["raw", "close_approaches", "orbits"])
def test_verify_finds_table_edited_with_its_checksum(output, table):
    edit(BATCH.file(output, table))
    record_checksums(output, table)
    check_files(output, RANGE.batches(60))
    assert verify(output, RANGE) == {BATCH: f"{table}: the rows differ from the page's"}


def test_verify_names_older_version_and_rebuild_applies_current_rules(output):
    edit(BATCH.file(output, "raw"))
    for table in ("raw", "close_approaches", "orbits"):
        path = BATCH.file(output, table)
        rows = pq.read_table(path, partitioning=None)
        older = rows.schema.metadata | {b"package_version": b"0.0.1"}
        pq.write_table(rows.replace_schema_metadata(older), path)
    record_checksums(output, "raw", "close_approaches", "orbits", package_version="0.0.1")
    assert verify(output, RANGE) == {
        BATCH: "raw: the rows differ from the page's, which version 0.0.1 decoded; `make rebuild` "
        f"applies the rules of {__version__}"
    }
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


def test_body_of_rejects_more_than_the_largest_page():
    assert body_of(pack(bytes(LARGEST_PAGE), {})) == bytes(LARGEST_PAGE)
    with pytest.raises(ValueError, match=r"the archived page has more than 4,194,304 bytes"):
        body_of(pack(bytes(LARGEST_PAGE + 1), {}))


NASA = "https://api.nasa.gov/neo/rest/v1/neo/browse?page=1&size=20"
DIFFER = " of the file and the page's note differ"
UNUSABLE = "pages: the note's parquet_settings cannot be used: "
EDITED_NOTES = [
    (lambda note: without(note, "page_sha256"), "pages: no page_sha256 is recorded"),
    (lambda note: without(note, "parquet_settings"), "pages: no parquet_settings is recorded"),
    (lambda note: note | {"parquet_settings": 5}, UNUSABLE),
    (lambda note: note | {"parquet_settings": {"x": 1}}, UNUSABLE),
    (lambda note: note | {"parquet_settings": {"compression": "x"}}, UNUSABLE),
    (lambda note: note | {"parquet_settings": {"compression": 5}}, UNUSABLE),
    (lambda note: note | {"source": "nasa", "url": NASA}, f"raw: source, url{DIFFER}"),
    (lambda note: note | {"fetched_at": "2020-01-01T00:00:00Z"}, f"raw: fetched_at{DIFFER}"),
    (lambda note: note | {"fetched_at": "2020-01-01"}, "pages: the recorded fetched_at is not"),
    (lambda note: note | {"catalogue_size": "40"}, f"raw: catalogue_size{DIFFER}"),
    (lambda note: [note], "pages: the note of the archived page is not a JSON object"),
    (lambda _note: None, "pages: the note of the archived page is not a JSON object"),
]


@pytest.mark.parametrize(("change", "reason"), EDITED_NOTES)
def test_edited_note_is_reported_and_not_rebuilt(output, change, reason):
    edit_note(BATCH.file(output, "pages"), change)
    before = contents_of(output)
    assert list(verify(output, RANGE)) == [BATCH]
    assert verify(output, RANGE)[BATCH].startswith(reason)
    with pytest.raises(StoredDataBroken) as error:
        rebuild(output, RANGE)
    reason = reason.removesuffix(DIFFER)
    reason = reason.replace("raw: ", "pages: the note and the raw file differ in ")
    assert str(error.value).startswith(f"batch 21-40 in {output} is corrupted ({reason}")
    assert contents_of(output) == before


@pytest.mark.parametrize("table", ["raw", "close_approaches", "orbits"])
def test_verify_reports_unreadable_table_with_matching_checksum(output, table):
    BATCH.file(output, table).write_bytes(b"no table")
    record_checksums(output, table)
    assert re.fullmatch(rf"{table}: (?!None).*Parquet.*", verify(output, RANGE)[BATCH])


def test_long_note_round_trips():
    note = {"url": "x" * 5000, "source": "nasa"}
    assert note_of(pack(b"a page", note)) == note


@pytest.mark.parametrize("fault", [cut, swap, replace_by_another_programs, make_folder_of])
def test_rebuild_repairs_corrupted_raw_file(output, fault):
    before = contents_of(output)
    path = BATCH.file(output, "raw")
    fault(path)
    if path.is_dir():
        path.rmdir()
    rebuild(output, RANGE)
    assert contents_of(output).items() >= before.items()
    assert verify(output, RANGE) == {}


def test_copied_folder_is_not_a_batch(output):
    folder = BATCH.file(output, "pages").parent
    shutil.copytree(folder, folder.with_name(f"{folder.name}-copy"))
    assert rebuild(output, RANGE) == 3


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


def test_rebuild_restores_identical_tables(output):
    before = contents_of(output)
    for table in ("raw", "close_approaches", "orbits"):
        shutil.rmtree(output / table)
    assert rebuild(output, RANGE) == 3
    assert contents_of(output) == before


def test_rebuild_keeps_parquet_settings(tmp_path):
    plan = plan_fetch(1, 20, "sample", output_dir=str(tmp_path))
    fetch(plan, parquet_settings={"compression": "snappy", "use_dictionary": False})
    before = contents_of(tmp_path)
    assert rebuild(tmp_path, position_range(1, 20)) == 1
    assert contents_of(tmp_path) == before


def test_rebuild_is_limited_to_the_range(output):
    shutil.rmtree(output / "raw")
    assert rebuild(output, position_range(21, 40)) == 1
    assert [path.name for path in (output / "raw").iterdir()] == ["batch-number=21-40"]


@pytest.fixture
def with_rejected(tmp_path):
    """Return an output with one batch that has two rejected objects."""
    store(tmp_path, put(put(neos(), (4, "id"), 5), (9, "close_approach_data"), None))
    return tmp_path


def remove_line(path):
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def edit_rejected(path):
    path.write_bytes(path.read_bytes().replace(b"2031", b"2032"))


def nest_too_deep(path):
    path.write_bytes(b"[" * 100_000)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (remove_line, f"rejected: {CHECKSUM}"),
        (edit_rejected, f"rejected: {CHECKSUM}"),
        (Path.unlink, "rejected_21-40.jsonl is missing"),
        (make_folder_of, "rejected: Is a directory"),
    ],
)
def test_verify_finds_changed_rejected_file(with_rejected, fault, reason):
    assert verify(with_rejected, RANGE) == {}
    fault(BATCH.file(with_rejected, "rejected"))
    assert verify(with_rejected, RANGE) == {BATCH: reason}
    with pytest.raises(StoredDataBroken, match=r"\(rejected.*`make backfill START=21 END=40 .*`"):
        check_files(with_rejected, [BATCH])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (cut, ""),
        (lambda path: path.write_bytes(b"\xff"), "'utf-8' codec can't decode"),
        (nest_too_deep, "maximum recursion depth exceeded"),
        (make_folder_of, "Is a directory"),
        (lambda path: path.write_bytes(b"[1]"), "unexpected entries"),
    ],
)
def test_unreadable_rejected_file_is_reported_with_repair_command(with_rejected, fault, reason):
    fault(BATCH.file(with_rejected, "rejected"))
    remedy = rf"^batch 21-40 in .* \(rejected: {reason}.*`make backfill START=21 END=40 .*`"
    with pytest.raises(StoredDataBroken, match=remedy) as error:
        read_rejected(with_rejected, [BATCH])
    assert "\n" not in str(error.value)


def test_verify_finds_rejected_file_edited_with_its_checksum(with_rejected):
    path = BATCH.file(with_rejected, "rejected")
    edit_rejected(path)
    record_checksums(with_rejected, "rejected")
    check_files(with_rejected, [BATCH])
    assert verify(with_rejected, RANGE) == {BATCH: "rejected: the objects differ from the page's"}


def test_verify_ignores_wording_of_rejection_reasons(with_rejected):
    path = BATCH.file(with_rejected, "rejected")
    path.write_bytes(path.read_bytes().replace(b"Expected `", b'Wanted \\"`'))
    record_checksums(with_rejected, "rejected")
    assert b"Wanted" in path.read_bytes()
    assert verify(with_rejected, RANGE) == {}


def test_rebuild_adds_checksums_missing_in_older_note(with_rejected):
    before = contents_of(with_rejected)
    edit_note(BATCH.file(with_rejected, "pages"), lambda note: without(note, "rejected_sha256"))
    (reason,) = verify(with_rejected, RANGE).values()
    assert "the note of an older version has no rejected_sha256" in reason
    assert "`make rebuild`" in reason
    assert rebuild(with_rejected, RANGE) == 1
    assert contents_of(with_rejected).items() >= before.items()
    assert verify(with_rejected, RANGE) == {}


def test_rebuild_restores_identical_rejected_file(with_rejected):
    before = contents_of(with_rejected)
    cut(BATCH.file(with_rejected, "rejected"))
    rebuild(with_rejected, RANGE)
    assert contents_of(with_rejected).items() >= before.items()


def test_verify_ignores_a_batch_that_was_removed_meanwhile(output, monkeypatch):
    listed = batches_with("raw", output, RANGE)
    monkeypatch.setattr("neo_utils.store.verification.batches_with", lambda *_: listed)
    shutil.rmtree(BATCH.file(output, "raw").parent)
    assert verify(output, RANGE) == {}
