"""One writer at a time on one output."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neo_utils.errors import OutputBusy, OutputUnwritable


@contextmanager
def sole_run(output: Path) -> Iterator[None]:
    """Hold an output for a whole run, from its first notebook to its summary.

    A kernel outlives a killed runner by a second, and people run notebooks by hand: so who writes
    batches holds those, by `sole_writer`, which raises the same.
    """
    with _sole_holder(output, ".run-lock"):
        with sole_writer(output):
            pass  # nobody does so now
        yield


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Hold the batches of an output while the context lasts.

    Raises
    ------
    OutputBusy
        If another run holds it.
    OutputUnwritable
        If the folder or its lock file cannot be made, opened or locked.
    """
    with _sole_holder(output, ".lock"):
        yield


@contextmanager
def _sole_holder(output: Path, name: str) -> Iterator[None]:
    # The system lets go of it when the process ends, however it ends; an empty file stays.
    try:
        output.mkdir(parents=True, exist_ok=True)
        file = (output / name).open("a+b", buffering=0)
    except OSError as error:
        raise unwritable(output, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise OutputBusy(
                f"another run (process {file.read().decode() or 'unknown'}) writes to {output}: "
                "wait for its end, or choose another OUTPUT_DIR; nothing was changed"
            ) from None
        except OSError as error:
            raise unwritable(output, error) from None
        # The number is a courtesy to whoever comes second: a full disk may have no room for it.
        with suppress(OSError):
            file.truncate(0)
            file.write(str(os.getpid()).encode())
        try:
            yield
        finally:
            with suppress(OSError):
                file.truncate(0)


def unwritable(output: Path, error: OSError) -> OutputUnwritable:
    """Return the failure of an output that the system does not let us change."""
    return OutputUnwritable(
        f"{output} cannot be written ({error.strerror}): what is stored stays, and the same "
        "command goes on once it can be written"
    )
