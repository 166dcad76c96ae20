"""Plan a refresh: which stored batches are the oldest, and which ones the listing has gained."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from neo_utils.neows.service import Service
from neo_utils.positions import Batch, PositionRange
from neo_utils.store.batches import noted_service, stored_provenances
from neo_utils.store.provenance import Provenance, newest_catalogue_size
from neo_utils.store.verification import unfinished

_EVERYTHING = PositionRange(1, None)


class RefreshPlan(NamedTuple):
    """The batches to fetch again, oldest first; `neo_utils.fetch.fetching.fetch` takes it."""

    service: Service
    output: Path
    stored: Mapping[Batch, Provenance]  # of this service
    due: list[Batch]
    most: int | None  # batches, one request each; None for no limit
    positions: PositionRange = _EVERYTHING

    @property
    def catalogue_size(self) -> int | None:
        """The number of NEOs listed at the newest fetch."""
        return newest_catalogue_size(self.stored.values())

    @property
    def size_to_ask_for(self) -> int | None:
        """The size to start with; each page reports the present one."""
        return self.catalogue_size

    def to_fetch(self, catalogue_size: int | None) -> list[Batch]:
        """Return the batches to fetch from a catalogue of this size, at most ``most``."""
        grown = [batch for batch in self._grown(catalogue_size or 0) if batch not in self.due]
        return [*self.due, *grown][: self.most]

    def _grown(self, size: int) -> list[Batch]:
        """Return the batches that have more rows than are stored, if the last one is stored."""
        last = max(self.stored, default=None)
        if last is None:
            return []
        listed = self.stored[last].catalogue_size
        if last.last < listed:  # the user stores only the beginning of the catalogue
            return []
        since = [batch for batch in _EVERYTHING.batches(size) if batch >= last]
        return [batch for batch in since if min(batch.last, size) > listed]


def plan_refresh(
    output: Path, service: Service, older_than: dt.timedelta, most: int | None, now: dt.datetime
) -> RefreshPlan:
    """Return which stored batches of a service to fetch again.

    Parameters
    ----------
    older_than
        Only batches fetched at least this long ago are due, and those that a killed run left
        incomplete.
    most
        The largest number of batches to fetch; None for no limit.
    now
        The time in UTC.

    Raises
    ------
    StoredDataBroken
        If a raw file was not written by this project.
    """
    incomplete = [
        batch
        for batch in unfinished(output, _EVERYTHING)
        if (noted := noted_service(output, batch)) and noted.label == service.label
    ]
    everything = stored_provenances(output, _EVERYTHING)
    stored = {b: p for b, p in everything.items() if p.service.label == service.label}
    plan = RefreshPlan(service, output, stored, [], most)
    size = plan.catalogue_size or 0
    aged = (b for b, p in stored.items() if now - p.fetched_at >= older_than and b.first <= size)
    oldest_first = sorted(aged, key=lambda batch: (stored[batch].fetched_at, batch))
    return plan._replace(due=[*incomplete, *oldest_first])


def ages_text(stored: Mapping[Batch, Provenance], now: dt.datetime) -> str:
    """Return how old the oldest and the newest of these batches are, in days."""
    ages = {batch: (now - provenance.fetched_at).days for batch, provenance in stored.items()}
    oldest = max(ages, key=lambda batch: (ages[batch], -batch.first))
    return f"oldest batch {_days(ages[oldest])} ({oldest.name}), newest {_days(min(ages.values()))}"


def _days(count: int) -> str:
    return f"{count:,} {'day' if count == 1 else 'days'}"
