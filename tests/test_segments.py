"""Segments have the rows of the batches, and are built again where batches changed."""

import datetime as dt
import errno
import json
import subprocess
import sys
from collections import defaultdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import StoredDataBroken, StoredDataChanged
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.positions import Batch, PositionRange
from neo_utils.run.terminal import status_text
from neo_utils.run.upkeep import verify_text
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from neo_utils.statistics.computation import read_batches, statistic
from neo_utils.statistics.saving import compute
from neo_utils.store.batches import read_table, stored_provenances, write_batch
from neo_utils.store.page_archive import sha256
from neo_utils.store.page_tables import decode_page
from neo_utils.store.provenance import Provenance
from neo_utils.store.segment_building import build_outdated, differing_segments
from neo_utils.store.segments import (
    SEGMENT_SCHEMAS,
    Segment,
    listed_provenances,
    listed_states,
    outdated_batches,
)
from tests.objects import neos, page, put

END = 2_040  # one segment, and two batches of the next
EVERYTHING = PositionRange(1, None)
IN_SEGMENTS = {"raw": "neos", "orbits": "neos", "close_approaches": "close_approaches"}


def files_of(output, first=1):
    return [Segment(first).file(output, table) for table in SEGMENT_SCHEMAS]


def times(files):
    return [path.stat().st_mtime_ns for path in files]


def total(output, start=1, end=END):
    """Return the number of approaches that DuckDB counts."""
    selection = select(start, end, "sample", str(output))
    counts = statistic("metrics", *read_batches(DuckDBSession(), selection), 0.2).collect()
    return dict(counts)["total_close_approaches"]


def backfill(output, start, end):
    fetch(plan_fetch(start, end, "sample", output_dir=str(output), refetch=True))


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def edit_rows(path):
    """Remove a row, and keep the metadata."""
    with pq.ParquetFile(path) as file:
        rows, listed = file.read(), file.metadata.metadata[b"batches"]
    with pq.ParquetWriter(path, rows.schema) as writer:
        writer.write_table(rows.slice(1))
        writer.add_key_value_metadata({"batches": listed})


def test_segments_have_the_rows_of_the_batches_in_order_of_position(pristine):
    for stored_as, table in IN_SEGMENTS.items():
        files = [Segment(first).file(pristine, table) for first in (1, 2_001)]
        parts = [pq.ParquetFile(path).read() for path in files]
        batches = list(stored_provenances(pristine, EVERYTHING))
        stored = read_table(pristine, batches, stored_as)
        rows = pa.concat_tables(parts)
        if stored_as == "orbits":  # a segment has the id once
            rows = rows.append_column("neo_id", rows["id"])
        assert rows.select(stored.column_names).to_pylist() == stored.to_pylist()
        positions = [part["position"].to_pylist() for part in parts]
        if table == "neos":  # others need not have approaches
            assert [(one[0], one[-1]) for one in positions] == [(1, 2_000), (2_001, END)]
        assert all(one == sorted(one) for one in positions)
        assert set(parts[0]["fetched_at"].to_pylist()) == {dt.datetime(2026, 3, 1)}


def test_segments_record_the_listing_limit_of_each_neo(pristine):
    neos = pq.ParquetFile(Segment(1).file(pristine, "neos")).read()
    approaches = read_table(
        pristine, list(stored_provenances(pristine, EVERYTHING)), "close_approaches"
    )
    farthest = defaultdict(float)
    for one in approaches.to_pylist():
        if one["orbiting_body"] == "Earth":
            farthest[one["neo_id"]] = max(farthest[one["neo_id"]], one["miss_distance_au"])
    found = neos.select(["id", "orbit_determination_date", "listed_to_au"]).to_pylist()
    for neo_id, time, listed_to_au in map(dict.values, found):
        is_wide = time.date() <= dt.date(2024, 11, 4) or farthest[neo_id] >= 0.2
        assert listed_to_au == (0.5 if is_wide else 0.2)
    assert {one["listed_to_au"] for one in found} == {0.2, 0.5}


def without_listed_to_au(rows):
    return rows.drop_columns("listed_to_au")


def with_fetch_times_as_utc(rows):
    place = rows.schema.get_field_index("fetched_at")
    times = rows["fetched_at"].cast(pa.timestamp("us", "UTC"))
    return rows.set_column(place, pa.field("fetched_at", times.type, nullable=False), times)


@pytest.mark.parametrize("older", [without_listed_to_au, with_fetch_times_as_utc])
def test_segments_of_an_older_version_are_built_again(output, older):
    before = total(output)
    path = Segment(1).file(output, "neos")
    with pq.ParquetFile(path) as file:
        rows, listed = file.read(), file.metadata.metadata[b"batches"]
    with pq.ParquetWriter(path, older(rows).schema) as writer:
        writer.write_table(older(rows))
        writer.add_key_value_metadata({"batches": listed})
    assert listed_states(path) == {}
    assert total(output) == before
    assert pq.read_schema(path).equals(rows.schema)


