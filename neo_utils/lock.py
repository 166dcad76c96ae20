"""One writer at a time on one output."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neo_utils.errors import OutputBusy


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Hold the output folder while the context lasts.

    The system lets go of it when the process ends, however it ends; an empty file ``.lock`` stays.

    Raises
    ------
    OutputBusy
        If another run holds it.
    """
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise OutputBusy(
                f"another run (process {file.read().strip() or 'unknown'}) writes to {output}: "
                "wait for its end, or choose another OUTPUT_DIR; nothing was changed"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
