"""Commands that read during a backfill, and unreadable folders."""

import errno
import os
import shutil
import threading
from contextlib import contextmanager

import pytest

from neo_utils.cli import main
from neo_utils.errors import OutputUnreadable, StoredDataBroken
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.positions import Batch, position_range
from neo_utils.run.upkeep import verify_text
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store.batches import read_table, stored_provenances
from neo_utils.store.folders import raise_if_refused
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
            assert list(select(1, END, output_dir=str(output)).provenances) == BATCHES
            assert read_table(output, BATCHES, "raw").num_rows == END
            assert verify(output, RANGE) == {}
            assert unfinished(output, RANGE) == []
            check_files(output, BATCHES)
            message = verify_text(
                parse_settings({"start": 1, "end": END, "output_dir": str(output)})
            )
            assert message.startswith("3 batches of positions 1 to 60 ")
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


BATCH = "raw/batch-number=21-40"
PLACES = ["pages", "raw", BATCH, f"{BATCH}/neo_partition_21-40.parquet"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", ["plan", "status", "verify", "drift", "aggregate"])
def test_unreadable_folder_gives_one_line_and_is_not_treated_as_empty(
    output, monkeypatch, capsys, command, place
):
    loop(output / place)
    given = {"OUTPUT_DIR": output, "AGAINST": output, "SOURCE": "sample", "START": 1, "END": END}
    for name, value in given.items():
        monkeypatch.setenv(name, str(value))
    assert main([command]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{command}: {output / place}" in err
    assert "cannot be read (Too many levels of symbolic links)" in err
    assert "backfill" not in err


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EMFILE])
def test_error_of_the_system_is_not_reported_as_corruption(tmp_path, code):
    with pytest.raises(OutputUnreadable, match=f"cannot be read .{os.strerror(code)}"):
        raise_if_refused(tmp_path, OSError(code, "a long text of PyArrow"))
