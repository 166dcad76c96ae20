"""Diagnose machine problems behind a failure of Spark's Java, with the setting to change."""

import os
import re
import resource
import tempfile

_ENOUGH_FILES = 256  # of the hard limit, which Java uses. Spark does not start with 100.
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded")
_NO_LIBRARY = re.compile(r"UnsatisfiedLinkError|failed to map segment|Could not initialize class")


def too_few_files(enough: int) -> str | None:
    """Return cause and remedy in one line if this process may open fewer than ``enough`` files."""
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= limit < enough:
        return f"only {limit} open files are allowed. Raise the limit (`ulimit -n`) to 4096"
    return None


def diagnose_machine(output: str) -> str | None:
    """Return cause and remedy in one line, or None if the machine is not the cause.

    Parameters
    ----------
    output
        Java's output or exception messages. Java often reports only a consequence, so the limits of
        this process are checked as well.
    """
    files = 10**9 if "Too many open files" in output else _ENOUGH_FILES
    if cause := too_few_files(files):
        return cause
    temporary = tempfile.gettempdir()
    if _NO_ROOM.search(output):
        return (
            f"no space left, probably in the temporary folder {temporary}. Free some space, or set"
            " TMPDIR to a folder on another disk"
        )
    if _NO_LIBRARY.search(output) and os.statvfs(temporary).f_flag & os.ST_NOEXEC:
        return (
            f"the temporary folder {temporary} does not allow running programs (it is mounted"
            " noexec). Set TMPDIR to another folder"
        )
    return None
