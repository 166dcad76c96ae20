"""Run the notebooks through Papermill, keep them executed, and sum up in a few lines."""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from neo_utils.batches import position_range
from neo_utils.errors import RunFailure, exit_status_of
from neo_utils.lock import sole_run
from neo_utils.results import counted_from, inputs_sha256, run_folder
from neo_utils.selection import select_batches
from neo_utils.settings import PROJECT, output_folder
from neo_utils.terminal import plan_of, source_text, summary_text


class NotebookFailed(RunFailure):
    """A notebook ended with an error; ``exit_status`` is that of the error."""


def run(command: str, notebooks: list[str], parameters: Mapping[str, Any]) -> None:
    """Execute the notebooks one after the other and print a summary.

    Parameters
    ----------
    command
        What the user asked for: a ``run`` does not count again what is counted already.
    notebooks
        "fetch", "aggregate".
    parameters
        Checked parameters of all notebooks; each is given those that it declares.

    Raises
    ------
    NotebookFailed
        With the error's one line, and where the notebook is, as far as it came.
    """
    began = time.monotonic()
    plan = plan_of(parameters) if "fetch" in notebooks else None
    if plan:
        print(source_text(plan), flush=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # tells of kernels that Ctrl-C ended
    # Seconds between two lines of progress, which tqdm reads in the kernel: a log is no screen.
    os.environ.setdefault("TQDM_MININTERVAL", "0.5" if sys.stderr.isatty() else "30")
    output = output_folder(parameters["output_dir"])
    with sole_run(output):
        positions = position_range(parameters["start"], parameters["end"])
        folder = run_folder(output, positions)
        folder.mkdir(parents=True, exist_ok=True)
        for name in notebooks:
            given = _declared(name, parameters)
            if name == "aggregate" and command == "run" and _is_counted(folder, given):
                print("counted already: same pages, same definitions, same parameters")
            else:
                _execute(name, folder, given)
        print(summary_text(parameters, plan, notebooks, time.monotonic() - began))


def _declared(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    declared = papermill.inspect_notebook(PROJECT / "notebooks" / f"{name}.ipynb")
    return {key: value for key, value in parameters.items() if key in declared}


def _is_counted(folder: Path, given: Mapping[str, Any]) -> bool:
    """Tell whether the same pages were counted before, in the same way: as make would."""
    try:
        notebook = json.loads((folder / "aggregate.ipynb").read_bytes())
        report = notebook["metadata"]["papermill"]
        ended_well = report["end_time"] and not report["exception"]
        as_given = report["parameters"] == given
    except (OSError, ValueError, LookupError, TypeError):
        return False  # none, or half a notebook, of a run that was killed
    if not ended_well or not as_given:
        return False
    selection = select_batches(*(given[k] for k in ("start", "end", "source", "output_dir")))
    wanted = inputs_sha256(selection, given["threshold_au"])
    return counted_from(selection.output, selection.positions) == wanted


def _execute(name: str, folder: Path, given: dict[str, Any]) -> None:
    executed = folder / f"{name}.ipynb"
    try:
        with _kernel_messages_in(folder / "kernel.log") as terminal:
            papermill.execute_notebook(
                PROJECT / "notebooks" / f"{name}.ipynb",
                executed,
                given,
                cwd=PROJECT,
                progress_bar=False,  # counts cells; the pages are what takes time
                stderr_file=terminal,  # what cells say: progress over pages, the log
                # ipykernel asks for it
                config=Config(KernelManager={"transport_encryption": "auto"}),
            )
    except PapermillExecutionError as error:
        failure = NotebookFailed(f"{error.evalue.splitlines()[0]}\n  as far as it came: {executed}")
        failure.exit_status = exit_status_of(error.ename)
        raise failure from None
    except DeadKernelError:
        raise NotebookFailed(
            f"the kernel of {name}.ipynb died, perhaps for want of memory; what is stored stays\n"
            f"  as far as it came: {executed}"
        ) from None


@contextmanager
def _kernel_messages_in(log: Path) -> Iterator[TextIO]:
    """Let the kernel's own messages go to a file; gives a stream that still shows on the terminal.

    A kernel inherits our stderr, and writes what no user can use to it, most of all when stopped.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        with os.fdopen(terminal, "w", closefd=False) as stream:
            yield stream
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
