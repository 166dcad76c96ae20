"""Name what is wrong with this machine, once Spark's Java has failed, and the setting to change."""

import os
import re
import resource
import tempfile

_ENOUGH_FILES = 256  # of the hard limit, which Java uses; Spark did not start with 100
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded")
_NO_LIBRARY = re.compile(r"UnsatisfiedLinkError|failed to map segment|Could not initialize class")


def too_few_files(enough: int) -> str | None:
    """Return the cause and the remedy in one line if this process may open fewer files."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < enough:
        return f"only {limit} open files are allowed: raise the limit (`ulimit -n`) to 4096"
    return None


def machine_cause(said: str) -> str | None:
    """Return the cause and the remedy in one line, or None if the machine is not to blame.

    Parameters
    ----------
    said
        What Java printed or its exceptions contain. Java often names a consequence only, so the
        limits of this process are checked, too.
    """
    files = 10**9 if "Too many open files" in said else _ENOUGH_FILES
    if cause := too_few_files(files):
        return cause
    temporary = tempfile.gettempdir()
    if _NO_ROOM.search(said):
        return (
            f"no space left, probably in the temporary folder {temporary}: free some space, or set"
            " TMPDIR to a folder on another disk"
        )
    if _NO_LIBRARY.search(said) and os.statvfs(temporary).f_flag & os.ST_NOEXEC:
        return (
            f"the temporary folder {temporary} does not allow programs (it is mounted noexec): set"
            " TMPDIR to another folder"
        )
    return None
