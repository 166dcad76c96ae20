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
from neo_utils.fetch.plan import plan_fetch
from neo_utils.run.upkeep import verify_text
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store import locks
from neo_utils.store.locks import sole_run, sole_writer

UNSUPPORTED = [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS]


@pytest.fixture(autouse=True)
def fresh_warnings():
    locks._warn.cache_clear()


def failing(code):
    def fail(*_args, **_kwargs):
        raise OSError(code, os.strerror(code))

    return fail


def fail_for_folders(monkeypatch, code):
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


@pytest.mark.parametrize("code", [errno.ENOLCK, *UNSUPPORTED])
def test_warns_once_and_continues_without_locks(tmp_path, monkeypatch, capsys, code):
    monkeypatch.setattr(fcntl, "flock", failing(code))
    assert fetch_range(tmp_path).startswith("2 batches")
    (line,) = capsys.readouterr().err.splitlines()
    assert "two concurrent runs are not detected" in line
    assert "power cut may" not in line


@pytest.mark.parametrize("code", [errno.EBADF, errno.EACCES, *UNSUPPORTED])
def test_warns_once_and_continues_if_folders_cannot_be_synced(tmp_path, monkeypatch, capsys, code):
    fail_for_folders(monkeypatch, code)
    assert fetch_range(tmp_path).startswith("2 batches")
    (line,) = capsys.readouterr().err.splitlines()
    assert "a power cut may undo the newest files" in line
    assert "two runs" not in line


def test_one_warning_lists_all_missing_guarantees(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    monkeypatch.setattr(os, "open", failing(errno.EACCES))  # the folder cannot even be opened
    with sole_writer(tmp_path), sole_writer(tmp_path):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert "two concurrent runs" in line
    assert "power cut" in line


def test_kernel_does_not_repeat_the_warning(tmp_path, monkeypatch, capsys):
    (tmp_path / ".run-lock").write_text(str(os.getppid()))
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    with sole_writer(tmp_path):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("broken", ["lock", "sync"])
def test_failing_disk_is_an_error(tmp_path, monkeypatch, code, broken):
    if broken == "lock":
        monkeypatch.setattr(fcntl, "flock", failing(code))
    else:
        fail_for_folders(monkeypatch, code)
    with pytest.raises(OutputUnwritable, match=os.strerror(code)):
        fetch_range(tmp_path)
    assert not list(tmp_path.glob("raw/*/*"))


def test_process_is_found_and_ended_without_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOTSUP))
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
