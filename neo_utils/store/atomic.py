"""Write files so that a reader, or a killed run, never sees half of one."""

import errno
import os
from contextlib import suppress
from pathlib import Path

_TEMPORARY = ".{name}.tmp"
# How SMB, Lustre and some FUSE file systems refuse to open or sync a folder.
_NO_FOLDER_SYNC = {
    *(errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES),
    *(errno.EPERM, errno.EISDIR),
}


def write_in_order(contents: list[tuple[Path, bytes | None]]) -> None:
    """Write files that belong together; the last one is the mark that all of them are there.

    Every file is complete under a temporary name before the first one is renamed. An earlier mark
    is taken away first, so that a mark never stands beside files of another write.

    Parameters
    ----------
    contents
        Path and bytes, in the order in which the files shall appear; None for a file that shall
        not be there.
    """
    try:
        for path, content in contents:
            if content is not None:
                _write_temporary(path, content)
        mark = contents[-1][0]
        if len(contents) > 1:
            _remove(mark)
        for path, content in contents:
            if content is None:
                _remove(path)
            else:
                _temporary(path).replace(path)
                sync_folder(path.parent)
    except OSError:
        for path, _ in contents:
            with suppress(OSError):  # a full disk has better uses for the room
                _temporary(path).unlink(missing_ok=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed write left in ``folder``, if there is one."""
    for path in folder.glob(_TEMPORARY.format(name="*")):
        path.unlink()


def _temporary(path: Path) -> Path:
    # Always the same name: writing the same file again leaves nothing of the killed write behind.
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
    """Sync a folder; return False if its file system cannot do that.

    A rename or removal survives a power cut only once its folder is synced, too.
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
