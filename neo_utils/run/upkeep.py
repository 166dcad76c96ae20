"""Maintenance commands: verify, rebuild, clean."""

from collections.abc import Iterable
from pathlib import Path

from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.neows.service import Service
from neo_utils.positions import Batch, PositionRange, batches_text, spans
from neo_utils.run.cleaning import find_results, remove
from neo_utils.settings.run_settings import RunSettings
from neo_utils.statistics.results import check_results
from neo_utils.store.batches import (
    batches_on_disk,
    batches_with,
    noted_service,
    stored_provenances,
)
from neo_utils.store.folders import exists
from neo_utils.store.history import check_history
from neo_utils.store.locks import sole_run
from neo_utils.store.make_commands import make_command
from neo_utils.store.provenance import newest_catalogue_size
from neo_utils.store.rebuilding import rebuild
from neo_utils.store.segment_building import differing_segments
from neo_utils.store.verification import unfinished, verify
from neo_utils.text import plural, printable, shown

_MOST_NAMED = 10  # files in one line


def verify_text(settings: RunSettings) -> str:
    """Check all stored batches of a range and return how many are intact.

    Raises
    ------
    StoredDataBroken
        If a batch, a segment, or a table of statistics of this range, or the history is corrupted;
        it is named.
    StoredDataMissing
        If a batch is incomplete or not stored.
    """
    output, positions = settings.output, settings.positions
    reasons, incomplete = verify(output, positions), unfinished(output, positions)
    # A batch that a running backfill replaces has no raw file for a moment.
    found = batches_on_disk(output, positions)
    stored = len(found - set(incomplete))
    if reasons:
        batches = "; ".join(f"{batch.name} ({reason})" for batch, reason in reasons.items())
        raise StoredDataBroken(
            f"{len(reasons):,} of {batches_text(stored)} in {output} are corrupted: {batches}. Run "
            f"{_commands('backfill', reasons, output)} to fetch them again, or `make rebuild` of "
            "the same range if their pages are intact"
        )
    if incomplete:
        batches = ", ".join(batch.name for batch in incomplete)
        raise StoredDataMissing(
            f"a killed run left {batches} incomplete in {output}. Run "
            f"{_commands('fetch', incomplete, output)} to fetch them. The other "
            f"{batches_text(stored)} are intact"
        )
    if not stored:
        raise _nothing(output, positions)
    check_results(output, positions)
    changes = check_history(output)
    if wrong := differing_segments(output, found):
        raise StoredDataBroken(
            f"{', '.join(map(str, wrong))} differs from the batches, which are intact. Remove it; "
            "the next count builds it again"
        )
    where = printable(str(output))
    history = f", and {plural(changes, 'row')} of history" if changes else ""
    text = f"{batches_text(stored)} of {positions.in_words} in {where}{history}: all intact"
    provenances = stored_provenances(output, positions)
    expected = positions.batches(newest_catalogue_size(provenances.values()))
    missing = [batch for batch in expected if batch not in found]
    if missing:
        names = ", ".join(f"{span.start}-{span.end}" for span in spans(missing))
        service = next(iter(provenances.values())).service
        raise StoredDataMissing(
            f"{text}, but positions {names} are not stored. Run "
            f"{make_command('fetch', positions, output, service)} to fetch them, or set START and "
            "END to what is stored"
        )
    return text


def rebuild_text(settings: RunSettings) -> str:
    """Rebuild the tables from the archived pages and return the number of batches."""
    output, positions = settings.output, settings.positions
    # Otherwise the folder would be created and locked.
    if not batches_with("pages", output, positions):
        raise _nothing(output, positions)
    with sole_run(output):  # no other process reads what is replaced
        made = rebuild(output, positions)
    return f"rebuilt the tables of {batches_text(made)} from their pages"


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


def _commands(target: str, batches: Iterable[Batch], output: Path) -> str:
    by_service: dict[Service | None, list[Batch]] = {}
    for batch in batches:
        by_service.setdefault(noted_service(output, batch), []).append(batch)
    return " and ".join(
        make_command(target, span, output, service)
        for service, own in by_service.items()
        for span in spans(own)
    )


def _nothing(output: Path, positions: PositionRange) -> StoredDataMissing:
    return StoredDataMissing(
        f"no batch of {positions.in_words} is stored in {output}. Set OUTPUT_DIR, START and END to "
        f"stored data (see `make status`), or run {make_command('fetch', positions, output)}"
    )
