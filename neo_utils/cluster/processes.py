"""Processes that outlive the command which started them, and are found again and ended.

Each has a file with its number, on which it holds a lock that it inherited. The system lets go of
the lock when the process ends: as long as it is held, the number is that of our process, and not of
a later one. On a file system without locks, the time at which the process started, which is in the
file too, tells it from a later one.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from neo_utils.store.locks import try_lock

_STOP_SECONDS = 10.0  # a worker ends its executors first, within a second


def start(
    pid_file: Path, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a process whose number goes to ``pid_file``; what it prints is appended to ``log``."""
    with pid_file.open("w") as file, log.open("ab") as output:
        try_lock(file)
        process = subprocess.Popen(  # noqa: S603 - the callers' own commands, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[file.fileno()],
            start_new_session=True,  # Ctrl-C is for others; its children are ended with it
        )
        file.write(f"{process.pid} {psutil.Process(process.pid).create_time()}")
    return process


def runs(pid_file: Path) -> bool:
    """Tell whether the process that was started with this file still runs."""
    try:
        with pid_file.open() as file:
            return not try_lock(file, fcntl.LOCK_SH) and _is_alive(file.read())
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def _is_alive(noted: str) -> bool:
    """Check whether the process with this number is the one that started at the noted time."""
    try:
        number, started = noted.split()
        process = psutil.Process(int(number))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.create_time() == float(started))
    except (ValueError, psutil.Error):
        return False


def number_in(pid_file: Path) -> int:
    """Return the number of the process that was started with this file."""
    return int(pid_file.read_text().split()[0])


def end(pid_file: Path) -> None:
    """End the process and its children, in good order or by force if that takes too long."""
    began = time.monotonic()
    while runs(pid_file):
        late = time.monotonic() - began > _STOP_SECONDS
        # It may have ended since, or its number may not stand in the file yet.
        with suppress(ProcessLookupError, ValueError, IndexError):
            os.killpg(number_in(pid_file), signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.2)
