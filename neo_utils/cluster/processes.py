"""Start, find and stop background processes that outlive the command that started them.

Each process has a PID file and holds an inherited lock on it. The operating system releases the
lock when the process ends, so a held lock proves that the PID is not a reused one. On a file system
without locks, the start time in the same file distinguishes them.
"""

import fcntl
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from neo_utils.store.locks import try_lock

_STOP_SECONDS = 10.0  # a worker ends its executors first, within a second


def start(
    pid_file: Path, command: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start a process, write its PID to ``pid_file`` and append its output to ``log``."""
    with pid_file.open("a") as file, log.open("ab") as output:
        try_lock(file)
        file.truncate(0)  # only now: the PID of a running process must not be lost
        process = subprocess.Popen(  # noqa: S603 - the callers' own commands, no shell
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[file.fileno()],
            start_new_session=True,  # not stopped by Ctrl-C; can be stopped with its children
        )
        file.write(f"{process.pid} {psutil.Process(process.pid).create_time()}")
    return process


@contextmanager
def ctrl_c_delayed() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the end of this block, so that no new process is forgotten."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals interrupt the main thread only
        return
    received: list[int] = []
    handlers = {
        ending: signal.signal(ending, lambda number, _frame: received.append(number))
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for ending, handler in handlers.items():
            signal.signal(ending, handler)
    if received:
        raise KeyboardInterrupt


def is_running(pid_file: Path) -> bool:
    """Check whether the process of this PID file is still running."""
    try:
        with pid_file.open() as file:
            return not try_lock(file, fcntl.LOCK_SH) and _is_alive(file.read())
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True


def _is_alive(noted: str) -> bool:
    """Check whether a process with this PID and start time is running."""
    try:
        number, started = noted.split()
        process = psutil.Process(int(number))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(process.create_time() == float(started))
    except (ValueError, psutil.Error):
        return False


def read_pid(pid_file: Path) -> int:
    """Return the PID in this file."""
    return int(pid_file.read_text().split()[0])


def terminate(pid_file: Path) -> None:
    """Terminate the process and its children, or kill them if that takes too long."""
    began = time.monotonic()
    while is_running(pid_file):
        late = time.monotonic() - began > _STOP_SECONDS
        # It may have ended meanwhile, or its PID may not be in the file yet.
        with suppress(ProcessLookupError, ValueError, IndexError):
            os.killpg(read_pid(pid_file), signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.2)
