"""Maintenance commands: verify, rebuild, clean, and comparisons with other data."""

from collections.abc import Iterable
from pathlib import Path

from neo_utils.compare.drift import drift_text
from neo_utils.compare.reconcile import reconciled_text
from neo_utils.errors import StoredDataBroken, StoredDataMissing, WrongParameter
from neo_utils.neows.service import Service
from neo_utils.positions import Batch, PositionRange, spans
from neo_utils.run.cleaning import find_results, remove
from neo_utils.run.terminal import selection_of
from neo_utils.settings.folders import output_folder
from neo_utils.settings.run_settings import RunSettings
from neo_utils.statistics.results import check_results
from neo_utils.store.batches import batches_with, noted_service
from neo_utils.store.folders import exists
from neo_utils.store.locks import sole_run
from neo_utils.store.make_commands import make_command
from neo_utils.store.rebuilding import rebuild
from neo_utils.store.verification import check_files, unfinished, verify
from neo_utils.text import printable, shown

_MOST_NAMED = 10  # files in one line


def verify_text(settings: RunSettings) -> str:
    """Check all stored batches of a range and return how many are intact.

    Raises
    ------
    StoredDataBroken
        If a batch, or a table of statistics of this range, is corrupted; it is named.
    StoredDataMissing
        If a batch is incomplete, or none is stored.
    """
    output, positions = settings.output, settings.positions
    reasons, begun = verify(output, positions), unfinished(output, positions)
    # A batch that a running backfill replaces has no raw file for a moment.
    found = {b for table in ("raw", "pages") for b in batches_with(table, output, positions)}
    stored = len(found - set(begun))
    if reasons:
        batches = "; ".join(f"{batch.name} ({reason})" for batch, reason in reasons.items())
        raise StoredDataBroken(
            f"{len(reasons):,} of {stored:,} batches in {output} are corrupted: {batches}. Run "
            f"{_commands('backfill', reasons, output)} to fetch them again, or `make rebuild` of "
            "the same range if their pages are intact"
        )
    if begun:
        batches = ", ".join(batch.name for batch in begun)
        raise StoredDataMissing(
            f"a killed run left {batches} incomplete in {output}. Run "
            f"{_commands('fetch', begun, output)} to fetch them. The other {stored:,} batches are "
            "intact"
        )
    if not stored:
        raise _nothing(output, positions)
    check_results(output, positions)
    where = printable(str(output))
    return f"{stored:,} batches of {positions.name} in {where}: all intact"


def rebuild_text(settings: RunSettings) -> str:
    """Rebuild the tables from the archived pages and return the number of batches."""
    output, positions = settings.output, settings.positions
    # Otherwise the folder would be created and locked.
    if not batches_with("pages", output, positions):
        raise _nothing(output, positions)
    with sole_run(output):  # no other process reads what is replaced
        made = rebuild(output, positions)
    return f"rebuilt the tables of {made:,} batches from their pages"


def clean_text(settings: RunSettings) -> str:
    """Remove the computed results of every range, and return what was removed and kept."""
    output = settings.output
    where = printable(str(output))
    if not exists(output):
        return f"{where} does not exist"
    results = find_results(output)
    text = f"no computed results in {where}; nothing was removed"
    if results.own:  # otherwise any folder would get a lock file
        with sole_run(output):
            results = find_results(output)
            remove(results)
        text = f"removed the computed results in {where}; fetched data is kept"
    names = [shown(path.relative_to(output), 200) for path in results.other]
    if not names:
        return text
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return (
        f"{text}; kept: {', '.join(names[:_MOST_NAMED])}{more} (not recognised as this project's)"
    )


def drift_between(settings: RunSettings, against: str) -> str:
    """Return what changed from the output ``against`` to the one of the settings."""
    older = output_folder(against, "AGAINST") if against else None
    if not older or not exists(older):
        raise WrongParameter(
            f"AGAINST={shown(against)} is not another output. Use `make drift AGAINST=older-output`"
        )
    before, after = selection_of(settings, older), selection_of(settings)
    for selection in (before, after):
        check_files(selection.output, selection.provenances)
    return drift_text(before, after)


def reconciled_with_cad(settings: RunSettings, named: str) -> str:
    """Return how the stored Earth approaches of some NEOs compare with JPL's CAD.

    Parameters
    ----------
    named
        The NEOs, by id, number or designation.

    Raises
    ------
    WrongParameter
        If NEOS is empty, or the stored data is the sample.
    StoredDataMissing, StoredDataBroken
        If the range or one of the NEOs is not stored, or a file is corrupted.
    ServiceFailure
        If CAD does not answer, or its answer is not valid.
    """
    if not named.strip():
        raise WrongParameter(
            "NEOS is not set: name NEOs by id, number or designation, as in "
            'make reconcile NEOS="433 99942"'
        )
    selection = selection_of(settings)
    if any(provenance.source == "sample" for provenance in selection.provenances.values()):
        raise WrongParameter(
            f"{selection.output} contains the simulated sample, which JPL does not list. Use "
            "SOURCE=nasa, or the OUTPUT_DIR with NASA's data"
        )
    check_files(selection.output, selection.provenances)
    return reconciled_text(selection, named)


def _commands(target: str, batches: Iterable[Batch], output: Path) -> str:
    of_service: dict[Service | None, list[Batch]] = {}
    for batch in batches:
        of_service.setdefault(noted_service(output, batch), []).append(batch)
    return " and ".join(
        make_command(target, span, output, service)
        for service, some in of_service.items()
        for span in spans(some)
    )


def _nothing(output: Path, positions: PositionRange) -> StoredDataMissing:
    return StoredDataMissing(
        f"no batch of {positions.name} is stored in {output}. Set OUTPUT_DIR, START and END to "
        f"stored data (see `make status`), or run {make_command('fetch', positions, output)}"
    )
