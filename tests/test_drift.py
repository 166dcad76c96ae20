import datetime as dt

import pyarrow.parquet as pq
import pytest

from neo_utils.compare.drift import compare_approaches, compare_metrics, compare_neos, drift_text
from neo_utils.compare.newest import newest_approaches, newest_neos
from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.interface import select
from neo_utils.positions import Batch, position_range
from neo_utils.run.comparisons import drift_between
from neo_utils.run.terminal import status_text
from neo_utils.settings.run_settings import parse_settings
from neo_utils.statistics.saving import compute
from neo_utils.store.batches import stored_provenances
from neo_utils.store.consistency import drift_notes
from tests.test_statistics import neo, store

MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def notes_of(output):
    return drift_notes(output, stored_provenances(output, position_range(1, "all")))


GREW = "the listing had 41,000 to 41,003 NEOs while it was fetched"
TOOK_LONG = (
    "the batches were fetched from 2026-03-01 00:00 to 2026-03-02 01:00 UTC, more than 24 hours "
    "apart"
)


@pytest.mark.parametrize(
    ("hours", "total", "notes"),
    [(23, 41_000, []), (23, 41_003, [GREW]), (25, 41_000, [TOOK_LONG])],
)
def test_reports_signs_that_the_listing_changed(tmp_path, hours, total, notes):
    assert drift_notes(tmp_path, {}) == []
    store(tmp_path, 1, [], MARCH, total=41_000)
    store(tmp_path, 21, [], MARCH + hours * HOUR, total=total)
    assert notes_of(tmp_path) == notes


def test_reports_a_neo_in_two_batches(tmp_path):
    store(tmp_path, 1, [neo("A")], MARCH)
    store(tmp_path, 21, [neo("A")], MARCH)
    (note,) = notes_of(tmp_path)
    assert note.startswith("NEOs in two batches, each counted once: 1 (A);")


@pytest.fixture
def outputs(tmp_path):
    """Return selections of 1 January and of 1 March, with many changes between them."""
    earth, venus = "Earth", "Venus"
    before = [
        neo("stays", ("2030-01-01", earth, 0.1), ("2040-01-01", earth, 0.15)),
        neo("moves", ("2030-01-01", earth, 0.1), ("2031-01-01", venus, 0.05)),
        neo("leaves", ("2030-06-01", earth, 0.01)),
    ]
    after = [
        neo("stays", ("2030-01-02", earth, 0.10009), ("2041-01-01", earth, 0.15)),
        neo("moves", ("2030-01-01", earth, 0.1002), ("2031-01-01", earth, 0.05)),
        neo("comes", ("2030-06-01", earth, 0.01)),
    ]
    store(tmp_path / "old", 1, before, MARCH - 59 * 24 * HOUR)
    store(tmp_path / "new", 1, after, MARCH)
    return tuple(select(1, 20, "sample", tmp_path / name) for name in ("old", "new"))


def test_lists_added_and_removed_neos(outputs):
    changes = compare_neos(*map(newest_neos, outputs))
    assert dict(zip(changes["id"], changes["change"], strict=True)) == {
        "comes": "in",
        "leaves": "out",
    }


def test_distinguishes_added_removed_and_moved_approaches(outputs):
    changes = compare_approaches(*outputs)
    assert [
        (row.neo_id, row.orbiting_body, f"{row.close_approach_date:%Y}", row.change)
        for row in changes.itertuples()
    ] == [
        # One day and 0.00009 AU apart: the same passage at the same distance.
        ("moves", "Earth", "2030", "moved"),
        ("moves", "Earth", "2031", "added"),
        ("moves", "Venus", "2031", "removed"),
        ("stays", "Earth", "2040", "removed"),
        ("stays", "Earth", "2041", "added"),
    ]
    moved = changes[changes["change"] == "moved"].iloc[0]
    assert (moved["miss_distance_au_before"], moved["miss_distance_au_after"]) == (0.1, 0.1002)


def test_equal_outputs_have_no_changes(outputs):
    before, _ = outputs
    assert compare_neos(newest_neos(before), newest_neos(before)).empty
    assert compare_approaches(before, before).empty
    assert "0 added, 0 removed, 0 moved by more than 0.0001 AU" in drift_text(before, before, 0.2)


def test_summary_counts_the_changes(outputs):
    text = drift_text(*outputs, 0.2)
    assert "NEOs        1 in, 1 out" in text
    assert "approaches  2 added, 2 removed, 1 moved by more than 0.0001 AU" in text


def test_compares_a_duplicate_neo_from_its_newer_batch(tmp_path):
    # The newer batch may come before or after the older one.
    for name, first, second in (("old", MARCH, MARCH + HOUR), ("new", MARCH + HOUR, MARCH)):
        in_first = neo("A", ("2030-01-01", "Earth", 0.1), ("2040-01-01", "Earth", 0.3))
        in_second = neo("A", ("2030-01-01", "Earth", 0.2), ("2050-01-01", "Earth", 0.3))
        store(tmp_path / name, 1, [in_first | {"name": "first"}], first)
        store(tmp_path / name, 21, [in_second | {"name": "second"}], second)
    before, after = (select(1, 40, "sample", tmp_path / name) for name in ("old", "new"))
    changes = compare_approaches(before, after)
    assert [(f"{row.close_approach_date:%Y}", row.change) for row in changes.itertuples()] == [
        ("2030", "moved"),
        ("2040", "added"),
        ("2050", "removed"),
    ]
    distances = changes[["miss_distance_au_before", "miss_distance_au_after"]]
    assert distances.iloc[0].tolist() == [0.2, 0.1]
    assert compare_approaches(before, before).empty


