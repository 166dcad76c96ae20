"""The refresh command: fetch the oldest batches again and report what changed."""

import datetime as dt
import re
from collections.abc import Mapping

import pandas as pd

from neo_utils.errors import RateLimitReached, StoredDataMissing, WrongParameter
from neo_utils.fetch.refreshing import RefreshPlan, ages_text, plan_refresh
from neo_utils.interface import service_for
from neo_utils.neows.service import Service
from neo_utils.positions import PositionRange, batches_text
from neo_utils.settings.run_settings import RunSettings
from neo_utils.store.batches import stored_provenances
from neo_utils.store.history import VALUES, Known, read_history, stored_neos
from neo_utils.store.locks import sole_run
from neo_utils.store.make_commands import make_command
from neo_utils.text import printable, shown
from neo_utils.units import parse_duration

_EVERYTHING = PositionRange(1, None)
_NAMES = ("H", "orbit", "hazardous flag", "MOID", "number of approaches")  # of VALUES


def refresh_text(
    settings: RunSettings, older_than: str = "", most: str = "", now: dt.datetime | None = None
) -> str:
    """Fetch the oldest stored batches again, and return what changed in a few lines.

    Parameters
    ----------
    older_than
        Only batches older than this: "30d", "12h" or "2w". Empty is 30 days.
    most
        The largest number of batches; empty is as many as the service's quota allows.
    now
        The time in UTC; None is the present.

    Raises
    ------
    WrongParameter
        If a value is not valid.
    StoredDataMissing
        If no batch of the service is stored.
    StoredDataBroken
        If a raw file or the history is corrupted.
    RateLimitReached, ServiceFailure
        If no batch could be fetched.
    """
    age, limit = parse_duration(older_than or "30d", "OLDER_THAN"), _parse_most(most)
    output, now = settings.output, now or dt.datetime.now(dt.UTC)
    where, service = printable(str(output)), _service_of(settings)
    plan = plan_refresh(output, service, age, limit, now)
    if not plan.stored:
        raise StoredDataMissing(
            f"no batch of {service.label} is stored in {output}. Set OUTPUT_DIR and SOURCE to "
            "stored data (see `make status`), or run "
            f"{make_command('fetch', _EVERYTHING, output)} first"
        )
    if service.source == "sample":
        return f"nothing to refresh in {where}: the sample never changes"
    if not plan.due:
        ages = ages_text(plan.stored, now)
        return f"nothing to refresh in {where}: {ages}; due after {older_than or '30d'}"
    return _refresh(plan, settings, now)


def _refresh(plan: RefreshPlan, settings: RunSettings, now: dt.datetime) -> str:
    from neo_utils.compare.drift import neo_lines  # slow to import
    from neo_utils.fetch.fetching import fetch

    output, label = plan.output, plan.service.label
    codec = {
        "compression": settings.parquet_compression,
        "use_dictionary": settings.parquet_dictionary,
    }
    with sole_run(output):
        before, rows = stored_neos(output, label), read_history(output).num_rows
        limit = ""
        try:
            fetch(plan, settings.longest_wait_s, codec)
        except RateLimitReached as reached:
            if stored_provenances(output, _EVERYTHING, skip_broken=True) == plan.stored:
                raise
            limit = f"stopped     {reached}"
        after, added = stored_neos(output, label), read_history(output).num_rows - rows
    stored = stored_provenances(output, _EVERYTHING, skip_broken=True)
    fetched = [batch for batch in stored if stored[batch] != plan.stored.get(batch)]
    left = len(set(plan.due) - set(fetched))
    return "\n".join(
        [
            f"refreshed   {batches_text(len(fetched))}, {left:,} due ones left",
            f"ages        {ages_text(stored, now)}",
            *neo_lines(_frame(before), _frame(after)),
            f"values      {_changed_values(before, after)}",
            f"history     {added:,} rows added; see `neo sql 'FROM history'`",
            *([limit] if limit else []),
        ]
    )


def _service_of(settings: RunSettings) -> Service:
    """Return the service of the settings; for source "auto", of the stored data if it is one."""
    stored = stored_provenances(settings.output, _EVERYTHING)
    sources = {provenance.source for provenance in stored.values()}
    source = sources.pop() if settings.source == "auto" and len(sources) == 1 else settings.source
    return service_for(source, settings.api_url)


def _parse_most(text: str) -> int | None:
    if not text:
        return None
    if re.fullmatch(r"[1-9]\d{0,6}", text, re.ASCII):
        return int(text)
    raise WrongParameter(f"MAX_REQUESTS={shown(text)} is not valid. Use a whole number above 0")


def _frame(known: Mapping[str, Known]) -> pd.DataFrame:
    """Return what `neo_lines` compares: id, name, orbit_id."""
    place = VALUES.index("orbit_id")
    rows = [(neo_id, one.name, one.values[place]) for neo_id, one in known.items()]
    return pd.DataFrame(rows, columns=["id", "name", "orbit_id"])


def _changed_values(before: Mapping[str, Known], after: Mapping[str, Known]) -> str:
    """Return for how many NEOs in both each value changed, except the orbit."""
    both = before.keys() & after.keys()
    values = [(before[neo_id].values, after[neo_id].values) for neo_id in both]
    counts = {
        name: sum(old[place] != new[place] for old, new in values)
        for place, name in enumerate(_NAMES)
        if name != "orbit"
    }
    return f"changed for this many NEOs: {', '.join(f'{n} {counts[n]:,}' for n in counts)}"
