"""Explain in one line why Spark or a job failed, with the setting to change."""

import os
import re
import resource
import tempfile
from contextlib import suppress

_ENOUGH_FILES = 256  # of the hard limit, which Java uses. Spark does not start with 100.
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded")
_NO_LIBRARY = re.compile(r"UnsatisfiedLinkError|failed to map segment|Could not initialize class")
_UNREAD_FILE = re.compile(r"\[FAILED_READ_FILE\.(\w+)\] .*? file (?:file://)?(\S+?)\.?\s")
_NO_PATH = re.compile(r"Path does not exist: (?:file:)?(.+?)\.?(?: SQLSTATE|\n|$)")
_SAME_FOLDER = (
    "On a cluster, OUTPUT_DIR must be the same folder, under the same path, on every machine"
)
_CODES = re.compile(r"^\[[A-Z_.]+\] | SQLSTATE: \w+$")  # Spark's error classes
_DETAILS = re.compile(r'details = "(.+?)["\n]')
_LAST_FAILURE = re.compile(r"[Mm]ost recent failure:\s*(.+)")


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


def failure_text(error: Exception) -> str:
    """Return why a job failed: the file that a worker could not read, or the last task's failure.

    Parameters
    ----------
    error
        An exception of py4j or PySpark.
    """
    messages = _messages(error)
    if unread := _UNREAD_FILE.search(messages):
        why = unread[1].lower().replace("_", " ")
        return f"a worker could not read {unread[2]} ({why}). {_SAME_FOLDER}"
    if missing := _NO_PATH.search(messages):
        return f"Spark could not read {missing[1]} (no such file). {_SAME_FOLDER}"
    if cause := diagnose_machine(f"{error}\n{messages}"):
        return f"Spark job failed: {cause}"
    last = _LAST_FAILURE.search(messages)
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return f"Spark job failed: {last[1] if last else _CODES.sub('', lines[-1])}"


def first_message(error: Exception) -> str:
    """Return the first line of an error, or gRPC's details of it."""
    if details := _DETAILS.search(str(error)):
        return details[1]
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _messages(error: Exception) -> str:
    """Return the messages of Java's exceptions, innermost last, or Python's if Java is gone."""
    messages = [first_message(error)]
    with suppress(Exception):
        cause = getattr(error, "java_exception", None)
        while cause is not None:
            messages.append(cause.getMessage() or "")
            cause = cause.getCause()
    return "\n".join(messages)
