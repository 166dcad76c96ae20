"""The refresh command: fetch the oldest batches again and report what changed."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from neo_utils.compare.drift import neo_lines
from neo_utils.errors import RateLimitReached, RunFailure, StoredDataMissing, WrongParameter
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.refreshing import RefreshPlan, ages_text, plan_refresh
from neo_utils.interface import service_for
from neo_utils.neows.service import Service
from neo_utils.positions import EVERYTHING, Batch, batches_text
from neo_utils.settings.folders import output_folder
from neo_utils.settings.run_settings import RunSettings
from neo_utils.store.batches import PARQUET_SETTINGS, stored_provenances
from neo_utils.store.history import read_history
from neo_utils.store.locks import sole_run
from neo_utils.store.make_commands import make_command
from neo_utils.store.neo_states import VALUES, NeoState, stored_neos
from neo_utils.store.provenance import Provenance
from neo_utils.store.selection import Selection
from neo_utils.text import plural, printable, shown
from neo_utils.units import parse_duration

_NAMES = ("H", "orbit", "hazardous flag", "MOID", "number of approaches")  # of VALUES
_OLDER_THAN = "30d"


class Refreshed(NamedTuple):
    """What a refresh did; ``text`` has it in a few lines."""

    batches: list[Batch]
    text: str

    def __repr__(self) -> str:
        return self.text


def refresh(
    output_dir: str = "output",
    *,
    older_than: str | float = _OLDER_THAN,
    max_requests: int | None = None,
    source: str = "auto",
    api_url: str | None = None,
    longest_wait_s: float = 60,
) -> Refreshed:
    """Fetch the oldest stored batches again, and report what changed.

    Parameters
    ----------
    output_dir, source, api_url
        As for `plan_fetch`; source "auto" is that of the stored data.
    older_than
        Only batches older than this: "30d", "12h", "2w", or a number of days.
    max_requests
        The largest number of batches, one request each; None is as many as the quota allows.
    longest_wait_s
        The longest time to wait for the service's rate limit.

    Raises
    ------
    WrongParameter
        If a value is not valid.
    StoredDataMissing
        If no batch of the service is stored.
    StoredDataBroken
        If a raw file or the history is corrupted.
    RateLimitReached
        If no batch could be fetched.
    OutputBusy, OutputUnwritable, ServiceFailure
        If the refresh cannot continue. What was fetched is stored.
    """
    refreshed, failure = _refresh(
        output_folder(output_dir), source, api_url, older_than, max_requests, longest_wait_s
    )
    if failure:
        raise failure
    return refreshed


def refresh_text(settings: RunSettings, older_than: str = "", max_requests: str = "") -> str:
    """Do the same for a command, and return the text; an empty option has its default."""
    codec = {
        "compression": settings.parquet_compression,
        "use_dictionary": settings.parquet_dictionary,
    }
    refreshed, failure = _refresh(
        settings.output,
        settings.source,
        settings.api_url,
        older_than or _OLDER_THAN,
        max_requests or None,
        settings.longest_wait_s,
        codec,
    )
    if failure:
        print(refreshed.text)
        raise failure
    return refreshed.text


def _refresh(
    output: Path,
    source: str,
    api_url: str | None,
    older_than: str | float,
    max_requests: int | str | None,
    longest_wait_s: float,
    parquet_settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> tuple[Refreshed, RunFailure | None]:
    age, where = parse_duration(older_than), printable(str(output))
    most = _parse_most(max_requests)
    service = _service_of(output, source, api_url)
    with sole_run(output):
        started = _now()
        plan = plan_refresh(output, service, age, most, started)
        if service.source == "sample":
            return _nothing(f"nothing to refresh in {where}: the sample never changes")
        if not plan.due:
            ages = ages_text(plan.stored, _now())
            return _nothing(f"nothing to refresh in {where}: {ages}; due after {older_than}")
        before, rows = stored_neos(output, service.label), read_history(output).num_rows
        failure: RunFailure | None = None
        try:
            fetch(plan, longest_wait_s, parquet_settings)
        except RunFailure as found:
            if _own(output, service) == plan.stored:
                raise
            failure = found
        after = stored_neos(output, service.label)
        added = read_history(output).num_rows - rows
        left = len(plan_refresh(output, service, age, None, started).due)
        refreshed = _report(plan, left, added, before, after)
    if isinstance(failure, RateLimitReached):  # the expected end
        return refreshed._replace(text=f"{refreshed.text}\nstopped     {failure}"), None
    return refreshed, failure


def _parse_most(value: int | str | None) -> int | None:
    if value is None:
        return None
    if re.fullmatch(r"[1-9]\d{0,6}", str(value), re.ASCII):
        return int(value)
    raise WrongParameter(f"MAX_REQUESTS={shown(value)} is not valid. Use a whole number above 0")


def _report(
    plan: RefreshPlan,
    left: int,
    added: int,
    before: Mapping[str, NeoState],
    after: Mapping[str, NeoState],
) -> Refreshed:
    own = _own(plan.output, plan.service)
    fetched = [batch for batch in own if own[batch] != plan.stored.get(batch)]
    neos, *others = neo_lines(_frame(before), _frame(after))
    moved = "; those that moved to a batch that is still due count as out" if left else ""
    verb = "is" if left == 1 else "are"
    selection = Selection(EVERYTHING, plan.output, plan.service.label, own)
    lines = [
        f"refreshed   {batches_text(len(fetched))}; {left:,} more {verb} due",
        f"ages        {ages_text(own, _now())}",
        f"{neos}{moved}",
        *others,
        f"values      {_changed_values(before, after)}",
        f"history     {plural(added, 'row')} added; see `neo sql 'FROM history'`",
        selection.source_line,
    ]
    return Refreshed(fetched, "\n".join(lines))


def _own(output: Path, service: Service) -> dict[Batch, Provenance]:
    stored = stored_provenances(output, EVERYTHING, skip_broken=True)
    return {batch: p for batch, p in stored.items() if p.service.label == service.label}


def _nothing(text: str) -> tuple[Refreshed, None]:
    return Refreshed([], text), None


def _service_of(output: Path, source: str, api_url: str | None) -> Service:
    """Return the service to ask: for source "auto", that of the stored data that can change.

    Raises
    ------
    StoredDataMissing
        If no batch of it is stored.
    """
    stored = stored_provenances(output, EVERYTHING)
    sources = {provenance.source for provenance in stored.values()}
    if source == "auto" and sources:
        source = "nasa" if "nasa" in sources else "sample"
    service = service_for(source, api_url)
    if service.label not in {provenance.service.label for provenance in stored.values()}:
        raise StoredDataMissing(
            f"{output} has no data of {service.label}. Set OUTPUT_DIR and SOURCE to stored data "
            f"(see `make status`), or run {make_command('fetch', EVERYTHING, output)} first"
        )
    return service


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _frame(states: Mapping[str, NeoState]) -> pd.DataFrame:
    """Return what `neo_lines` compares: id, name, orbit_id."""
    place = VALUES.index("orbit_id")
    rows = [(neo_id, one.name, one.values[place]) for neo_id, one in states.items()]
    return pd.DataFrame(rows, columns=["id", "name", "orbit_id"])


def _changed_values(before: Mapping[str, NeoState], after: Mapping[str, NeoState]) -> str:
    """Return for how many NEOs in both each value changed, except the orbit."""
    both = before.keys() & after.keys()
    values = [(before[neo_id].values, after[neo_id].values) for neo_id in both]
    counts = {
        name: sum(old[place] != new[place] for old, new in values)
        for place, name in enumerate(_NAMES)
        if name != "orbit"
    }
    return "NEOs with another " + "; ".join(f"{name}: {counts[name]:,}" for name in counts)
