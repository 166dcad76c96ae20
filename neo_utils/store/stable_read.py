"""Read batches while another process replaces them, without reporting them as corrupted."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from neo_utils.positions import TABLES, Batch
from neo_utils.store.locks import is_being_written

_PAUSE_S = 0.05  # between two checks
_QUIET_S = 3.0  # with an active writer, a batch unchanged for this long counts as corrupted
_LONGEST_S = 30.0


def confirmed_faults(
    output: Path, batches: Iterable[Batch], check: Callable[[Batch], str | None]
) -> dict[Batch, str]:
    """Return the fault of each corrupted batch, ignoring batches that are being replaced.

    A writer replaces the files of a batch one by one, so a reader may see old files beside new
    ones. A fault that ``check`` finds counts if it persists with the same files: for 50 ms, or for
    three seconds while a process writes to this output.
    """
    wrong, files = {}, {}
    for batch in batches:
        before = _files(output, batch)
        if reason := check(batch):
            wrong[batch], files[batch] = reason, before
    started = quiet_since = time.monotonic()
    while wrong and time.monotonic() - started < _LONGEST_S:
        time.sleep(_PAUSE_S)
        now = {batch: _files(output, batch) for batch in wrong}
        wrong = {batch: reason for batch in wrong if (reason := check(batch))}
        changed = [batch for batch in wrong if now[batch] != files[batch]]
        files = now
        if changed:
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= (_QUIET_S if is_being_written(output) else 0):
            break
    return wrong


def attempts_beside_writer(output: Path) -> Iterator[None]:
    """Yield once, and again for three seconds while a process writes to this output.

    A caller that misses a file tries again: the writer may be replacing it.
    """
    end = time.monotonic() + _QUIET_S
    while True:
        was_written = is_being_written(output)
        yield
        if time.monotonic() > end or not (was_written or is_being_written(output)):
            return
        time.sleep(_PAUSE_S)


def states_of(files: Iterable[Path]) -> list[tuple[int, int, int]]:
    """Return inode, size and modification time (ns) of each existing file: a new one differs."""
    found = []
    for file in files:
        with suppress(OSError):
            state = file.stat()
            found.append((state.st_ino, state.st_size, state.st_mtime_ns))
    return found


def _files(output: Path, batch: Batch) -> list[tuple[int, int, int]]:
    return states_of(batch.file(output, table) for table in TABLES)
