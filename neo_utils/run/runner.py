"""Run the notebooks in kernels that start early, and print a summary."""

import os
import sys
import time
from contextlib import ExitStack

import msgspec
from jupyter_client.manager import AsyncKernelManager

from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.fetch.plan import Plan
from neo_utils.interface import plan_of, selection_of
from neo_utils.report.policy import is_whole_report
from neo_utils.run.executed import executed_before
from neo_utils.run.kernel_folders import remove_leftover_folders
from neo_utils.run.kernels import kernel
from neo_utils.run.terminal import source_text, summary_text
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.spark import is_embedded
from neo_utils.statistics.results import are_current
from neo_utils.store.locks import sole_run
from neo_utils.store.result_files import ResultFiles, kernel_log
from neo_utils.store.selection import Selection

# Up to this many missing pages, Spark starts during the fetch. With more, it would hold up to 2 GB
# for longer than its start takes.
_SOON = 50
_IMPORTS = "import neo_utils.figures.yearly, neo_utils.statistics.computation"

# Importing nbformat would spend 2 of its 3 seconds on this optional package, with which jsonschema
# builds a grammar of web addresses.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]


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
    aggregates = "aggregate" in notebooks
    plan = plan_of(settings) if "fetch" in notebooks else None
    if plan:
        print(source_text(plan), flush=True)
    # Seconds between two progress lines, read by tqdm in the kernel. A log file needs fewer.
    os.environ["TQDM_MININTERVAL"] = "0.5" if sys.stderr.isatty() else "30"
    # Report unusable or missing input before creating a folder or starting a kernel.
    source = _checked_source(plan, settings)
    # Resolve "auto" once: a key that disappears during the run must not change the source.
    settings = msgspec.structs.replace(settings, source=source)
    # What is fetched does not depend on the threshold.
    threshold_au = settings.threshold_au if aggregates else RunSettings().threshold_au
    files = ResultFiles(settings.output, settings.positions, threshold_au)
    folder = files.run_folder
    reuses_results = command in ("run", "report")
    remove_leftover_folders()
    with sole_run(settings.output), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)

        def start(name: str, first: str = "") -> AsyncKernelManager:
            embedded = is_embedded(settings.master)
            log = kernel_log(folder, name)
            return stack.enter_context(kernel(log, first, kill_java=embedded))

        # Start all kernels now, so Spark starts during the fetch.
        fetching = start("fetch") if plan else None
        aggregating = None
        selection = _stored(settings) if aggregates and reuses_results else None
        if aggregates and not _is_up_to_date(files, settings, selection):
            aggregating = start("aggregate", _get_ready(plan, files, settings))
        # Importing this takes half a second, during which the kernels start.
        from neo_utils.run.execution import execute

        if fetching:
            execute("fetch", folder, settings.notebook_parameters(), fetching)
            if plan and plan.to_fetch(plan.expected_size):
                selection = None  # the fetch may have changed it
        selection = selection or selection_of(settings)
        if aggregates:
            if reuses_results and _is_up_to_date(files, settings, selection):
                print("up to date: nothing changed since the last run")
            else:
                # Without a kernel, the results were up to date until the fetch replaced a page.
                aggregating = aggregating or start("aggregate")
                execute("aggregate", folder, settings.notebook_parameters(), aggregating)
            if not _has_report(files):
                from neo_utils.report.page import write_report

                write_report(folder / "aggregate.ipynb", files.report, selection)
        summary = summary_text(selection, files, plan, notebooks)
    # Printed after the kernels have ended: this is the time from prompt to prompt.
    print(f"done in {time.monotonic() - began:.1f} s\n{summary}", flush=True)
    if aggregating and is_embedded(settings.master):
        from neo_utils.engines.class_archive import create_in_background

        create_in_background()


def _get_ready(plan: Plan | None, files: ResultFiles, settings: RunSettings) -> str:
    """Return code that imports what the notebook needs and, if few pages are missing, starts Spark.

    Doing this while pages are fetched saves about 0.5 s and 3 s, respectively.
    """
    missing = plan.to_fetch(plan.expected_size) if plan else []
    if len(missing) > _SOON or not is_embedded(settings.master):
        return _IMPORTS
    arguments = (settings.master, settings.spark_conf, str(files.spark_log))
    return (
        "from pathlib import Path\n"
        "from neo_utils.engines.spark_session import connect_in_background\n"
        "connect_in_background({!r}, {!r}, Path({!r}))\n".format(*arguments)
    ) + _IMPORTS


def _checked_source(plan: Plan | None, settings: RunSettings) -> str:
    """Return the source of the run; raise if its service or its stored data cannot be used."""
    if not plan:
        return next(iter(selection_of(settings).provenances.values())).source
    if plan.service.source == "nasa":
        from neo_utils.neows.network import route_to  # slow to import

        route_to(plan.service.url)
    return plan.service.source


def _stored(settings: RunSettings) -> Selection | None:
    """Return the stored batches of the range; None if one is missing or corrupted."""
    try:
        return selection_of(settings)
    except (StoredDataMissing, StoredDataBroken):
        return None


def _is_up_to_date(files: ResultFiles, settings: RunSettings, selection: Selection | None) -> bool:
    """Check whether the saved results have the same pages, notebook and definitions."""
    folder, parameters = files.run_folder, settings.notebook_parameters()
    return bool(
        selection
        and executed_before("aggregate", folder, parameters)
        and are_current(selection, files.threshold_au)
        # A run that failed, or a notebook run by hand, may have saved results since.
        and not files.saved_after(folder / "aggregate.ipynb")
    )


def _has_report(files: ResultFiles) -> bool:
    """Check whether the report was written completely, after the executed notebook."""
    report, notebook = files.report, files.run_folder / "aggregate.ipynb"
    return is_whole_report(report) and report.stat().st_mtime_ns > notebook.stat().st_mtime_ns
