"""The command ``neo``. Every make target that works on data is one call of it."""

import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

try:
    import resource
except ImportError:
    sys.exit("neo: this needs Linux or macOS. On Windows, use WSL or Docker")

from neo_utils.errors import INTERRUPTED, READER_ENDED, RunFailure
from neo_utils.text import guard_terminal, printable

_BEGAN = time.monotonic()
_FILES = 4_096  # open at the same time, more than any run has
_ENOUGH_FILES = (
    128  # with 48, a run on DuckDB ended with a traceback; with 64, it reported a wrong cause
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an expected failure prints one line on stderr.

    ``arguments`` defaults to ``sys.argv[1:]``.
    """
    guard_terminal()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(ending, signal.default_int_handler)  # clean up as after Ctrl-C
    command, settings = "neo", None
    try:
        # Imported here, so Ctrl-C prints one line from the start.
        from neo_utils.run.command_line import command_line, run_settings
        from neo_utils.run.commands import COMMANDS

        options = command_line(arguments)
        command, options.began = options.command, _BEGAN
        _prepare_process()
        settings = run_settings(options)
        COMMANDS[command].function(settings, options)
    except RunFailure as failure:
        print(f"{command}: {failure}", file=sys.stderr)
        return failure.exit_status
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _has_no_reader():
            return READER_ENDED  # such as head, which has enough
        where = "" if error.filename or not settings else f" in {settings.output_dir}"
        advice = "Stored data is kept. Fix the cause, then run the same command again to resume"
        print(f"{command}: {printable(f'{error}{where}')}. {advice}", file=sys.stderr)
        return RunFailure.exit_status
    except KeyboardInterrupt:
        replaces = command in ("rebuild", "refresh") or (settings and settings.refetch)
        but = ", except batches that were being replaced" if replaces else ""
        print(
            f"\n{command}: interrupted. Stored data is kept{but}. Run the same command again to "
            "resume",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


def _has_no_reader() -> bool:
    """Check whether the standard output is a pipe whose reader has ended."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return bool(poll.poll(0))  # an error: nobody can read any more


def run_and_exit() -> NoReturn:
    """Run the command given on the command line, and end this process with its exit status."""
    status = main()
    with suppress(OSError):  # such as a closed pipe
        sys.stdout.flush()
        sys.stderr.flush()
    # Everything is written and every child has ended: unloading the libraries would take a second.
    os._exit(status)


def _prepare_process() -> None:
    """Increase the limit of open files, fail if it stays too low, and set HOME for Jupyter."""
    from neo_utils.engines.spark_failures import too_few_files

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if 0 <= soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if cause := too_few_files(_ENOUGH_FILES):
        raise RunFailure(cause)
    try:
        Path.home()
    except RuntimeError:  # a user without a name: Jupyter does not load without HOME
        os.environ["HOME"] = tempfile.gettempdir()
