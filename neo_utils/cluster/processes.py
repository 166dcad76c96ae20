"""Start, find and stop background processes that outlive the command that started them.

Each process has a file with its PID and start time, which together tell it from a later process
with the same PID.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

_STOP_SECONDS = 10.0  # a worker ends its executors first, within a second
_CLOCK_SECONDS = 60.0  # the start time depends on the clock, which may be adjusted meanwhile


def start(
    pid_file: Path, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a process, write its PID to ``pid_file`` and append its output to ``log``."""
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the callers' own commands, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # not stopped by Ctrl-C; can be stopped with its children
        )
    pid_file.write_text(f"{process.pid} {time.time()}")
    return process


def is_running(pid_file: Path) -> bool:
    """Check whether the process of this PID file is still running."""
    try:
        number, started = pid_file.read_text().split()
        process = psutil.Process(int(number))
        same = abs(process.create_time() - float(started)) < _CLOCK_SECONDS
        return bool(same) and process.status() != psutil.STATUS_ZOMBIE
    except (FileNotFoundError, ValueError, psutil.Error):
        return False


def read_pid(pid_file: Path) -> int:
    """Return the PID in this file."""
    return int(pid_file.read_text().split()[0])


def terminate(pid_file: Path) -> None:
    """Terminate the process and its children, or kill them if that takes too long."""
    began = time.monotonic()
    while is_running(pid_file):
        late = time.monotonic() - began > _STOP_SECONDS
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.killpg(read_pid(pid_file), signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.2)
