"""Recall a range of the listing: fetch what is missing, store it."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import requests

from neo_utils.errors import OutputUnwritable, PageAbsent, PageUnusable, RunFailure
from neo_utils.fetch.plan import Plan, past_end
from neo_utils.fetch.progress import page_progress, tell
from neo_utils.neows.client import Answer, get_page
from neo_utils.neows.pages import PageBroken, PagePastEnd
from neo_utils.neows.rate_limit import Pace
from neo_utils.neows.service import Service
from neo_utils.neows.transport import CONNECTIONS, AnswerBroken, open_session
from neo_utils.positions import LARGEST_CATALOGUE, Batch
from neo_utils.settings.service_address import DEMO_KEY
from neo_utils.settings.variables import api_key
from neo_utils.store.batches import PARQUET_SETTINGS, remove_temporaries, write_batch
from neo_utils.store.locks import sole_writer, unwritable
from neo_utils.store.page_archive import sha256
from neo_utils.store.page_tables import Page, decode_page
from neo_utils.store.provenance import Provenance

log = logging.getLogger(__name__)

ATTEMPTS = 3  # for a page that comes broken
MOST_UNUSABLE = 3  # pages in one run: with more, it is the service and not the page


class Recalled(NamedTuple):
    """How much a recall stored; ``catalogue_size`` is the number of NEOs listed at its end."""

    pages: int
    neos: int
    close_approaches: int
    rejected: int
    catalogue_size: int | None


def fetch(
    plan: Plan,
    longest_wait_s: float = 60,
    parquet_settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> Recalled:
    """Fetch and store what ``plan`` lists, and return how much that was.

    Every batch is stored as soon as its page is there, and stays whatever happens to the others.

    Parameters
    ----------
    longest_wait_s
        How long to wait, at most, for the service's rate limit before giving up.
    parquet_settings
        Keyword arguments of ``pyarrow.parquet.write_table``.

    Raises
    ------
    WrongParameter
        If the range begins behind the last NEO that the service lists.
    OutputBusy
        If another run writes to the same output.
    OutputUnwritable, RateLimitReached, ServiceFailure
        With what is safe; the same call again goes on where this one ended.
    """
    size, listed = plan.size_to_ask_for, plan.catalogue_size
    done: dict[Batch, Recalled] = {}
    told: dict[Batch, int] = {}  # how many NEOs a page said are listed
    seen: dict[Batch, int] = {}  # how many NEOs were known to be listed when a batch came
    with (
        sole_writer(plan.output),
        open_session(api_key() or DEMO_KEY) as session,
        page_progress() as progress,
    ):
        pace = Pace(longest_wait_s, partial(tell, progress))
        fetch_one = partial(_fetch_batch, session, plan, pace, parquet_settings, told)
        _tidy(plan.output, plan.stored)  # after a backfill that was killed
        # More than one round only where answers tell that the catalogue is larger: it then has more
        # batches, and the one that was its last may have come too short.
        while todo := [b for b in plan.to_fetch(size) if seen.get(b, -1) < min(b.last, size or 0)]:
            _tidy(plan.output, todo)
            progress.total = progress.n + len(todo)
            for batch, one in _side_by_side(fetch_one, todo, pace):
                done[batch], listed = one, one.catalogue_size
                seen[batch] = max(size or 0, one.catalogue_size or 0)
                progress.update()
            size = max(seen[batch] for batch in todo)
    total = _sum(done.values(), listed)
    if not total.pages and listed is not None and listed < plan.positions.start:
        raise past_end(plan.positions, listed)
    return total


def _tidy(output: Path, batches: Collection[Batch]) -> None:
    try:
        remove_temporaries(output, batches)
    except OSError as error:
        raise unwritable(output, error) from None


def _side_by_side(
    fetch: Callable[[Batch], Recalled], batches: list[Batch], pace: Pace
) -> Iterator[tuple[Batch, Recalled]]:
    """Recall the batches on all connections; after a failure, those under way are stored, too."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        tasks = {pool.submit(fetch, batch): batch for batch in batches}
        # Arrow's first conversion imports pandas: half a second, in which no answer is here yet.
        pa.array([])
        unusable: list[PageUnusable] = []
        try:
            for task in as_completed(tasks):
                try:
                    yield tasks[task], task.result()
                except PageUnusable as failure:  # the other pages may still be sound
                    unusable.append(failure)
                    if len(unusable) == MOST_UNUSABLE:
                        break
            if unusable:
                raise unusable[0]
        except BaseException as failure:
            pace.stop()
            pool.shutdown(cancel_futures=True)
            if not isinstance(failure, RunFailure):
                raise
            done = sum(not task.cancelled() and not task.exception() for task in tasks)
            raise type(failure)(
                f"{failure}. Stored before that: {done} of {len(tasks)} pages; they stay, and the "
                "same command goes on from there"
            ) from None


