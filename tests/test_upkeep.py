"""What verify and rebuild tell, and what they leave alone."""

import pytest

from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import describe, plan_fetch
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


def test_verify_says_how_many_batches_were_verified(output):
    assert verify_text(parameters(output)) == (
        f"4 batches of batches-1-200 in {output}: all are as they were stored"
    )
    assert verify_text(parameters(output, 21, 40)).startswith("1 batches of batches-21-40 in ")


@pytest.mark.parametrize("text_of", [verify_text, rebuild_text])
def test_nothing_is_neither_sound_nor_made_again_and_no_folder_is_made(text_of, tmp_path):
    absent = tmp_path / "typo"
    assert message(text_of, StoredDataMissing, absent) == (
        f"no batch of batches-1-200 is stored in {absent}: set OUTPUT_DIR, START and END to what "
        f"is stored (`make status`), or `make fetch START=1 END=200 OUTPUT_DIR={absent}`"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text_of", [verify_text, rebuild_text])
def test_a_range_of_which_nothing_is_stored_is_no_success(text_of, output):
    said = message(text_of, StoredDataMissing, output, 101, "all")
    assert said.startswith(f"no batch of batches-101-all is stored in {output}: ")
    assert said.endswith(f"`make fetch START=101 END=all OUTPUT_DIR={output}`")


def test_broken_batches_are_named_with_the_ranges_that_mend_them(output):
    for batch in (FIRST, SECOND, FOURTH):
        batch.file(output, "close_approaches").unlink()
    said = message(verify_text, StoredDataBroken, output)
    assert said.startswith(
        f"3 of 4 batches are not as they were stored in {output}: "
        "1-20 (close_approaches_1-20.parquet is missing); 21-40 ("
    )
    place = f"SOURCE=sample OUTPUT_DIR={output}`"
    assert (
        f"`make backfill START=1 END=40 {place} and `make backfill START=61 END=80 {place} takes"
    ) in said


def test_what_a_killed_run_left_is_not_stored_to_verify_as_to_the_plan(output):
    for batch in (SECOND, THIRD):
        batch.file(output, "raw").unlink()
    said = message(verify_text, StoredDataMissing, output)
    assert said.startswith(f"not stored in {output}: 21-40, 41-60, of which a killed run left")
    assert (
        f"`make fetch START=21 END=60 SOURCE=sample OUTPUT_DIR={output}` takes them. The other 2"
        in said
    )
    plan = describe(plan_fetch(1, 80, "sample", output_dir=str(output)))
    assert "to fetch   2 batches" in plan
    fetch(plan_fetch(1, 80, "sample", output_dir=str(output)))
    assert verify_text(parameters(output)).startswith("4 batches ")


def test_what_a_killed_run_left_is_made_of_its_page(output):
    SECOND.file(output, "raw").unlink()
    assert rebuild_text(parameters(output)).startswith("made the tables of 4 batches again")
    assert verify_text(parameters(output)).startswith("4 batches ")


def test_a_broken_batch_is_told_before_one_that_is_not_stored(output):
    FIRST.file(output, "pages").unlink()
    SECOND.file(output, "raw").unlink()
    said = message(verify_text, StoredDataBroken, output)
    assert said.startswith("1 of 3 batches are not")
    assert "21-40" not in said
