"""The commands verify and rebuild."""

import pytest

from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.positions import Batch
from neo_utils.run.upkeep import rebuild_text, verify_text
from neo_utils.settings.run_settings import parse_settings

END = 80
FIRST, SECOND, THIRD, FOURTH = (Batch(first) for first in (1, 21, 41, 61))


def parameters(output, start=1, end=200):
    return parse_settings({"start": start, "end": end, "output_dir": str(output)})


def message(text_of, failure, *given):
    with pytest.raises(failure) as error:
        text_of(parameters(*given))
    assert "\n" not in str(error.value)
    assert error.value.exit_status == 1
    return str(error.value)


def test_verify_counts_intact_batches(output):
    assert verify_text(parameters(output, end=END)) == (
        f"4 batches of positions 1 to 80 in {output}: all intact"
    )
    assert verify_text(parameters(output, 21, 40)).startswith("1 batch of positions 21 to 40 in ")


def test_batches_that_are_not_stored_are_a_failure(output):
    assert message(verify_text, StoredDataMissing, output, 61, 400) == (
        f"1 batch of positions 61 to 400 in {output}: all intact, but positions 81-400 are not "
        f"stored. Run `make fetch START=61 END=400 SOURCE=sample OUTPUT_DIR={output}` to fetch "
        "them, or set START and END to what is stored"
    )
    line = message(verify_text, StoredDataMissing, output, 1, "all")
    assert "positions 81-41000 are not stored" in line


@pytest.mark.parametrize("text_of", [verify_text, rebuild_text])
def test_missing_output_is_reported_and_not_created(text_of, tmp_path):
    absent = tmp_path / "typo"
    assert message(text_of, StoredDataMissing, absent) == (
        f"no batch of positions 1 to 200 is stored in {absent}. Set OUTPUT_DIR, START and END to "
        f"stored data (see `make status`), or run `make fetch START=1 END=200 OUTPUT_DIR={absent}`"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text_of", [verify_text, rebuild_text])
def test_range_without_stored_batches_is_a_failure(text_of, output):
    line = message(text_of, StoredDataMissing, output, 101, "all")
    assert line.startswith(f"no batch of positions 101 to the last is stored in {output}. ")
    assert line.endswith(f"`make fetch START=101 END=all OUTPUT_DIR={output}`")


def test_corrupted_batches_are_named_with_the_commands_that_repair_them(output):
    for batch in (FIRST, SECOND, FOURTH):
        batch.file(output, "close_approaches").unlink()
    line = message(verify_text, StoredDataBroken, output)
    assert line.startswith(
        f"3 of 4 batches in {output} are corrupted: "
        "1-20 (close_approaches_1-20.parquet is missing); 21-40 ("
    )
    place = f"SOURCE=sample OUTPUT_DIR={output}`"
    assert (
        f"`make backfill START=1 END=40 {place} and `make backfill START=61 END=80 {place} to fetch"
    ) in line


def test_incomplete_batches_are_reported_by_verify_and_plan(output):
    for batch in (SECOND, THIRD):
        batch.file(output, "raw").unlink()
    line = message(verify_text, StoredDataMissing, output)
    assert line.startswith(f"a killed run left 21-40, 41-60 incomplete in {output}. Run ")
    assert (
        f"`make fetch START=21 END=60 SOURCE=sample OUTPUT_DIR={output}` to fetch them. The other 2"
        in line
    )
    plan = repr(plan_fetch(1, 80, "sample", output_dir=str(output)))
    assert "to fetch   2 batches" in plan
    fetch(plan_fetch(1, 80, "sample", output_dir=str(output)))
    assert verify_text(parameters(output, end=END)).startswith("4 batches ")


def test_rebuild_completes_a_batch_from_its_page(output):
    SECOND.file(output, "raw").unlink()
    assert rebuild_text(parameters(output)).startswith("rebuilt the tables of 4 batches")
    assert verify_text(parameters(output, end=END)).startswith("4 batches ")


def test_corrupted_batches_are_reported_before_incomplete_ones(output):
    FIRST.file(output, "pages").unlink()
    SECOND.file(output, "raw").unlink()
    line = message(verify_text, StoredDataBroken, output)
    assert line.startswith("1 of 3 batches in ")
    assert "21-40" not in line
