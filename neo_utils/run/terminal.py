"""Text output of the commands: plan, status, run summary."""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

from neo_utils.fetch.plan import Plan
from neo_utils.fetch.refreshing import ages_text
from neo_utils.interface import plan_of
from neo_utils.positions import EVERYTHING, Batch, batches_text, spans
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.service_address import DEMO_KEY
from neo_utils.settings.variables import api_key
from neo_utils.statistics.results import are_current, read_result
from neo_utils.store.batches import read_rejected, stored_provenances
from neo_utils.store.consistency import drift_notes
from neo_utils.store.history import read_history
from neo_utils.store.provenance import Provenance
from neo_utils.store.result_files import ResultFiles, stored_results
from neo_utils.store.segments import outdated_batches, segments_of
from neo_utils.store.selection import Selection
from neo_utils.text import plural, printable


def source_text(plan: Plan) -> str:
    """Return where a run takes its data from, in one line."""
    if plan.service.source == "sample":
        advice = "for NASA data, set SOURCE=nasa or put an API_KEY in .env"
        return f"source: {plan.service.label} ({advice})"
    key = "with your API_KEY" if api_key() else f"with {DEMO_KEY}, since no API_KEY is set"
    return f"source: {plan.service.label}, {key}"


def plan_text(settings: RunSettings) -> str:
    """Return what a fetch with these settings will do, in a few lines."""
    return repr(plan_of(settings))


def status_text(settings: RunSettings) -> str:
    """Return what is stored under the output folder, by source, in a few lines."""
    output = settings.output
    stored = stored_provenances(output, EVERYTHING)
    if not stored:
        return f"nothing is stored in {printable(str(output))}"
    lines = []
    for source in dict.fromkeys(provenance.source for provenance in stored.values()):
        own = {batch: p for batch, p in stored.items() if p.source == source}
        times = [provenance.fetched_at for provenance in own.values()]
        positions = ", ".join(f"{span.start}-{span.end}" for span in spans(own))
        lines.append(
            f"{source:<9} {batches_text(len(own))}: positions {positions}; "
            f"fetched {min(times):%Y-%m-%d %H:%M} to {max(times):%Y-%m-%d %H:%M} UTC"
        )
        if source != "sample":  # which never changes
            lines.append(f"ages      {ages_text(own, dt.datetime.now(dt.UTC))}")
        lines += [f"note      {note}" for note in drift_notes(output, own)]
    lines.append(f"rejected  {plural(len(read_rejected(output, stored)), 'object')}")
    lines.append(f"segments  {_current_segments(output, stored)}")
    if changes := read_history(output).num_rows:
        lines.append(f"history   {plural(changes, 'change')} of NEOs that were fetched again")
    lines.append(f"results   {', '.join(_counted(output, stored)) or 'none yet'}")
    lines.append(f"folder    {printable(str(output))}")
    return "\n".join(lines)


def _current_segments(output: Path, stored: Mapping[Batch, Provenance]) -> str:
    changed = segments_of(outdated_batches(output, stored))
    count = len(segments_of(stored))
    rest = "; the next count builds the others" if changed else ""
    return f"{count - len(changed):,} of {count:,} current{rest}"


def _counted(output: Path, stored: Mapping[Batch, Provenance]) -> Iterator[str]:
    for files in stored_results(output):
        own = {batch: p for batch, p in stored.items() if files.positions.covers(batch)}
        labels = {provenance.service.label for provenance in own.values()}
        selection = Selection(files.positions, output, " and ".join(labels), own)
        is_current = bool(own) and are_current(selection, files.threshold_au)
        state = _state_of_report(files) if is_current else "outdated or edited, will be recomputed"
        yield f"{files.name} (threshold {files.threshold_au} AU; {state})"


def _state_of_report(files: ResultFiles) -> str:
    if not files.report.exists():
        return "no report"
    if files.saved_after(files.report):
        return "the report is older, `make report` writes it again"
    return "with report"


def summary_text(
    selection: Selection, files: ResultFiles, plan: Plan | None, notebooks: list[str]
) -> str:
    """Return a summary of a run: the headline numbers with their definitions, and the files.

    Parameters
    ----------
    plan
        The plan of the fetch, or None without one.
    notebooks
        The notebooks that the run executed.
    """
    output = selection.output
    lines = [selection.source_line]
    if plan:
        rejected = len(read_rejected(output, selection.provenances))
        fetched = len(selection.provenances) - (0 if plan.refetch else len(plan.stored))
        lines.append(
            f"fetched     {plural(fetched, 'page')}, {len(selection.provenances) - fetched:,} "
            f"already stored; {plural(rejected, 'object')} rejected"
        )
    if "aggregate" in notebooks:
        lines += _headlines(selection, files)
    lines.append(f"tables      {printable(str(output))}")
    lines.append(f"notebooks   {printable(str(files.run_folder))}")
    if "aggregate" in notebooks:
        lines.append(f"report      {printable(str(files.report))}")
    return "\n".join(lines)


def _headlines(selection: Selection, files: ResultFiles) -> list[str]:
    table = read_result("metrics", files).to_pydict()
    value = dict(zip(table["metric"], table["value"], strict=True))
    threshold_au = files.threshold_au
    under = f"under_{threshold_au}_au"
    return [
        f"NEOs        {value['total_neos']:,} {selection.neos_line.removeprefix('NEOs ')}",
        f"approaches  {value[f'total_close_approaches_{under}_earth']:,} to Earth closer than "
        f"{threshold_au} AU from 1900 to 2200, past and predicted, by "
        f"{plural(value[f'total_neos_{under}_earth'], 'NEO')}",
        f"            {value['total_close_approaches']:,} listed in all, to any body, up to limits "
        "that depend on the body",
    ]
