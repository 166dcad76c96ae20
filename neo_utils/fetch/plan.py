"""Plan the recall of a range: what is stored already, what has to be asked for."""

import datetime as dt
from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

from neo_utils.errors import WrongParameter
from neo_utils.neows.rate_limit import hours_until_last
from neo_utils.neows.service import Service, service_of
from neo_utils.positions import ASSUMED_CATALOGUE_SIZE, Batch, PositionRange, position_range
from neo_utils.sample.catalogue import CATALOGUE_SIZE
from neo_utils.settings.folders import output_folder
from neo_utils.settings.service_address import DEMO_KEY, NASA_URL, chosen_source
from neo_utils.settings.variables import api_key
from neo_utils.store.batches import batches_with, noted_service, stored_provenances
from neo_utils.store.provenance import Provenance, newest_catalogue_size

# Requests an hour and a day: https://api.nasa.gov and https://api.data.gov/docs/rate-limits. A
# key has no limit of the day of its own.
DEMO_KEY_LIMITS = (30, 50)
KEY_LIMITS = (1_000, 24_000)


class Plan(NamedTuple):
    """What a recall of ``positions`` will ask ``service`` for, and what is stored already."""

    positions: PositionRange
    service: Service
    output: Path
    catalogue_size: int | None  # as the newest stored batch tells
    stored: list[Batch]
    refetch: bool

    @property
    def size_to_ask_for(self) -> int | None:
        """One NEO more than were listed at the last fetch, so that a longer listing is noticed."""
        if self.catalogue_size is None or self.service.source == "sample":
            return self.catalogue_size
        return self.catalogue_size + 1

    @property
    def expected_size(self) -> int | None:
        """How many NEOs to reckon with before the service has told; None: as many as END asks."""
        unknown = self.size_to_ask_for is None and self.positions.end is None
        return ASSUMED_CATALOGUE_SIZE if unknown else self.size_to_ask_for

    def to_fetch(self, catalogue_size: int | None) -> list[Batch]:
        """Return the batches to ask for, given how many NEOs are listed."""
        stored = set() if self.refetch else set(self.stored)
        return [b for b in self.positions.batches(catalogue_size) if b not in stored]


def plan_fetch(
    start: int | str,
    end: int | str,
    source: str = "auto",
    api_url: str = NASA_URL,
    output_dir: str = "output",
    *,
    refetch: bool = False,
) -> Plan:
    """Return what has to be fetched of START..END, without asking the service.

    Parameters
    ----------
    start, end
        Positions as ``position_range`` takes them.
    source
        "nasa", "sample", or "auto": the service where an API key or another address is set.
    api_url
        The Browse address of source "nasa".
    output_dir
        The folder of the data; a relative one lies in the project's folder.
    refetch
        Backfill: take all of it again and replace what is stored.

    Raises
    ------
    WrongParameter
        For values that cannot be used, and where the sample would replace NASA's data unasked.
    StoredDataBroken
        Where a raw file is not one of ours, unless all is taken again.
    """
    positions = position_range(start, end)
    service = service_of(chosen_source(source, api_key(), api_url), api_url)
    output = output_folder(output_dir)
    stored = stored_provenances(output, positions, skip_broken=refetch)
    same = {batch: p for batch, p in stored.items() if p.service.label == service.label}
    if not (refetch and source != "auto"):  # asked for in so many words
        lying = {b for table in ("raw", "pages") for b in batches_with(table, output, positions)}
        _check_replacement(lying - same.keys(), stored, service, output)
    size = CATALOGUE_SIZE if service.source == "sample" else newest_catalogue_size(same.values())
    if size is not None and positions.start > size and service.source == "sample":
        raise past_end(positions, size)
    # One that had fewer rows was the listing's last, which may have grown since.
    whole = sorted(batch for batch, p in same.items() if p.catalogue_size >= batch.last)
    return Plan(positions, service, output, size, whole, refetch)


def _check_replacement(
    others: Set[Batch], stored: Mapping[Batch, Provenance], service: Service, output: Path
) -> None:
    """Let the sample be replaced by a service's data, and nothing else by another's."""
    for batch in sorted(others):
        known = stored[batch].service if batch in stored else noted_service(output, batch)
        if known is None and service.source == "nasa":  # broken, and it may be mended
            continue
        if known is None or (known.source != "sample" and known.label != service.label):
            origin = known.label if known else "unknown origin"
            raise WrongParameter(
                f"batch {batch.name} in {output} holds data of {origin}, which those of "
                f"{service.label} do not replace unasked: choose another OUTPUT_DIR or SOURCE, or "
                "`make backfill` with SOURCE=sample or SOURCE=nasa"
            )


def describe(plan: Plan) -> str:
    """Return the plan in a few lines of plain text."""
    size = plan.catalogue_size or plan.expected_size
    wanted = len(plan.to_fetch(plan.expected_size))
    lines = [
        f"source     {plan.service.label}",
        f"positions  {plan.positions.start} to {plan.positions.end or 'the last'} "
        f"of about {size or ASSUMED_CATALOGUE_SIZE:,} NEOs listed",
        f"stored     {len(plan.stored):,} of {len(plan.positions.batches(size)):,} batches",
        f"to fetch   {wanted:,} batches, by one request each",
    ]
    if plan.service.source == "nasa":
        lines.append(f"quota      {_quota_text(wanted, api_key() or DEMO_KEY)}")
    return "\n".join(lines)


def _quota_text(requests: int, key: str) -> str:
    demo = key == DEMO_KEY
    hourly, daily = DEMO_KEY_LIMITS if demo else KEY_LIMITS
    whose = f"and {daily} a day of {DEMO_KEY} (no API_KEY is set)" if demo else "of a key"
    text = f"{requests / hourly:.1f} hours' worth of the {hourly:,} requests an hour {whose}"
    if requests <= hourly:
        return text
    hours = hours_until_last(requests, hourly, daily)
    done = dt.datetime.now().astimezone() + dt.timedelta(hours=hours)
    # By the limits alone: the answers' own time, and slowing down before the wall, add minutes.
    return f"{text}; with WAIT=1 the last of them is allowed at about {done:%H:%M on %Y-%m-%d}"


def past_end(positions: PositionRange, size: int | None) -> WrongParameter:
    """Return the failure of a range that begins behind the last NEO of the listing."""
    return WrongParameter(f"START={positions.start} lies behind the catalogue's end at {size}")
