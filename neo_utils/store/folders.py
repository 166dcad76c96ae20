"""List and find files, and report those that cannot be read."""

import errno
import os
from pathlib import Path

from neo_utils.errors import OutputUnreadable

RUNS = "runs"

# Errors of the system: the file itself may be valid, so do not advise fetching it again.
_REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.ELOOP, errno.EIO, errno.ESTALE, errno.ENOTCONN),
    *(errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG),
}


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; an empty list if the folder does not exist.

    ``Path.glob`` would return nothing for a folder that it cannot read.

    Raises
    ------
    OutputUnreadable
        If the folder cannot be listed.
    """
    try:
        return os.listdir(folder)  # noqa: PTH208 -- five times as fast as iterdir
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(folder, error) from None


def exists(path: Path) -> bool:
    """Check whether a file exists; raise OutputUnreadable if the check fails."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from None
    return True


def reason_of(path: Path, error: Exception) -> str:
    """Return why a file cannot be used, on one line; raise OutputUnreadable as below."""
    raise_if_refused(path, error)
    return _system_reason(error) or str(error).splitlines()[0]


def raise_if_refused(path: Path, error: Exception) -> None:
    """Raise OutputUnreadable if the error is from the system and not from the file's content."""
    if isinstance(error, OSError) and error.errno in _REFUSED:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> OutputUnreadable:
    return OutputUnreadable(
        f"{path} cannot be read ({_system_reason(error) or error}). Stored data is unchanged. Make "
        "it readable for this account, or set another OUTPUT_DIR"
    )


def _system_reason(error: Exception) -> str:
    # PyArrow's own texts are long.
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
