"""List and find files without hiding that they cannot be read."""

import errno
import os
from pathlib import Path

from neo_utils.errors import OutputUnreadable

# The system refuses: the file itself may be sound, so fetching it again is not the advice to give.
_REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.ELOOP, errno.EIO, errno.ESTALE, errno.ENOTCONN),
    *(errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG),
}


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; none if there is no such folder.

    Unlike ``Path.glob``, which finds nothing in a folder that it cannot read.

    Raises
    ------
    OutputUnreadable
        If the folder cannot be listed.
    """
    try:
        return [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from None


def exists(path: Path) -> bool:
    """Check whether there is such a file; raise OutputUnreadable if that cannot be found out."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from None
    return True


def raise_if_refused(path: Path, error: Exception) -> None:
    """Raise OutputUnreadable for an error of the system rather than of the file's content."""
    if isinstance(error, OSError) and error.errno in _REFUSED:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> OutputUnreadable:
    """Return the failure of a file or folder that the system does not let us read."""
    reason = os.strerror(error.errno) if error.errno else error  # PyArrow's own texts are long
    return OutputUnreadable(
        f"{path} cannot be read ({reason}). Stored data is unchanged. Make it readable for this "
        "account, or set another OUTPUT_DIR"
    )
