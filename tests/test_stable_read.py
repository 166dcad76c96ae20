"""Commands that read during a backfill, and unreadable folders."""

import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from neo_utils.errors import OutputUnreadable, StoredDataBroken
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.positions import Batch, position_range
from neo_utils.run.terminal import plan_text, status_text
from neo_utils.run.upkeep import verify_text
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store.batches import read_table, stored_provenances
from neo_utils.store.selection import select_batches
from neo_utils.store.verification import check_files, unfinished, verify

END = 60
RANGE = position_range(1, END)
BATCHES = RANGE.batches(END)


@contextmanager
def backfilling(output):
    """Replace all batches again and again, and yield a function that waits for the next round."""
    stop, rounds = threading.Event(), threading.Semaphore(0)

    def backfill():
        while not stop.is_set():
            fetch(plan_fetch(1, END, "sample", output_dir=str(output), refetch=True))
            rounds.release()

    writer = threading.Thread(target=backfill)
    writer.start()
    try:
        yield lambda: rounds.acquire(timeout=60)
    finally:
        stop.set()
        writer.join()


def test_readers_report_no_fault_during_backfill(output):
    with backfilling(output) as next_round:
        for _ in range(10):
            plan = plan_fetch(1, END, "sample", output_dir=str(output))
            assert list(plan.stored) == BATCHES
            assert list(stored_provenances(output, RANGE)) == BATCHES
            assert list(select_batches(1, END, output_dir=str(output)).provenances) == BATCHES
            assert read_table(output, BATCHES, "raw").num_rows == END
            assert verify(output, RANGE) == {}
            assert unfinished(output, RANGE) == []
            check_files(output, BATCHES)
            message = verify_text(
                parse_settings({"start": 1, "end": END, "output_dir": str(output)})
            )
            assert message.startswith("3 batches of batches-1-60")
            assert next_round()


def test_reports_corrupted_batch_during_backfill(output):
    fetch(plan_fetch(61, 80, "sample", output_dir=str(output)))
    Batch(61).file(output, "close_approaches").write_bytes(b"corrupted")
    with backfilling(output) as next_round:
        for _ in range(2):
            assert verify(output, position_range(1, 80)).keys() == {Batch(61)}
            with pytest.raises(StoredDataBroken, match="batch 61-80"):
                check_files(output, [*BATCHES, Batch(61)])
            assert next_round()


def loop(path):
    """Replace a file or folder by a symbolic link to itself, which even root cannot read."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(path)


PLACES = ["raw", "raw/batch-number=21-40", "raw/batch-number=21-40/neo_partition_21-40.parquet"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", ["plan", "status", "verify"])
def test_unreadable_folder_is_not_treated_as_empty(output, command, place):
    loop(output / place)
    given = {"end": END, "source": "sample", "output_dir": str(output)}
    text_of = {"plan": plan_text, "status": status_text, "verify": verify_text}[command]
    with pytest.raises(OutputUnreadable, match="cannot be read") as failure:
        text_of(parse_settings(given))
    assert "\n" not in str(failure.value)
    assert "backfill" not in str(failure.value)
    assert failure.value.exit_status == 1


@pytest.mark.parametrize("place", ["pages", "pages/batch-number=21-40/page_21-40.json.zst"])
def test_unreadable_page_is_not_reported_as_corrupted(output, place):
    loop(output / place)
    with pytest.raises(OutputUnreadable, match="cannot be read"):
        check_files(output, BATCHES)


AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
import neo_utils.run.runner, neo_utils.run.terminal  # before this user may read no Python
import neo_utils.run.commands, neo_utils.run.upkeep, neo_utils.engines.spark_failures
from neo_utils.cli import main
os.setgid(65534)
os.setuid(65534)
for output in sys.argv[1:]:
    os.environ |= {"OUTPUT_DIR": output, "AGAINST": output}
    for command in ("plan", "status", "verify", "drift", "aggregate"):
        print(main([command]), command, flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_folder_of_another_user_gives_one_line_error(pristine, tmp_path):
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.name.startswith("pytest"):
            folder.chmod(0o755)
    tmp_path.chmod(0o755)
    outputs = []
    for number, closed in enumerate((".", "raw", "raw/batch-number=21-40")):
        outputs.append(shutil.copytree(pristine, tmp_path / str(number)))
        outputs[-1].chmod(0o755)
        (outputs[-1] / closed).chmod(0o700)
    ran = subprocess.run(  # noqa: S603 - our own Python and code
        [sys.executable, "-B", "-c", AS_ANOTHER_USER, *map(str, outputs)],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "HOME": "/", "SOURCE": "sample", "END": str(END)},
        capture_output=True,
        text=True,
    )
    lines = list(zip(ran.stdout.splitlines(), ran.stderr.splitlines(), strict=True))
    assert len(lines) == 15
    for status, line in lines:
        assert status.startswith("1 "), line
        assert "cannot be read (Permission denied)" in line
