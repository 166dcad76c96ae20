"""Processes that outlive the command which started them, and are found again and ended.

Each has a file with its number, on which it holds a lock that it inherited. The system lets go of
the lock when the process ends: as long as it is held, the number is that of our process, and not of
a later one.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOP_SECONDS = 10.0  # a worker ends its executors first, within a second


def start(
    pid_file: Path, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a process whose number goes to ``pid_file``; what it prints is appended to ``log``."""
    with pid_file.open("w") as file, log.open("ab") as output:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process = subprocess.Popen(  # noqa: S603 - the callers' own commands, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[file.fileno()],
            start_new_session=True,  # Ctrl-C is for others; its children are ended with it
        )
        file.write(str(process.pid))
    return process


def runs(pid_file: Path) -> bool:
    """Tell whether the process that was started with this file still runs."""
    try:
        with pid_file.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def end(pid_file: Path) -> None:
    """End the process and its children, in good order or by force if that takes too long."""
    began = time.monotonic()
    while runs(pid_file):
        late = time.monotonic() - began > _STOP_SECONDS
        # It may have ended since, or its number may not stand in the file yet.
        with suppress(ProcessLookupError, ValueError):
            os.killpg(int(pid_file.read_text()), signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.2)
