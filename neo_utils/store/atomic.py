"""Write files atomically: no reader sees a partial file, not even after a killed run."""

import errno
import os
from contextlib import suppress
from pathlib import Path

_TEMPORARY = ".{name}.tmp"
# Errors of SMB, Lustre and some FUSE file systems when a folder is opened or synced.
_NO_FOLDER_SYNC = {
    *(errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES),
    *(errno.EPERM, errno.EISDIR),
}


def write_in_order(contents: list[tuple[Path, bytes | None]]) -> None:
    """Write a group of files; the last one is the marker that the group is complete.

    All files are written to temporary names before the first rename. An existing marker is removed
    first, so a marker never appears next to files of another write.

    Parameters
    ----------
    contents
        Path and bytes of each file, in the order in which they appear; None to remove a file.
    """
    try:
        for path, content in contents:
            if content is not None:
                _write_temporary(path, content)
        marker = contents[-1][0]
        if len(contents) > 1:
            _remove(marker)
        for path, content in contents:
            if content is None:
                _remove(path)
            else:
                _temporary(path).replace(path)
                sync_folder(path.parent)
    except OSError:
        for path, _ in contents:
            with suppress(OSError):  # free the space on a full disk
                _temporary(path).unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed write left in ``folder``, if there is one."""
    for path in folder.glob(_TEMPORARY.format(name="*")):
        path.unlink()


def _temporary(path: Path) -> Path:
    # Always the same name, so the next write replaces what a killed write left.
    return path.with_name(_TEMPORARY.format(name=path.name))


def _write_temporary(path: Path, content: bytes) -> None:
    _make_folder(path.parent)
    with _temporary(path).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def _remove(path: Path) -> None:
    if path.exists():
        path.unlink()
        sync_folder(path.parent)


def sync_folder(folder: Path) -> bool:
    """Sync a folder; return False if its file system does not support it.

    A rename or removal survives a power cut only after its folder is synced.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
        return False
    return True