def test_rejected_objects_keep_their_position(tmp_path):
    body = page(put(neos(), (3, "id"), 5))
    time = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
    provenance = Provenance("sample", "https://x/browse", time, sha256(body), 41_000)
    write_batch(tmp_path, Batch(1), decode_page(body, Batch(1)), body, provenance)
    assert build_outdated(tmp_path, stored_provenances(tmp_path, EVERYTHING)) == []
    for path in files_of(tmp_path):
        rows = pq.ParquetFile(path).read()
        assert rows["position"].to_pylist() == [1, 2, 3, *range(5, 21)]
        assert set(rows["fetched_at"].to_pylist()) == {time.replace(tzinfo=None)}


def test_a_segment_may_have_gaps_and_batches_of_different_sources(tmp_path):
    for first, source, objects in ((1, "sample", 20), (61, "nasa", 3)):
        body = page(neos(objects), first // 20, total=63)
        time = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
        provenance = Provenance(source, "https://x/browse", time, sha256(body), 63)
        batch = Batch(first)
        write_batch(tmp_path, batch, decode_page(body, batch), body, provenance)
    for start, end, source, objects in ((1, 20, "sample", 20), (61, "all", "nasa", 3)):
        newest, approaches = read_batches(
            DuckDBSession(), select(start, end, source, str(tmp_path))
        )
        counted = newest.sparkSession.sql("SELECT min(position), count(*) FROM newest").collect()
        assert counted == [(start, objects)]
        assert len(approaches.collect()) == objects
    assert sorted(listed_states(Segment(1).file(tmp_path, "neos"))) == ["1-20", "61-80"]


def test_a_file_system_without_locks_does_not_stop_a_count(output, monkeypatch):
    def flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    before = total(output)
    for path in files_of(output):
        path.unlink()
    monkeypatch.setattr("fcntl.flock", flock)
    assert total(output) == before


def test_only_the_segment_of_a_changed_batch_is_built_again(output):
    others, changed = files_of(output), files_of(output, 2_001)
    before = times(others), times(changed)
    assert total(output) == total(output, 1, 2_000) + total(output, 2_001, END)
    assert (times(others), times(changed)) == before
    backfill(output, 2_021, 2_040)
    assert times(others) == before[0]
    assert all(new > old for new, old in zip(times(changed), before[1], strict=True))


def test_a_count_builds_what_a_killed_fetch_left_out(output, monkeypatch):
    before = total(output)
    monkeypatch.setattr("neo_utils.fetch.fetching.build_outdated", lambda *_: [])
    backfill(output, 21, 40)
    assert outdated_batches(output, stored_provenances(output, EVERYTHING)) == [Batch(21)]
    assert total(output) == before
    assert outdated_batches(output, stored_provenances(output, EVERYTHING)) == []


@pytest.mark.parametrize(
    "damage", [cut, lambda path: path.unlink(), lambda path: path.write_text("")]
)
def test_missing_or_damaged_segments_are_built_again(output, damage):
    before = total(output)
    for path in files_of(output):
        damage(path)
        assert total(output) == before


def test_a_corrupted_batch_matters_only_to_ranges_that_contain_it(output):
    before = total(output, 21, 40)
    cut(Batch(41).file(output, "close_approaches"))
    for path in files_of(output):
        path.unlink()
    with pytest.raises(
        StoredDataBroken, match="^batch 41-60 .* is corrupted .* Run `make backfill"
    ):
        total(output)
    assert total(output, 21, 40) == before
    backfill(output, 41, 60)
    assert total(output) > before


def test_a_batch_that_differs_from_the_selection_is_reported(output):
    selection, batch = select(1, END, "sample", str(output)), Batch(41)
    newer = selection.provenances[batch]._replace(page_sha256="0" * 64)
    changed = selection._replace(provenances=selection.provenances | {batch: newer})
    with pytest.raises(StoredDataChanged, match="batch 41-60 was fetched again while it was read"):
        read_batches(DuckDBSession(), changed)


def test_verify_finds_an_edited_segment(output):
    settings = parse_settings({"start": 1, "end": END, "output_dir": str(output)})
    assert "102 batches" in verify_text(settings)
    path = Segment(1).file(output, "close_approaches")
    edit_rows(path)
    assert differing_segments(output, [Batch(1), Batch(2_001)]) == [path]
    with pytest.raises(StoredDataBroken, match="positions=1-2000.parquet differs .* Remove it"):
        verify_text(settings)
    path.unlink()
    assert "all intact" in verify_text(settings)


def test_status_shows_how_many_segments_are_current(output):
    settings = parse_settings({"output_dir": str(output)})
    assert "\nsegments  2 of 2 current\n" in status_text(settings)
    files_of(output)[0].unlink()
    assert "\nsegments  1 of 2 current; the next count builds" in status_text(settings)


def test_provenance_in_a_segment_counts_only_while_the_batch_is_unchanged(output):
    stored = stored_provenances(output, EVERYTHING)
    assert listed_provenances(output, stored) == stored
    raw = Batch(21).file(output, "raw")
    raw.write_bytes(raw.read_bytes())  # at another time
    assert listed_provenances(output, stored).keys() == stored.keys() - {Batch(21)}
    assert stored_provenances(output, EVERYTHING) == stored


BUILDER = """
import sys
from pathlib import Path
from neo_utils.positions import PositionRange
from neo_utils.store.batches import stored_provenances
from neo_utils.store.segment_building import build_outdated
output = Path(sys.argv[1])
sys.stdin.readline()
print(build_outdated(output, stored_provenances(output, PositionRange(1, None))))
"""


def test_concurrent_builders_and_readers_agree(output):
    before = total(output)
    for path in files_of(output):
        path.unlink()
    command = [sys.executable, "-c", BUILDER, output]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": PROJECT}
    builders = [subprocess.Popen(command, **pipes) for _ in range(4)]  # noqa: S603 - our code
    for builder in builders:  # all are ready or about to be
        builder.stdin.write("\n")
        builder.stdin.flush()
    while any(builder.poll() is None for builder in builders):
        assert total(output) == before
    assert [builder.communicate()[0] for builder in builders] == ["[]\n"] * 4
    assert differing_segments(output, [Batch(1)]) == []


def scan_metrics(frame):
    """Return the metrics of the scan of a frame, which reads one table, after it has run."""
    frame.collect()
    (scan,) = _items(frame._jdf.queryExecution().executedPlan().collectLeaves())
    return {name: scan.metrics().apply(name).value() for name in ("numFiles", "numOutputRows")}


def _items(java_sequence):
    return [java_sequence.apply(place) for place in range(java_sequence.size())]


def test_spark_opens_one_file_per_table_and_skips_the_other_row_groups(spark, pristine):
    read_batches(spark, select(21, 40, "sample", str(pristine)))
    for table in SEGMENT_SCHEMAS:
        metadata = pq.read_metadata(Segment(1).file(pristine, table))
        first = metadata.row_group(0).num_rows
        assert first < metadata.num_rows / 3
        read = scan_metrics(spark.table(f"stored_{table}").select("fetched_at"))
        assert read == {"numFiles": 1, "numOutputRows": first}


def bytes_read(output, end):
    """Return how many bytes DuckDB reads to add the distances of positions 21 to ``end``."""
    duck = DuckDBSession()
    read_batches(duck, select(21, end, "sample", str(output)))
    query = "SELECT sum(miss_distance_au) FROM stored_close_approaches"
    ((_, plan),) = duck.sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}").collect()
    return json.loads(plan)["io"]["total_bytes_read"]