def _fetch_batch(
    session: requests.Session,
    plan: Plan,
    pace: Pace,
    parquet_settings: Mapping[str, Any],
    told: dict[Batch, int],
    batch: Batch,
) -> Recalled:
    try:
        answer, page = _get_whole_page(session, plan.service, batch, pace)
    except PagePastEnd as error:
        return Recalled(0, 0, 0, 0, error.catalogue_size)
    except PageAbsent:
        size = max([plan.catalogue_size or 0, *told.values()])
        if 0 < size < batch.first:  # past the end, which the service may say in this way, too
            return Recalled(0, 0, 0, 0, size)
        raise
    told[batch] = page.catalogue_size
    _warn_of_nulls(batch, page)
    provenance = Provenance(
        plan.service.source,
        answer.url,
        answer.fetched_at,
        sha256(answer.body),
        page.catalogue_size,
    )
    try:
        write_batch(plan.output, batch, page, answer.body, provenance, parquet_settings)
    except OSError as error:
        raise OutputUnwritable(f"{plan.output} cannot be written ({error.strerror})") from None
    return Recalled(
        1,
        page.neos.num_rows,
        page.close_approaches.num_rows,
        len(page.rejected),
        page.catalogue_size,
    )


def _warn_of_nulls(batch: Batch, page: Page) -> None:
    if page.nulled:
        named = "; ".join(
            f"position {one.position}, {one.field_path}: {one.reason}" for one in page.nulled[:3]
        )
        more = f"; and {len(page.nulled) - 3:,} more" if len(page.nulled) > 3 else ""
        log.warning(
            "batch %s: %d malformed optional values are stored as null (%s%s)",
            *(batch.name, len(page.nulled), named, more),
        )


def _get_whole_page(
    session: requests.Session, service: Service, batch: Batch, pace: Pace
) -> tuple[Answer, Page]:
    """Ask again where the page comes broken: mostly that passes, as faults of the status do."""
    reason: Exception
    for attempt in range(ATTEMPTS):
        pace.wait(2.0**attempt if attempt else 0, "asking again for a broken page")
        try:
            answer = get_page(session, service, batch, pace)
            page = decode_page(answer.body, batch)
            if page.catalogue_size <= LARGEST_CATALOGUE:
                return answer, page
            reason = PageBroken(f"it tells of {page.catalogue_size:,} NEOs")
        except PagePastEnd as error:
            if error.catalogue_size:
                raise
            reason = error  # an empty catalogue is a fault of the service
        except (AnswerBroken, PageBroken) as error:
            reason = error
    raise PageUnusable(
        f"the page of batch {batch.name} came broken {ATTEMPTS} times: {reason}; nothing of it "
        "is stored"
    ) from None


def _sum(done: Collection[Recalled], catalogue_size: int | None) -> Recalled:
    return Recalled(
        sum(one.pages for one in done),
        sum(one.neos for one in done),
        sum(one.close_approaches for one in done),
        sum(one.rejected for one in done),
        catalogue_size,
    )
