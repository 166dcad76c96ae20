"""Recall a range of the listing: plan what is missing, fetch it, store it."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import requests

from neo_utils.batches import ASSUMED_CATALOGUE_SIZE, Batch, PositionRange, position_range
from neo_utils.client import (
    CONNECTIONS,
    DEMO_KEY,
    NASA_URL,
    Service,
    get_page,
    open_session,
    service_of,
)
from neo_utils.errors import RunFailure, ServiceFailure, WrongParameter
from neo_utils.pages import PageBroken, PagePastEnd, decode_page
from neo_utils.progress import page_progress
from neo_utils.sample.catalogue import CATALOGUE_SIZE
from neo_utils.settings import api_key, chosen_source, output_folder
from neo_utils.store import (
    PARQUET_SETTINGS,
    Provenance,
    newest_catalogue_size,
    remove_temporaries,
    sha256,
    stored_provenances,
    write_batch,
)


class Plan(NamedTuple):
    """What a recall of ``positions`` will ask ``service`` for, and what is stored already."""

    positions: PositionRange
    service: Service
    output: Path
    catalogue_size: int | None  # as the newest stored batch tells
    stored: list[Batch]
    refetch: bool

    def to_fetch(self, catalogue_size: int | None) -> list[Batch]:
        """Return the batches to ask for, given how many NEOs are listed."""
        stored = set() if self.refetch else set(self.stored)
        return [b for b in self.positions.batches(catalogue_size) if b not in stored]


class Recalled(NamedTuple):
    """How much a recall stored; ``catalogue_size`` is the number of NEOs listed at its end."""

    pages: int
    neos: int
    close_approaches: int
    rejected: int
    catalogue_size: int | None


def plan_recall(
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
        "nasa", "sample", or "auto": NASA where an API key is set.
    refetch
        Backfill: take all of it again and replace what is stored.

    Raises
    ------
    WrongParameter
        For values that cannot be used, and where the sample would replace NASA's data unasked.
    """
    positions = position_range(start, end)
    service = service_of(chosen_source(source, api_key()), api_url)
    output = output_folder(output_dir)
    stored = stored_provenances(output, positions)
    same = {batch: p for batch, p in stored.items() if p.source == service.source}
    asked_for_sample = refetch and source == "sample"
    if len(same) < len(stored) and service.source == "sample" and not asked_for_sample:
        raise WrongParameter(
            f"{output} holds NASA's data of batch {min(stored.keys() - same.keys()).name}, which "
            "the simulated sample does not replace: set API_KEY, or choose another OUTPUT_DIR"
        )
    size = newest_catalogue_size(same.values())
    if size is not None and positions.start > size:
        raise _past_end(positions, size)
    return Plan(positions, service, output, size, sorted(same), refetch)


def describe(plan: Plan) -> str:
    """Return the plan in a few lines of plain text."""
    size = plan.catalogue_size or ASSUMED_CATALOGUE_SIZE
    if plan.service.source == "sample":
        size = CATALOGUE_SIZE
    wanted = len(plan.to_fetch(size))
    lines = [
        f"source     {plan.service.label}",
        f"positions  {plan.positions.start} to {plan.positions.end or 'the last'} "
        f"of about {size:,} NEOs listed",
        f"stored     {len(plan.stored):,} of {len(plan.positions.batches(size)):,} batches",
        f"to fetch   {wanted:,} batches, by one request each",
    ]
    if plan.service.source == "nasa" and api_key() is None:
        lines.append(f"key        {DEMO_KEY}, since no API_KEY is set: 30 requests an hour")
    return "\n".join(lines)


def recall(plan: Plan, parquet_settings: Mapping[str, Any] = PARQUET_SETTINGS) -> Recalled:
    """Fetch and store what ``plan`` lists, and return how much that was.

    Every batch is stored as soon as its page is there, and stays whatever happens to the others.

    Raises
    ------
    RateLimitReached, ServiceFailure
        With what is safe; the same call again goes on where this one ended.
    """
    total = Recalled(0, 0, 0, 0, plan.catalogue_size)
    asked: set[Batch] = set()
    with open_session(api_key() or DEMO_KEY) as session, page_progress() as progress:
        # More than one round only where the first answers tell that the catalogue is larger.
        while todo := [b for b in plan.to_fetch(total.catalogue_size) if b not in asked]:
            remove_temporaries(plan.output, todo)
            asked.update(todo)
            progress.total = len(asked)
            for one in _recall_batches(session, plan, todo, parquet_settings):
                total = _sum(total, one)
                progress.update()
    if asked and not total.pages:
        raise _past_end(plan.positions, total.catalogue_size)
    return total


def _recall_batches(
    session: requests.Session,
    plan: Plan,
    batches: list[Batch],
    parquet_settings: Mapping[str, Any],
) -> Iterator[Recalled]:
    """Recall the batches side by side; after a failure, those under way are stored, too."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        tasks = [pool.submit(_recall_batch, session, plan, b, parquet_settings) for b in batches]
        try:
            for task in as_completed(tasks):
                yield task.result()
        except RunFailure as failure:
            pool.shutdown(cancel_futures=True)
            done = sum(not task.cancelled() and not task.exception() for task in tasks)
            raise type(failure)(
                f"{failure}. Stored before that: {done} of {len(tasks)} pages; they stay, and the "
                "same command goes on from there"
            ) from None


def _recall_batch(
    session: requests.Session, plan: Plan, batch: Batch, parquet_settings: Mapping[str, Any]
) -> Recalled:
    answer = get_page(session, plan.service, batch)
    try:
        page = decode_page(answer.body, batch)
    except PagePastEnd as error:
        return Recalled(0, 0, 0, 0, error.catalogue_size)
    except PageBroken as error:
        raise ServiceFailure(
            f"the page of batch {batch.name} is broken: {error}; nothing of it is stored"
        ) from None
    provenance = Provenance(
        plan.service.source,
        answer.url,
        answer.fetched_at,
        sha256(answer.body),
        page.catalogue_size,
    )
    write_batch(plan.output, batch, page, answer.body, provenance, parquet_settings)
    return Recalled(
        1,
        page.neos.num_rows,
        page.close_approaches.num_rows,
        len(page.rejected),
        page.catalogue_size,
    )


def _sum(total: Recalled, one: Recalled) -> Recalled:
    return Recalled(
        total.pages + one.pages,
        total.neos + one.neos,
        total.close_approaches + one.close_approaches,
        total.rejected + one.rejected,
        one.catalogue_size,
    )


def _past_end(positions: PositionRange, size: int | None) -> WrongParameter:
    return WrongParameter(f"START={positions.start} lies behind the catalogue's end at {size}")
