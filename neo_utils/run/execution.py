"""Execute a notebook with Papermill, and report a failure in one line."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.manager import AsyncKernelManager
from papermill.exceptions import PapermillExecutionError

from neo_utils.errors import RunFailure, exit_status_of
from neo_utils.run.executed import FAILED, notebook_path
from neo_utils.store.atomic import write_in_order
from neo_utils.store.result_files import kernel_log
from neo_utils.text import printable

# Failures are raised and reported below. These loggers would also report kernels that Ctrl-C ended.
for _name in ("papermill", "asyncio"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class NotebookFailed(RunFailure):
    """A notebook ended with an error; ``exit_status`` is that of the error."""

    def __init__(self, message: str, executed: Path | None = None) -> None:
        super().__init__(message)
        self.executed = executed

    def __str__(self) -> str:
        """Return the message and, on a second line, the path of the notebook."""
        if not self.executed:
            return super().__str__()
        return f"{super().__str__()}\n  notebook up to the failure: {printable(str(self.executed))}"


def execute(
    name: str, folder: Path, parameters: Mapping[str, Any], kernel: AsyncKernelManager
) -> None:
    """Execute a notebook in its own kernel, and save it if no cell fails.

    If a cell fails, the notebook up to the failure is saved beside an earlier one, which only a
    success replaces. The notebook receives those of the ``parameters`` that it declares.

    Raises
    ------
    NotebookFailed
        With the error in one line and the path of the notebook, if there is one.
    """
    notebook = _escaped(notebook_path(name))
    declared = papermill.inspect_notebook(notebook)
    executed, failed = folder / f"{name}.ipynb", folder / f"{name}{FAILED}.ipynb"
    try:
        content = papermill.execute_notebook(
            notebook,
            _escaped(failed),
            {key: value for key, value in parameters.items() if key in declared},
            progress_bar=False,  # it counts cells, but pages take the time
            # Saving after every cell would cost half a second per run.
            request_save_on_cell_execute=False,
            stderr_file=sys.stderr,  # progress and log of the cells
            km=kernel,
        )
    except PapermillExecutionError as error:
        message = error.evalue.partition("\n")[0] or error.ename  # MemoryError has no message
        failure = NotebookFailed(message, failed)
        failure.exit_status = exit_status_of(error.ename)
        raise failure from None
    except RuntimeError as error:  # from nbclient or Jupyter's client
        raise NotebookFailed(
            f"the kernel of {name}.ipynb failed ({error}), perhaps because of insufficient memory. "
            "Stored data is kept; run the same command again to resume. See "
            f"{kernel_log(folder, name)}"
        ) from None
    content.metadata.papermill.output_path = str(executed)
    write_in_order([(executed, nbformat.writes(content).encode())])
    failed.unlink()


def _escaped(path: Path) -> str:
    """Escape a path for Papermill, which treats {...} as a parameter."""
    return str(path).replace("{", "{{").replace("}", "}}")
