"""Run the notebooks in kernels that start early, and print a summary."""

import os
import sys
import time
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread

import msgspec
from jupyter_client.manager import AsyncKernelManager

from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.fetch.plan import Plan
from neo_utils.neows.network import route_to
from neo_utils.report.policy import is_whole_report
from neo_utils.run.executed import executed_before
from neo_utils.run.kernel_folders import remove_leftover_folders
from neo_utils.run.kernels import kernel
from neo_utils.run.terminal import plan_of, selection_of, source_text, summary_text
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.spark import is_embedded
from neo_utils.statistics.result_files import kernel_log, report_path
from neo_utils.statistics.results import inputs_sha256, saved_inputs_sha256
from neo_utils.store.folders import run_folder
from neo_utils.store.locks import sole_run

# Up to this many missing pages, Spark starts during the fetch. With more, it would hold up to 2 GB
# for longer than its start takes.
_SOON = 50
_IMPORTS = "import neo_utils.figures.yearly, neo_utils.statistics.computation"


def run(
    command: str, notebooks: list[str], settings: RunSettings, began: float | None = None
) -> None:
    """Execute the notebooks, "fetch" and "aggregate" or one of them, and print a summary.

    Parameters
    ----------
    command
        The user's command. "run" and "report" skip results that are up to date.
    began
        The start of the command, by `time.monotonic`; None means now.

    Raises
    ------
    NotebookFailed
        With the error in one line and the path of the notebook, if there is one.
    StoredDataMissing
        If nothing is to be fetched, and batches of the range are not stored.
    """
    began = time.monotonic() if began is None else began
    plan = plan_of(settings) if "fetch" in notebooks else None
    if plan:
        print(source_text(plan), flush=True)
    # Seconds between two progress lines, read by tqdm in the kernel. A log file needs fewer.
    os.environ["TQDM_MININTERVAL"] = "0.5" if sys.stderr.isatty() else "30"
    output = settings.output
    folder = run_folder(output, settings.positions)
    # Report unusable or missing input before creating a folder or starting a kernel.
    if plan:
        source = plan.service.source
        if source == "nasa":
            route_to(plan.service.url)
    else:
        selection = selection_of(settings)
        source = next(iter(selection.provenances.values())).source
    # Resolve "auto" once: a key that disappears during the run must not change the source.
    settings = msgspec.structs.replace(settings, source=source)
    remove_leftover_folders()
    with sole_run(output), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        left_out = partial(_is_left_out, command=command, folder=folder, settings=settings)

        def start(name: str, first: str = "") -> AsyncKernelManager:
            embedded = is_embedded(settings.master)
            log = kernel_log(folder, name)
            return stack.enter_context(kernel(log, first, kill_java=embedded))

        # Start all kernels now, so Spark starts during the fetch.
        kernels = {}
        for name in notebooks:
            if not left_out(name):
                first = _get_ready(plan, folder, settings) if name == "aggregate" else ""
                kernels[name] = start(name, first)
        # Importing this takes a second, during which the kernels start.
        from neo_utils.run.execution import execute

        for name in notebooks:
            if left_out(name):
                print("up to date: nothing changed since the last run")
            else:
                if name not in kernels:  # it was up to date until the fetch replaced a page
                    kernels[name] = start(name)
                if name == "aggregate":  # the report writer takes a second to load
                    Thread(target=import_module, args=["neo_utils.report.page"]).start()
                execute(name, folder, settings.notebook_parameters(), kernels[name])
        if "aggregate" in notebooks:
            _update_report(folder, settings)
        summary = summary_text(settings, plan, notebooks)
    # Printed after the kernels have ended: this is the time from prompt to prompt.
    print(f"done in {time.monotonic() - began:.1f} s\n{summary}", flush=True)
    if "aggregate" in kernels and is_embedded(settings.master):
        from neo_utils.engines.class_archive import create_in_background

        create_in_background()


def _get_ready(plan: Plan | None, folder: Path, settings: RunSettings) -> str:
    """Return code that imports what the notebook needs and, if few pages are missing, starts Spark.

    Doing this while pages are fetched saves about half a second and three seconds.
    """
    missing = plan.to_fetch(plan.expected_size) if plan else []
    if len(missing) > _SOON or not is_embedded(settings.master):
        return _IMPORTS
    arguments = (settings.master, settings.spark_conf, str(folder / "spark.log"))
    return (
        "from pathlib import Path\n"
        "from neo_utils.engines.spark_session import connect_in_background\n"
        "connect_in_background({!r}, {!r}, Path({!r}))\n".format(*arguments)
    ) + _IMPORTS


def _update_report(folder: Path, settings: RunSettings) -> None:
    report, notebook = report_path(folder), folder / "aggregate.ipynb"
    if is_whole_report(report) and report.stat().st_mtime_ns > notebook.stat().st_mtime_ns:
        return
    from neo_utils.report.page import write_report  # loaded while the kernel ran

    write_report(notebook, report, selection_of(settings))


def _is_left_out(name: str, command: str, folder: Path, settings: RunSettings) -> bool:
    """Check whether the saved results have the same pages, notebook and definitions."""
    if command not in ("run", "report") or name != "aggregate":
        return False
    if not executed_before(name, folder, settings.notebook_parameters()):
        return False
    try:
        selection = selection_of(settings)
    except (StoredDataMissing, StoredDataBroken):  # checked before they are fetched
        return False
    wanted = inputs_sha256(selection, settings.threshold_au)
    return saved_inputs_sha256(selection.output, selection.positions) == wanted
