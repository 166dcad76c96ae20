"""Plan a refresh: the oldest stored batches, and those that the listing has gained."""

import datetime as dt
from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

from neo_utils.neows.service import Service
from neo_utils.positions import EVERYTHING, Batch, PositionRange
from neo_utils.store.batches import noted_service, stored_provenances
from neo_utils.store.provenance import Provenance, newest_catalogue_size
from neo_utils.store.verification import unfinished
from neo_utils.store.whole_catalogue import is_marked_whole
from neo_utils.text import plural


class RefreshPlan(NamedTuple):
    """Which batches of an output to fetch again from ``service``."""

    service: Service
    output: Path
    stored: Mapping[Batch, Provenance]  # of this service
    is_whole: bool  # whether the output follows the end of the catalogue
    due: list[Batch]  # incomplete and missing ones, then the oldest first
    most_batches: int | None  # None for no limit
    positions: PositionRange = EVERYTHING
    others: Set[Batch] = frozenset()  # stored from another service than the sample

    @property
    def catalogue_size(self) -> int | None:
        """The number of NEOs listed at the newest fetch."""
        return newest_catalogue_size(self.stored.values())

    @property
    def size_to_ask_for(self) -> int | None:
        """Same as the catalogue size: each fetched page reports the present one."""
        return self.catalogue_size

    def to_fetch(self, catalogue_size: int | None) -> list[Batch]:
        """Return the batches to fetch from a catalogue of this size, within the limit."""
        gained = self.missing(catalogue_size or 0)
        return list(dict.fromkeys([*self.due, *gained]))[: self.most_batches]

    def missing(self, catalogue_size: int) -> list[Batch]:
        """Return the batches that are not stored with all their rows, if all should be."""
        if not self.is_whole:
            return []
        return [
            batch
            for batch in EVERYTHING.batches(catalogue_size)
            if batch not in self.others
            and (
                batch not in self.stored
                or self.stored[batch].catalogue_size < min(batch.last, catalogue_size)
            )
        ]


def plan_refresh(
    output: Path,
    service: Service,
    older_than: dt.timedelta,
    most_batches: int | None,
    now: dt.datetime,
) -> RefreshPlan:
    """Return which stored batches of a service to fetch again.

    Parameters
    ----------
    older_than
        Batches fetched at least this long ago are due; so are those that a killed run left
        incomplete, and those that the listing has gained.
    most_batches
        The largest number of batches to fetch; None for no limit.
    now
        The time in UTC; batches fetched later are not due.

    Raises
    ------
    StoredDataBroken
        If a raw file was not written by this project.
    """
    incomplete = [
        batch
        for batch in unfinished(output, EVERYTHING)
        if (noted := noted_service(output, batch)) and noted.label == service.label
    ]
    everything = stored_provenances(output, EVERYTHING)
    stored = {b: p for b, p in everything.items() if p.service.label == service.label}
    others = {b for b, p in everything.items() if b not in stored and p.source != "sample"}
    plan = RefreshPlan(service, output, stored, _is_whole(output, stored), [], most_batches)
    plan = plan._replace(others=others)
    size = plan.catalogue_size or 0
    incomplete = [batch for batch in incomplete if batch.first <= size]
    aged = (b for b, p in stored.items() if _is_aged(p, older_than, now) and b.first <= size)
    oldest_first = sorted(aged, key=lambda batch: (stored[batch].fetched_at, batch))
    due = dict.fromkeys([*incomplete, *plan.missing(size), *oldest_first])
    return plan._replace(due=list(due))


def _is_aged(provenance: Provenance, older_than: dt.timedelta, now: dt.datetime) -> bool:
    # The service's clock may be ahead by a little.
    return provenance.fetched_at < now and now - provenance.fetched_at >= older_than


def _is_whole(output: Path, stored: Mapping[Batch, Provenance]) -> bool:
    """Check whether these batches are all of the catalogue, or are meant to be."""
    if not stored:
        return False
    last = max(stored)
    without_gaps = len(stored) == len(EVERYTHING.batches(last.last))
    if without_gaps and stored[last].catalogue_size <= last.last:
        return True
    return is_marked_whole(output, stored[last].service.label)


def ages_text(stored: Mapping[Batch, Provenance], now: dt.datetime) -> str:
    """Return how old the oldest and the newest of these batches are, in days."""
    ages = {batch: (now - provenance.fetched_at).days for batch, provenance in stored.items()}
    oldest = max(ages, key=lambda batch: (ages[batch], -batch.first))
    newest = plural(min(ages.values()), "day")
    return f"oldest batch {plural(ages[oldest], 'day')} ({oldest.name}), newest {newest}"
