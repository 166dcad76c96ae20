"""The commands behind ``make``: ``python -m neo_utils COMMAND [PARAMETERS_FILE]``."""

import argparse
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

from neo_utils.engines.spark_failures import too_few_files
from neo_utils.errors import INTERRUPTED, RunFailure
from neo_utils.text import guard_terminal, printable

_NOTEBOOKS = {
    "run": ["fetch", "aggregate"],
    "fetch": ["fetch"],
    "backfill": ["fetch"],
    "aggregate": ["aggregate"],
    "report": ["aggregate"],
}
_FILES = 4_096  # open at the same time, more than any run has
_ENOUGH_FILES = 128  # a run on DuckDB ended with a traceback at 48, and with a wrong cause at 64
_TEXTS = ("plan", "status", "verify", "rebuild", "drift", "reconcile", "clean")


def main(command: str, parameters_file: Path) -> int:
    """Run one command and return its exit status; an expected failure is one line on stderr."""
    parameters = {}
    if cause := _file_limit():
        print(f"{command}: {cause}", file=sys.stderr)
        return RunFailure.exit_status
    for name in [name for name in os.environ if name.startswith("JUPYTER_")]:
        del os.environ[name]  # they would choose how kernels are started
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:  # as nohup has it
            signal.signal(ending, signal.default_int_handler)  # tidies up as after Ctrl-C
    try:
        # Imported only now: Ctrl-C is then one line from the start, and a wrong parameter is said
        # before the slow libraries are loaded.
        from neo_utils.settings.run_settings import run_parameters

        parameters = run_parameters(parameters_file)
        if command in _NOTEBOOKS:
            _ensure_home()
            from neo_utils.run.runner import run

            parameters["refetch"] = parameters["refetch"] or command == "backfill"
            run(command, _NOTEBOOKS[command], parameters)
        else:
            from neo_utils.run.terminal import TEXTS

            print(TEXTS[command](parameters))
    except RunFailure as failure:
        print(f"{command}: {failure}", file=sys.stderr)
        return failure.exit_status
    except OSError as error:
        where = "" if error.filename else f" in {parameters.get('output_dir')}"
        advice = "what is stored stays, and the same command goes on once this is mended"
        print(f"{command}: {printable(f'{error}{where}')}: {advice}", file=sys.stderr)
        return RunFailure.exit_status
    except KeyboardInterrupt:
        replaces = command in ("backfill", "rebuild") or parameters.get("refetch")
        but = ", but for batches that were just replaced: the same command makes them whole"
        print(
            f"\n{command}: stopped; what is stored stays{but if replaces else ''}", file=sys.stderr
        )
        return INTERRUPTED
    return 0


def _file_limit() -> str | None:
    """Allow as many open files as the system lets us; return the cause if these are too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if 0 <= soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return too_few_files(_ENOUGH_FILES)


def _ensure_home() -> None:
    """Set HOME for a user who has none, such as a bare uid: Jupyter does not load without it."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = tempfile.gettempdir()


if __name__ == "__main__":
    guard_terminal()
    parser = argparse.ArgumentParser(prog="neo_utils", description=__doc__)
    parser.add_argument("command", choices=[*_NOTEBOOKS, *_TEXTS])
    parser.add_argument("parameters_file", nargs="?", default="parameters/default.yaml", type=Path)
    sys.exit(main(**vars(parser.parse_args())))