def test_compares_a_neo_that_lost_or_gained_all_approaches(tmp_path):
    far, none = neo("far", ("2030-01-01", "Earth", 0.4)), neo("far")
    other = neo("other", ("2031-01-01", "Earth", 0.1))
    store(tmp_path / "old", 1, [far, other], MARCH)
    store(tmp_path / "new", 1, [none, other], MARCH + HOUR)
    old, new = (select(1, 20, "sample", tmp_path / name) for name in ("old", "new"))
    for before, after, change in ((old, new, "removed"), (new, old, "added")):
        changes = compare_approaches(before, after)
        assert changes[["neo_id", "change"]].to_numpy().tolist() == [["far", change]]


def test_same_day_passages_of_one_body_stay_separate(tmp_path):
    moon = neo("A", ("2030-01-01", "Moon", 0.002), ("2030-01-01", "Moon", 0.004))
    for hour, passage in zip((4, 20), moon["close_approach_data"], strict=True):
        passage["close_approach_date_full"] = f"2030-Jan-01 {hour:02}:00"
        time = dt.datetime(2030, 1, 1, hour, tzinfo=dt.UTC)
        passage["epoch_date_close_approach"] = int(time.timestamp() * 1_000)
    store(tmp_path, 1, [moon], MARCH)
    found = newest_approaches(select(1, 20, "sample", tmp_path))
    assert found["miss_distance_au"].tolist() == [0.002, 0.004]


def save_metrics(selection, threshold=0.2):
    """Save both statistics with DuckDB, which starts faster than Spark and counts the same."""
    engine = DuckDBSession()
    compute(engine, selection, threshold)
    engine.stop()


def metrics_line(before, after, threshold=0.2):
    line = drift_text(before, after, threshold).splitlines()[-1]
    assert line.startswith("metrics     not compared: ")
    with pytest.raises(StoredDataMissing):
        compare_metrics(before, after, threshold)
    return line


def test_compares_metrics_if_both_outputs_have_them(outputs):
    before, after = outputs
    missing = "the metrics of {} with threshold 0.1 AU are missing or outdated. Run `make aggregate"
    assert missing.format(before.output) in metrics_line(before, after, 0.1)
    save_metrics(before, 0.1)
    assert metrics_line(before, after, 0.1).endswith(
        f"{missing.format(after.output)} START=1 END=20 OUTPUT_DIR={after.output} THRESHOLD_AU=0.1`"
    )
    save_metrics(after, 0.1)
    changed = compare_metrics(before, after, 0.1)
    # 0.1 is not under 0.1; "leaves" and "moves" to Venus were, "comes" and "moves" to Earth are.
    assert changed.loc["total_close_approaches_under_0.1_au_earth"].tolist() == [1, 2]
    assert changed.loc["close_approaches_in_2041"].tolist() == [0, 1]
    assert "total_neos" not in changed.index
    text = drift_text(before, after, 0.1)
    assert "total_close_approaches_under_0.1_au_earth  1 -> 2" in text
    # 2040 has one approach less and 2041 one more; the other years are unchanged.
    assert "totals changed, and the approaches in 2 years" in text
    assert "0 totals changed, and the approaches in 0 years" in drift_text(after, after, 0.1)


def test_does_not_compare_different_thresholds(outputs):
    before, after = outputs
    save_metrics(before)
    save_metrics(after, 0.05)
    assert metrics_line(before, after, 0.05).endswith(
        f"the metrics of {before.output} with threshold 0.05 AU are missing or outdated. Run `make "
        f"aggregate START=1 END=20 OUTPUT_DIR={before.output} THRESHOLD_AU=0.05`"
    )


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("fault", ["outdated", "truncated"])
def test_does_not_compare_outdated_or_corrupted_metrics(outputs, which, fault):
    for selection in outputs:
        save_metrics(selection)
    output = outputs[which].output
    if fault == "outdated":
        store(output, 1, [neo("another")], MARCH + HOUR)
    else:
        path = outputs[which].result_files(0.2).table("metrics")
        path.write_bytes(path.read_bytes()[:-9])
    changed = [select(1, 20, "sample", selection.output) for selection in outputs]
    assert f"the metrics of {output} with threshold 0.2 AU are missing or outdated" in metrics_line(
        *changed
    )


def test_status_marks_outdated_results(outputs):
    settings = parse_settings({"output_dir": str(outputs[0].output)})
    assert "results   none yet\n" in status_text(settings)
    save_metrics(outputs[0])
    assert "results   batches-1-20 (threshold 0.2 AU; no report)\n" in status_text(settings)
    store(outputs[0].output, 1, [neo("another")], MARCH + HOUR)
    assert (
        "results   batches-1-20 (threshold 0.2 AU; outdated or edited, will be recomputed)\n"
        in status_text(settings)
    )


@pytest.mark.parametrize("table", ["raw", "close_approaches", "orbits"])
@pytest.mark.parametrize("which", [0, 1])
def test_does_not_compare_changed_files(outputs, which, table):
    before, after = outputs
    settings = parse_settings({"end": 20, "source": "sample", "output_dir": str(after.output)})
    assert "NEOs        1 in, 1 out" in drift_between(settings, str(before.output))
    path = Batch(1).file(outputs[which].output, table)
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    remedy = f"batch 1-20 in {outputs[which].output} .*{table}: .*`make backfill START=1 END=20 .*`"
    with pytest.raises(StoredDataBroken, match=remedy):
        drift_between(settings, str(before.output))


def test_status_reports_a_zeroed_raw_file_with_the_remedy(outputs):
    path = Batch(1).file(outputs[0].output, "raw")
    path.write_bytes(path.read_bytes()[:4] + bytes(200))
    with pytest.raises(StoredDataBroken, match=r"batch 1-20 .*raw: .*`make backfill START=1"):
        status_text(parse_settings({"output_dir": str(outputs[0].output)}))
