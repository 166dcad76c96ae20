"""Lock an output folder, so only one process writes to it."""

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import psutil

from neo_utils.errors import OutputBusy, OutputUnwritable
from neo_utils.store.atomic import sync_folder

_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}


def try_lock(file: IO[Any], operation: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file without waiting; return False if its file system has no locks.

    Raises
    ------
    BlockingIOError
        If another process holds the lock.
    OSError
        If locking fails for another reason.
    """
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


@contextmanager
def sole_run(output: Path) -> Iterator[None]:
    """Lock an output for a whole run, from its first notebook to its summary.

    Writing batches also takes the lock of `sole_writer`, because a kernel outlives a killed runner
    by a second, and notebooks also run by hand. Both raise the same errors.
    """
    with sole_writer(output, ".run-lock"):
        with sole_writer(output):
            pass  # fail early if a notebook is writing
        yield


@contextmanager
def sole_writer(output: Path, lock: str = ".lock") -> Iterator[None]:
    """Lock the batches of an output while the context lasts.

    Raises
    ------
    OutputBusy
        If another run holds the lock.
    OutputUnwritable
        If the folder or its lock file cannot be created, opened or locked.
    """
    # The system releases the lock whenever the process ends; an empty file remains.
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = (output / lock).open("a+b", buffering=0)
    except OSError as error:
        raise unwritable(output, error) from None
    with file:
        try:
            _warn(output, locked=try_lock(file), synced=sync_folder(output))
        except BlockingIOError:
            process = _holder(output, lock) or "unknown"
            raise OutputBusy(
                f"{output} is in use by another run (process {process}). Nothing was changed. Wait "
                "for it to finish, or set another OUTPUT_DIR"
            ) from None
        except OSError as error:
            raise unwritable(output, error) from None
        # Only readers and the message above use the process number, so a full disk is not an error.
        with suppress(OSError):
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        try:
            yield
        finally:
            with suppress(OSError):
                file.truncate(0)


def _holder(output: Path, lock: str = ".lock") -> str:
    """Return the process number of a lock's holder, or an empty string if it is unknown."""
    try:
        with (output / lock).open("rb") as file:
            return file.read(9).decode("ascii", "replace")
    except OSError:
        return ""


@cache  # once per process and output
def _warn(output: Path, *, locked: bool, synced: bool) -> None:
    """Print the guarantees that the file system of an output does not give, if any."""
    missing = [
        *([] if locked else ["two concurrent runs are not detected (no flock)"]),
        *([] if synced else ["a power cut may undo the newest files (folders cannot be synced)"]),
    ]
    # A runner that started this process has printed the warning.
    if missing and _holder(output, ".run-lock") != str(os.getppid()):
        print(
            f"warning: the file system of {output} gives weaker guarantees: "
            f"{' and '.join(missing)}. Run one command at a time there, and run `make verify` after"
            " a power cut",
            file=sys.stderr,
        )


def is_being_written(output: Path) -> bool:
    """Check whether a process on this machine writes batches to an output."""
    holder = _holder(output)
    return holder.isdecimal() and psutil.pid_exists(int(holder))


@contextmanager
def one_line_if_unwritable(output: Path) -> Iterator[None]:
    """Raise OutputUnwritable for an error of the system while the context writes to an output."""
    try:
        yield
    except OSError as error:
        raise unwritable(output, error) from None


def unwritable(output: Path, error: OSError) -> OutputUnwritable:
    """Return the error for an output that the system cannot write."""
    return OutputUnwritable(
        f"{output} cannot be written ({error.strerror}). Stored data is kept. Make the folder "
        "writable, or free disk space, and run the same command again"
    )
