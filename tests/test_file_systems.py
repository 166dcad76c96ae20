"""File systems that lack locks or cannot sync a folder: SMB, some Lustre and FUSE mounts."""

import errno
import fcntl
import os
import stat
import subprocess
import sys

import pytest

from neo_utils.cluster.processes import is_running, start, terminate
from neo_utils.errors import OutputUnwritable
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.run.upkeep import verify_text
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store import locks
from neo_utils.store.locks import sole_run, sole_writer

UNSUPPORTED = [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS]
NO_LOCKS = "two concurrent runs are not detected"
NO_SYNC = "a power cut may undo the newest files"


@pytest.fixture(autouse=True)
def fresh_warnings():
    locks._warn.cache_clear()


def failing(code):
    def fail(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    return fail


def fail_to_lock(monkeypatch, code):
    monkeypatch.setattr(fcntl, "flock", failing(code))


def fail_to_sync_folders(monkeypatch, code):
    fsync = os.fsync

    def of_files_only(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            failing(code)()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", of_files_only)


def fetch_range(output):
    with sole_run(output):
        fetch(plan_fetch(1, 40, "sample", output_dir=str(output)))
    return verify_text(parse_settings({"start": 1, "end": 40, "output_dir": str(output)}))


@pytest.mark.parametrize(
    ("fail", "code", "warning"),
    [
        *((fail_to_lock, code, NO_LOCKS) for code in (errno.ENOLCK, *UNSUPPORTED)),
        *((fail_to_sync_folders, code, NO_SYNC) for code in (errno.EBADF, *UNSUPPORTED)),
        (fail_to_sync_folders, errno.EACCES, NO_SYNC),
    ],
)
def test_warns_once_of_a_missing_guarantee_and_continues(
    tmp_path, monkeypatch, capsys, fail, code, warning
):
    fail(monkeypatch, code)
    assert fetch_range(tmp_path).startswith("2 batches")
    (line,) = capsys.readouterr().err.splitlines()
    assert [text for text in (NO_LOCKS, NO_SYNC) if text in line] == [warning]


def test_one_warning_lists_all_missing_guarantees(tmp_path, monkeypatch, capsys):
    fail_to_lock(monkeypatch, errno.ENOLCK)
    monkeypatch.setattr(os, "open", failing(errno.EACCES))  # the folder cannot even be opened
    with sole_writer(tmp_path), sole_writer(tmp_path):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert NO_LOCKS in line
    assert NO_SYNC in line


def test_kernel_does_not_repeat_the_warning(tmp_path, monkeypatch, capsys):
    (tmp_path / ".run-lock").write_text(str(os.getppid()))
    fail_to_lock(monkeypatch, errno.ENOLCK)
    with sole_writer(tmp_path):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("fail", [fail_to_lock, fail_to_sync_folders])
def test_failing_disk_is_an_error(tmp_path, monkeypatch, code, fail):
    fail(monkeypatch, code)
    with pytest.raises(OutputUnwritable, match=os.strerror(code)):
        fetch_range(tmp_path)
    assert not list(tmp_path.glob("raw/*/*"))


def test_process_is_found_and_ended_without_locks(tmp_path, monkeypatch):
    fail_to_lock(monkeypatch, errno.ENOTSUP)
    pid_file = tmp_path / "pid"
    process = start(pid_file, ["sleep", "60"], os.environ, tmp_path / "log")
    assert is_running(pid_file)
    terminate(pid_file)
    assert process.wait(5) != 0
    assert not is_running(pid_file)
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with stranger:
        pid_file.write_text(f"{stranger.pid} 1.5")  # its number, of an earlier process
        assert not is_running(pid_file)
