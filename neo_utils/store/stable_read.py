"""Read batches while another process replaces them, without reporting them as corrupted."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from neo_utils.positions import TABLES, Batch
from neo_utils.store.locks import is_being_written

_PAUSE = 0.05  # seconds between two looks
_QUIET = 1.0  # how long a batch is left alone by an active writer before it counts as corrupted
_LONGEST = 30.0
_T = TypeVar("_T")


def settled(
    output: Path, batches: Iterable[Batch], look: Callable[[Batch], str | None]
) -> dict[Batch, str]:
    """Return what is wrong with each batch, except for those that are just being replaced.

    A writer replaces the files of a batch one by one, so a reader may find old files beside new
    ones. What ``look`` finds counts if it is still there a moment later with the same files: after
    50 ms, or after a second while a process writes to this output.
    """
    wrong, files = {}, {}
    for batch in batches:
        before = _files(output, batch)
        if reason := look(batch):
            wrong[batch], files[batch] = reason, before
    began = quiet_since = time.monotonic()
    while wrong and time.monotonic() - began < _LONGEST:
        time.sleep(_PAUSE)
        now = {batch: _files(output, batch) for batch in wrong}
        wrong = {batch: reason for batch in wrong if (reason := look(batch))}
        changed = [batch for batch in wrong if now[batch] != files[batch]]
        files = now
        if changed:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= (_QUIET if is_being_written(output) else 0):
            break
    return wrong


def complete(output: Path, is_stored: Callable[[], bool]) -> None:
    """Wait, for a second at most, until an active writer has stored what a reader misses."""
    end = time.monotonic() + _QUIET
    while not is_stored():
        if time.monotonic() > end or not is_being_written(output):
            return
        time.sleep(_PAUSE)


def retried(output: Path, read: Callable[[], _T]) -> _T:
    """Return what ``read`` returns, again for a second where an active writer removed the file."""
    end = time.monotonic() + _QUIET
    while True:
        try:
            return read()
        except FileNotFoundError:
            if time.monotonic() > end or not is_being_written(output):
                raise
        time.sleep(_PAUSE)


def _files(output: Path, batch: Batch) -> list[tuple[int, int, int]]:
    found = []
    for table in TABLES:
        with suppress(OSError):
            state = batch.file(output, table).stat()
            found.append((state.st_ino, state.st_size, state.st_mtime_ns))
    return found
