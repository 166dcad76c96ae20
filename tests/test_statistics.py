import datetime as dt
import importlib.metadata
import json
import re
import shutil

import pyarrow.parquet as pq
import pytest

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import connect, describe_engine, describe_tasks, one_line_failures
from neo_utils.errors import (
    JobFailed,
    StoredDataBroken,
    StoredDataChanged,
    StoredDataMissing,
    WrongParameter,
)
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.positions import Batch
from neo_utils.sample.catalogue import AS_OF, page_body
from neo_utils.statistics.computation import (
    read_batches,
    read_segments,
    statistic,
    totals,
)
from neo_utils.statistics.definitions import sql_text
from neo_utils.statistics.results import read_result
from neo_utils.statistics.saving import compute
from neo_utils.store.batches import write_batch
from neo_utils.store.page_archive import sha256
from neo_utils.store.page_tables import decode_page
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import METRICS, YEARLY_STATISTICS
from tests.oracle import metrics_of, yearly_of


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Return a selection of ten stored batches and their pages."""
    output = str(tmp_path_factory.mktemp("sample"))
    fetch(plan_fetch(1, 200, "sample", output_dir=output))
    return select(1, 200, "sample", output), [page_body(n, 20, "k") for n in range(10)]


def store(output, first, objects, fetched_at, source="sample", total=10_000):
    """Store a batch of these objects, padded to 20 with other NEOs, and return its page."""
    others = [{"id": f"{first}-{n}", "close_approach_data": []} for n in range(20 - len(objects))]
    page = {"number": (first - 1) // 20, "size": 20, "total_elements": total}
    body = json.dumps({"page": page, "near_earth_objects": objects + others}).encode()
    batch = Batch(first)
    provenance = Provenance(source, "https://x/browse", fetched_at, sha256(body), total)
    write_batch(output, batch, decode_page(body, batch), body, provenance)
    return body


def neo(neo_id, *approaches):
    """Return an object with approaches given as (date, body, AU)."""
    return {
        "id": neo_id,
        "close_approach_data": [
            {
                "close_approach_date": date,
                "orbiting_body": body,
                "miss_distance": {"astronomical": str(au), "kilometers": str(au * 149597870.7)},
                "relative_velocity": {"kilometers_per_second": "10"},
            }
            for date, body, au in approaches
        ],
    }


@pytest.fixture(scope="module")
def duck(tmp_path_factory):
    engine = connect("duckdb", {}, tmp_path_factory.mktemp("none") / "spark.log")
    yield engine
    engine.stop()


@pytest.fixture(params=["spark", "duck"])
def engine(request):
    return request.getfixturevalue(request.param)


def rows(frame):
    return [tuple(row) for row in frame.collect()]


def counted(engine, selection, threshold=0.2):
    newest, close_approaches = read_batches(engine, selection)
    return (
        dict(rows(statistic("metrics", newest, close_approaches, threshold))),
        rows(statistic("yearly_statistics", newest, close_approaches, threshold)),
    )


def save_tables(engine, selection):
    """Save both tables and return their rows."""
    compute(engine, selection, 0.2)
    files = selection.result_files(0.2)
    return [read_result(name, files).to_pylist() for name in ("metrics", "yearly_statistics")]


@pytest.mark.parametrize("threshold", [0.2, 0.05, 1e-05, 1000])
def test_metrics_and_years_equal_plain_python(engine, sample, threshold):
    selection, pages = sample
    totals, yearly = counted(engine, selection, threshold)
    assert totals == metrics_of(pages, str(threshold))
    assert yearly == yearly_of(pages, str(threshold), f"{AS_OF:%Y-%m-%d}")


def test_spark_duckdb_and_plain_python_agree_on_all_bodies(spark, duck, tmp_path):
    # Every body, a NEO that moved to another batch, approaches without a time of day as in old
    # pages (from `neo`), and a page of the sample, whose approaches have a time.
    bodies = ("Earth", "Venus", "Mars", "Merc", "Juptr", "Moon", "Ceres")
    objects = [
        [neo("A", *(("1999-12-31", body, 0.1 * n) for n, body in enumerate(bodies, 1)))],
        [neo("A", *(("2026-03-02", body, 0.05 * n) for n, body in enumerate(bodies, 1)))],
        json.loads(page_body(3, 20, "k"))["near_earth_objects"],
    ]
    pages = [
        store(tmp_path, first, some, AS_OF.replace(hour=hour))
        for hour, (first, some) in enumerate(zip((21, 1, 41), objects, strict=True))
    ]
    selection = select(1, 60, "sample", tmp_path)
    times = pq.read_table(Batch(1).file(tmp_path, "close_approaches"), partitioning=None)
    assert times["close_approach_time"].null_count == len(bodies)
    by_spark, by_duck = (save_tables(engine, selection) for engine in (spark, duck))
    assert by_spark == by_duck
    metrics_rows, yearly_rows = ([tuple(row.values()) for row in table] for table in by_duck)
    assert dict(metrics_rows) == metrics_of(pages, "0.2")
    assert yearly_rows == yearly_of(pages, "0.2", f"{AS_OF:%Y-%m-%d}")


def test_boundaries_of_year_threshold_fetch_day_and_nearest(engine, tmp_path):
    fetched = dt.datetime(2026, 3, 1, 23, 59, tzinfo=dt.UTC)
    store(
        tmp_path,
        1,
        [
            neo("D", ("1900-01-01", "Moon", 0.001)),
            neo("A", ("2025-12-31", "Earth", 0.2), ("2026-01-01", "Earth", 0.1999999999)),
            neo("B", ("2026-03-01", "Earth", 0.3), ("2026-03-02", "Earth", 0.05)),
            neo("C", ("1900-01-01", "Moon", 0.001), ("2200-12-31", "Earth", 0.19)),
        ],
        fetched,
    )
    totals, yearly = counted(engine, select(1, 20, "sample", tmp_path))
    assert [row[:8] for row in yearly] == [
        # year, body, approaches, under 0.2, predicted, neos, nearest, by
        (1900, "Moon", 2, 2, 0, 2, 0.001, "C"),  # of two NEOs, the smaller id
        (2025, "Earth", 1, 0, 0, 1, 0.2, "A"),
        (2026, "Earth", 3, 2, 1, 2, 0.05, "B"),
        (2200, "Earth", 1, 1, 1, 1, 0.19, "C"),
    ]
    assert totals["total_close_approaches_under_0.2_au"] == 5
    assert totals["total_neos_under_0.2_au"] == 4
    assert totals["close_approaches_in_2026"] == 3


@pytest.mark.parametrize(
    ("name", "sibling"), [("data [2026]", "data 2"), ("q?", "q1"), ("w*", "wz"), ("{a,b}", "a")]
)
def test_folder_names_are_not_glob_patterns(engine, tmp_path, name, sibling):
    for folder, neos in ((name, 1), (sibling, 2)):
        passing = [neo(f"{n}", ("2030-01-01", "Earth", 0.1)) for n in range(neos)]
        store(tmp_path / folder, 1, passing, AS_OF)
        read_batches(DuckDBSession(), select(1, 20, "sample", tmp_path / folder))  # builds segments
    _, close_approaches = read_batches(engine, select(1, 20, "sample", tmp_path / name))
    assert close_approaches.toArrow()["neo_id"].to_pylist() == ["0"]


def test_neos_without_approaches_count_only_as_neos(engine, tmp_path):
    store(tmp_path, 1, [], AS_OF)
    totals, yearly = counted(engine, select(1, 20, "sample", tmp_path))
    assert (totals.pop("total_neos"), set(totals.values())) == (20, {0})
    assert yearly == []


def test_saved_tables_record_their_definition_and_are_reproducible(engine, sample):
    selection, _ = sample
    results = compute(engine, selection, 0.2)
    path = selection.output / "aggregations/batches-1-200/part-0.parquet"
    assert selection.result_files(0.2).table("metrics") == path
    saved = pq.read_table(path)
    assert saved.schema.equals(METRICS)
    assert saved.schema.metadata[b"source"] == b"simulated sample, not NASA data"
    assert saved.schema.metadata[b"threshold_au"] == b"0.2"
    assert sql_text("metrics", 0.2).encode() in saved.schema.metadata[b"definition"]
    yearly = read_result("yearly_statistics", selection.result_files(0.2))
    assert yearly.schema.equals(YEARLY_STATISTICS)
    assert yearly.to_pandas().equals(results["yearly_statistics"])
    assert saved.to_pandas().equals(results["metrics"])
    path = selection.result_files(0.2).table("yearly_statistics")
    before = path.read_bytes()
    compute(engine, selection, 0.2)
    assert path.read_bytes() == before


def test_ignores_batches_outside_the_range(engine, sample):
    selection, pages = sample
    part = select(21, 60, "sample", selection.output)
    assert counted(engine, part)[0] == metrics_of(pages[1:3], "0.2")


def test_a_gap_is_reported_with_the_fetch_command(tmp_path):
    store(tmp_path, 1, [], AS_OF)
    store(tmp_path, 41, [], AS_OF)
    with pytest.raises(StoredDataMissing, match=r"21-40.*make fetch START=1 END=60 SOURCE=sample"):
        select(1, 60, "sample", tmp_path)


def test_a_batch_of_another_source_counts_as_missing(tmp_path):
    store(tmp_path, 1, [], AS_OF)
    store(tmp_path, 21, [], AS_OF, source="nasa")
    with pytest.raises(StoredDataMissing, match="1-20"):
        select(1, 40, "nasa", tmp_path)
    assert select(21, 40, "auto", tmp_path).label == "NeoWs at x"


def test_range_all_ends_at_the_last_batch(engine, tmp_path):
    store(tmp_path, 1, [], AS_OF, total=20)
    selection = select(1, "all", "sample", tmp_path)
    assert counted(engine, selection)[0]["total_neos"] == 20
    assert selection.positions.name == "batches-1-all"


def test_duckdb_description_lists_ignored_spark_settings(duck, tmp_path):
    version = re.escape(importlib.metadata.version("duckdb"))
    assert re.fullmatch(f"DuckDB {version} in this process", describe_engine(duck))
    other = connect("duckdb", {"spark.driver.memory": "3g"}, tmp_path / "spark.log")
    assert describe_engine(other).endswith(
        "; ignored, because spark_conf applies only to Spark: spark.driver.memory"
    )
    assert describe_tasks(other) == "all work ran in this process"
    with pytest.raises(WrongParameter, match="is not a mapping"):
        connect("duckdb", ["spark.driver.memory"], tmp_path / "spark.log")
    assert list(tmp_path.iterdir()) == []


def test_failed_duckdb_query_gives_one_line(duck):
    frame = duck.sql("SELECT 'a' AS metric, CAST('no number' AS BIGINT) AS value")
    with (
        pytest.raises(
            JobFailed, match="DuckDB query failed: .*no number.*Stored data is unchanged"
        ) as failure,
        one_line_failures(),
    ):
        frame.toArrow()
    assert len(str(failure.value).splitlines()) == 1


def test_unreadable_batch_is_reported_with_the_repair_command(duck, tmp_path):
    store(tmp_path, 1, [], AS_OF)
    selection = select(1, 20, "sample", tmp_path)
    Batch(1).file(tmp_path, "close_approaches").write_bytes(b"no Parquet")
    with pytest.raises(
        StoredDataBroken, match="close_approaches.*`make backfill START=1 END=20 .*`"
    ):
        read_batches(duck, selection)


def test_counts_the_current_content_of_a_replaced_batch(engine, tmp_path):
    for date in ("1999-01-01", "2001-01-01"):
        store(tmp_path, 1, [neo("A", (date, "Earth", 0.1))], AS_OF)
        totals, _ = counted(engine, select(1, 20, "sample", tmp_path))
        assert f"close_approaches_in_{date[:4]}" in totals
        assert totals["total_close_approaches"] == 1


def test_results_of_batches_that_change_meanwhile_are_not_saved(engine, tmp_path, monkeypatch):
    store(tmp_path, 1, [neo("A", ("2001-01-01", "Earth", 0.1))], AS_OF, total=20)
    before = select(1, "all", "sample", tmp_path)

    def read_and_replace(*arguments):
        frames = read_segments(*arguments)  # the engine has not counted the rows yet
        store(tmp_path, 1, [neo("A", ("2001-01-01", "Earth", 0.1))], AS_OF, total=40)
        store(tmp_path, 21, [neo("B", ("2001-01-01", "Earth", 0.1))], AS_OF, total=40)
        read_batches(DuckDBSession(), select(1, "all", "sample", tmp_path))  # builds the segment
        return frames

    monkeypatch.setattr("neo_utils.statistics.saving.read_segments", read_and_replace)
    with pytest.raises(StoredDataChanged, match="batch 1-20 was fetched again") as failure:
        compute(engine, before, 0.2)
    assert len(str(failure.value).splitlines()) == 1
    assert not before.result_files(0.2).table("metrics").exists()
    monkeypatch.undo()
    after = compute(engine, select(1, "all", "sample", tmp_path), 0.2)
    assert dict(after["metrics"].to_numpy())["total_neos"] == 40


@pytest.mark.parametrize("moment", ["before it is read", "after it was read"])
def test_results_of_a_segment_that_is_built_again_are_not_saved(
    engine, tmp_path, monkeypatch, moment
):
    store(tmp_path, 1, [neo("A", ("2001-01-01", "Earth", 0.1))], AS_OF, total=20)
    selection = select(1, "all", "sample", tmp_path)

    def read_and_replace(*arguments):
        frames = read_segments(*arguments) if moment == "after it was read" else None
        shutil.rmtree(tmp_path / "segments")
        read_batches(DuckDBSession(), selection)
        return frames or read_segments(*arguments)

    monkeypatch.setattr("neo_utils.statistics.saving.read_segments", read_and_replace)
    with pytest.raises(StoredDataChanged, match="a segment was built again") as failure:
        compute(engine, selection, 0.2)
    assert len(str(failure.value).splitlines()) == 1
    assert not selection.result_files(0.2).table("metrics").exists()


def test_totals_of_another_threshold_are_refused(duck, sample):
    counts = compute(duck, sample[0], 0.2)["metrics"]
    assert len(totals(counts, 0.2)) == 7
    with pytest.raises(WrongParameter, match=r"THRESHOLD_AU=0\.05 is not the threshold of these"):
        totals(counts, 0.05)