def test_duckdb_skips_the_other_row_groups(pristine):
    assert 0 < bytes_read(pristine, 40) < bytes_read(pristine, 2_000) / 2


def test_computes_the_selection_whatever_its_session_read_before(pristine):
    duck = DuckDBSession()
    whole, part = (select(1, end, "sample", str(pristine)) for end in (40, 20))
    neos, _ = read_batches(duck, part)
    statistic("metrics", neos, duck.sql("FROM close_approaches WHERE year > 2000"), 0.2).collect()
    expected = statistic("metrics", *read_batches(DuckDBSession(), whole), 0.2).toPandas()
    assert compute(duck, whole, 0.2)["metrics"].equals(expected)


@pytest.mark.parametrize("name", ["spark", "duck"])
def test_counts_of_filtered_rows_and_then_of_all_rows(request, pristine, name):
    session = DuckDBSession() if name == "duck" else request.getfixturevalue(name)
    selection = select(1, 20, "sample", str(pristine))
    newest, approaches = read_batches(session, selection)

    def count(rows):
        return dict(map(tuple, statistic("metrics", newest, rows, 0.2).collect()))[
            "total_close_approaches"
        ]

    listed = read_table(pristine, [Batch(1)], "close_approaches")["close_approach_date"].to_pylist()
    late = session.sql("SELECT * FROM close_approaches WHERE year > 2000")
    assert count(late) == sum(date.year > 2000 for date in listed) < len(listed)
    assert count(approaches) == len(listed)


def test_damaged_rows_of_a_segment_do_not_stop_status(output):
    path = Segment(1).file(output, "neos")
    content = bytearray(path.read_bytes())
    content[4:2_000] = bytes(1_996)
    path.write_bytes(content)
    assert "102 batches" in status_text(parse_settings({"output_dir": str(output)}))


@pytest.mark.parametrize(
    "text", ["{", "[1]", '{"1-20": "x"}', '{"1-20": {}}', "[" * 100_000, '{"1-20": {"url": 1}}']
)
def test_segments_with_unusable_metadata_are_built_again(output, text):
    before = total(output)
    for path in files_of(output):
        rows = pq.ParquetFile(path).read()
        with pq.ParquetWriter(path, rows.schema) as writer:
            writer.write_table(rows)
            writer.add_key_value_metadata({"batches": text})
    assert "segments  1 of 2 current" in status_text(parse_settings({"output_dir": str(output)}))
    assert total(output) == before
