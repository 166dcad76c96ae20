"""Plan a fetch: which batches of a range are stored and which are missing."""

import datetime as dt
from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

from neo_utils.errors import WrongParameter
from neo_utils.neows.rate_limit import hours_until_last
from neo_utils.neows.service import Service
from neo_utils.positions import (
    ASSUMED_CATALOGUE_SIZE,
    EVERYTHING,
    Batch,
    PositionRange,
    batches_text,
)
from neo_utils.sample import CATALOGUE_SIZE
from neo_utils.settings.service_address import DEMO_KEY
from neo_utils.store.batches import batches_on_disk, noted_service, stored_provenances
from neo_utils.store.make_commands import make_command
from neo_utils.store.provenance import Provenance, newest_catalogue_size

# Requests per hour and per day: https://api.nasa.gov, https://api.data.gov/docs/rate-limits. A
# registered key has no separate daily limit.
DEMO_KEY_LIMITS = (30, 50)
KEY_LIMITS = (1_000, 24_000)


class Plan(NamedTuple):
    """Which batches of ``positions`` are stored, and which ones to fetch from ``service``."""

    positions: PositionRange
    service: Service
    output: Path
    catalogue_size: int | None  # recorded in the newest stored batch
    stored: list[Batch]
    refetch: bool
    uses_demo_key: bool

    def __repr__(self) -> str:
        """Return the plan in a few lines of plain text."""
        size = self.catalogue_size or self.expected_size
        wanted = len(self.to_fetch(self.expected_size))
        lines = [
            f"source     {self.service.label}",
            f"positions  {self.positions.start} to {self.positions.end or 'the last'} "
            f"of about {size or ASSUMED_CATALOGUE_SIZE:,} NEOs listed",
            f"stored     {len(self.stored):,} of {batches_text(len(self.positions.batches(size)))}",
            f"to fetch   {batches_text(wanted)}, one request each",
        ]
        if self.service.source == "nasa":
            lines.append(f"quota      {_quota_text(wanted, uses_demo_key=self.uses_demo_key)}")
        return "\n".join(lines)

    @property
    def is_whole(self) -> bool:
        """Whether the range is the whole catalogue."""
        return self.positions == EVERYTHING

    @property
    def size_to_ask_for(self) -> int | None:
        """One NEO more than the last known catalogue size, which detects a catalogue that grew."""
        if self.catalogue_size is None or self.service.source == "sample":
            return self.catalogue_size
        return self.catalogue_size + 1

    @property
    def expected_size(self) -> int | None:
        """The catalogue size to plan with before the service reports it; None if END limits it."""
        unknown = self.size_to_ask_for is None and self.positions.end is None
        return ASSUMED_CATALOGUE_SIZE if unknown else self.size_to_ask_for

    def to_fetch(self, catalogue_size: int | None) -> list[Batch]:
        """Return the batches to fetch from a catalogue of this size."""
        stored = set() if self.refetch else set(self.stored)
        return [b for b in self.positions.batches(catalogue_size) if b not in stored]


def make_plan(
    positions: PositionRange,
    service: Service,
    output: Path,
    *,
    uses_demo_key: bool,
    refetch: bool,
    may_overwrite: bool,
) -> Plan:
    """Return which batches of a range to fetch from a service.

    Parameters
    ----------
    uses_demo_key
        Whether the user has no key, which determines the quota that the plan shows.
    refetch
        Fetch every batch again and overwrite stored ones.
    may_overwrite
        Also overwrite data of another source.

    Raises
    ------
    WrongParameter
        If stored data of another source would be overwritten, or if the range starts past the end
        of the sample.
    StoredDataBroken
        If a raw file was not written by this project, unless ``refetch`` is set.
    """
    stored = stored_provenances(output, positions, skip_broken=refetch)
    same = {batch: p for batch, p in stored.items() if p.service.label == service.label}
    if not may_overwrite:
        on_disk = batches_on_disk(output, positions)
        _check_overwriting(on_disk - same.keys(), stored, service, output, positions)
    size = CATALOGUE_SIZE if service.source == "sample" else newest_catalogue_size(same.values())
    if size is not None and positions.start > size and service.source == "sample":
        raise past_end(positions, size)
    # A batch with fewer rows was the last of the catalogue, which may have grown since.
    full = sorted(batch for batch, p in same.items() if p.catalogue_size >= batch.last)
    return Plan(positions, service, output, size, full, refetch, uses_demo_key)


def _check_overwriting(
    others: Set[Batch],
    stored: Mapping[Batch, Provenance],
    service: Service,
    output: Path,
    positions: PositionRange,
) -> None:
    """Allow service data to overwrite the sample; raise for any other change of source."""
    for batch in sorted(others):
        known = stored[batch].service if batch in stored else noted_service(output, batch)
        if known is None and service.source == "nasa":  # corrupted: fetching it repairs it
            continue
        if known is None or (known.source != "sample" and known.label != service.label):
            origin = known.label if known else "unknown origin"
            raise WrongParameter(
                f"batch {batch.name} in {output} contains data of {origin}. Nothing was changed. "
                "Set another OUTPUT_DIR, or restore API_KEY or API_URL if one is missing. To "
                f"overwrite it, run {make_command('backfill', positions, output, service)}"
            )


def _quota_text(requests: int, *, uses_demo_key: bool) -> str:
    hourly, daily = DEMO_KEY_LIMITS if uses_demo_key else KEY_LIMITS
    key_limits = f" and {daily} per day with {DEMO_KEY}; no API_KEY is set" if uses_demo_key else ""
    text = f"{requests / hourly:.1f} hours of quota ({hourly:,} requests per hour{key_limits})"
    if requests <= hourly:
        return text
    hours = hours_until_last(requests, hourly, daily)
    done = dt.datetime.now().astimezone() + dt.timedelta(hours=hours)
    # From the limits alone: response times and slowing down near the limit add minutes.
    return f"{text}; with WAIT=1 the last request is sent at about {done:%H:%M on %Y-%m-%d}"


def past_end(positions: PositionRange, size: int | None) -> WrongParameter:
    """Return the error for a range that starts past the last NEO of the catalogue."""
    return WrongParameter(f"START={positions.start} is past the end of the catalogue at {size}")
