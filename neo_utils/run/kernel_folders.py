"""Temporary folders of kernels: each is removed with its kernel, or by a later run."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_PREFIX = "neo-kernel-"


@contextmanager
def kernel_folder() -> Iterator[str]:
    """Create a folder for one kernel and remove it at the end.

    The lock on the folder is released when this process ends, even if it is killed. A later run
    then removes the folder: see `remove_leftover_folders`.
    """
    # Lock it before it gets its final name, so no other run mistakes it for a leftover.
    new = Path(tempfile.mkdtemp(prefix=f"new-{_PREFIX}"))
    descriptor = os.open(new, os.O_RDONLY)
    folder = new.with_name(new.name.removeprefix("new-"))
    try:
        with suppress(OSError):  # some network file systems have no locks, so leftovers remain
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(folder)
        yield str(folder)
    finally:
        for path in (new, folder):
            shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def remove_leftover_folders() -> None:
    """Remove the kernel folders that killed runs of this user left in the temporary folder."""
    for folder in Path(tempfile.gettempdir()).glob(f"*{_PREFIX}*"):
        with suppress(OSError):  # another run removes it, or it belongs to another user
            if folder.is_symlink() or folder.lstat().st_uid != os.getuid():
                continue
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A Java that loses its temporary folder while it starts would never end.
                if not any(processes_with_temporary(str(folder))):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def processes_with_temporary(folder: str) -> Iterator[psutil.Process]:
    """Find the processes of a kernel by the temporary folder that they inherited."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # of other users, or ended
            if process.environ().get("TMPDIR") == folder:
                yield process
