"""Run the notebooks through Papermill, keep them executed, and sum up in a few lines."""

import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from neo_utils.batches import position_range
from neo_utils.errors import exit_status_of
from neo_utils.results import run_folder
from neo_utils.settings import PROJECT, output_folder
from neo_utils.status import plan_of, summary_text


def run(notebooks: list[str], parameters: Mapping[str, Any]) -> int:
    """Execute the notebooks one after the other and return the exit status of the run.

    Parameters
    ----------
    notebooks
        "fetch", "aggregate".
    parameters
        Checked parameters of all notebooks; each is given those that it declares.
    """
    began = time.monotonic()
    plan = plan_of(parameters) if "fetch" in notebooks else None
    folder = run_folder(
        output_folder(parameters["output_dir"]),
        position_range(parameters["start"], parameters["end"]),
    )
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    # Seconds between two lines of progress, which tqdm reads in the kernel: a log is no screen.
    os.environ.setdefault("TQDM_MININTERVAL", "0.5" if sys.stderr.isatty() else "30")
    for name in notebooks:
        executed = folder / f"{name}.ipynb"
        try:
            _execute(name, executed, parameters)
        except PapermillExecutionError as error:
            print(f"{name}: {error.evalue}", file=sys.stderr)
            print(f"{name}: the notebook as far as it came: {executed}", file=sys.stderr)
            return exit_status_of(error.ename)
    print(summary_text(parameters, plan, notebooks, time.monotonic() - began))
    return 0


def _execute(name: str, executed: Path, parameters: Mapping[str, Any]) -> None:
    notebook = PROJECT / "notebooks" / f"{name}.ipynb"
    declared = papermill.inspect_notebook(notebook)
    papermill.execute_notebook(
        notebook,
        executed,
        {key: value for key, value in parameters.items() if key in declared},
        cwd=PROJECT,
        progress_bar=False,  # counts cells; the pages are what takes time
        stderr_file=sys.stderr,  # the kernel's progress over pages, and its log
        config=Config(KernelManager={"transport_encryption": "auto"}),  # as ipykernel 7.4 asks for
    )
