"""Fetch the missing batches of a range and store them."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import requests

from neo_utils.errors import OutputUnwritable, PageFailed, PageNotFound, RunFailure
from neo_utils.fetch.plan import Plan, past_end
from neo_utils.fetch.progress import page_progress, show_wait
from neo_utils.fetch.refreshing import RefreshPlan
from neo_utils.neows import retries
from neo_utils.neows.client import Answer, get_page
from neo_utils.neows.pages import InvalidPage, PagePastEnd
from neo_utils.neows.rate_limit import Pace
from neo_utils.neows.service import Service
from neo_utils.neows.transport import CONNECTIONS, IncompleteAnswer, open_session
from neo_utils.positions import LARGEST_CATALOGUE, Batch
from neo_utils.settings.service_address import DEMO_KEY
from neo_utils.settings.variables import api_key
from neo_utils.store.atomic import remove_leftovers
from neo_utils.store.batches import (
    PARQUET_SETTINGS,
    remove_temporaries,
    stored_provenances,
    write_batch,
)
from neo_utils.store.history import FOLDER as HISTORY_FOLDER
from neo_utils.store.history import History, known_neos
from neo_utils.store.locks import one_line_if_unwritable, sole_writer
from neo_utils.store.page_archive import sha256
from neo_utils.store.page_tables import Page, decode_page
from neo_utils.store.provenance import Provenance
from neo_utils.store.segment_building import build_outdated
from neo_utils.store.whole_catalogue import mark_whole

FetchPlan = Plan | RefreshPlan
log = logging.getLogger(__name__)


class FetchResult(NamedTuple):
    """How much a fetch stored; ``catalogue_size`` is the number of NEOs listed at its end."""

    pages: int = 0
    neos: int = 0
    close_approaches: int = 0
    rejected: int = 0
    catalogue_size: int | None = None


def fetch(
    plan: FetchPlan,
    longest_wait_s: float = 60,
    parquet_settings: Mapping[str, Any] = PARQUET_SETTINGS,
) -> FetchResult:
    """Fetch and store the batches that ``plan`` lists, and return how much was stored.

    Each batch is stored as soon as its page arrives. A later failure does not undo it.

    Parameters
    ----------
    longest_wait_s
        The longest time to wait for the service's rate limit.
    parquet_settings
        Keyword arguments of ``pyarrow.parquet.write_table``.

    Raises
    ------
    WrongParameter
        If the range starts past the last NEO that the service lists.
    OutputBusy
        If another run writes to the same output.
    OutputUnwritable, RateLimitReached, ServiceFailure
        If the fetch cannot continue. Stored batches are kept; call it again to resume.
    """
    size, listed = plan.size_to_ask_for, plan.catalogue_size
    done: dict[Batch, FetchResult] = {}
    sizes: dict[Batch, int] = {}  # the catalogue size that each page reported
    size_at_fetch: dict[Batch, int] = {}  # the largest size known when each batch arrived
    with (
        sole_writer(plan.output),
        open_session(api_key() or DEMO_KEY) as session,
        page_progress() as progress,
    ):
        label = plan.service.label
        if plan.is_whole:
            with one_line_if_unwritable(plan.output):
                mark_whole(plan.output, label)
        known = known_neos(plan.output, label) if plan.to_fetch(size) else {}
        history = History(plan.output, label, known)
        pace = Pace(longest_wait_s, partial(show_wait, progress))
        fetch_one = partial(_fetch_batch, session, plan, pace, parquet_settings, history, sizes)
        _remove_temporaries(plan.output, plan.stored)  # left by a killed backfill
        # A second round is needed only if a page reports a larger catalogue: there are then more
        # batches, and the batch that used to be the last may now have more rows.
        while todo := [
            b for b in plan.to_fetch(size) if size_at_fetch.get(b, -1) < min(b.last, size or 0)
        ]:
            _remove_temporaries(plan.output, todo)
            progress.total = progress.n + len(todo)
            for batch, result in _fetch_concurrently(fetch_one, todo, pace):
                done[batch], listed = result, result.catalogue_size
                size_at_fetch[batch] = max(size or 0, result.catalogue_size or 0)
                progress.update()
            size = max(size_at_fetch[batch] for batch in todo)
        if done:
            with one_line_if_unwritable(plan.output):
                history.finish()
    counts = [sum(column) for column in zip(*(r[:4] for r in done.values()), strict=True)]
    total = FetchResult(*counts)._replace(catalogue_size=listed)
    if not total.pages and listed is not None and listed < plan.positions.start:
        raise past_end(plan.positions, listed)
    build_outdated(plan.output, stored_provenances(plan.output, plan.positions, skip_broken=True))
    return total


def _remove_temporaries(output: Path, batches: Collection[Batch]) -> None:
    with one_line_if_unwritable(output):
        remove_temporaries(output, batches)
        remove_leftovers(output / HISTORY_FOLDER)


def _fetch_concurrently(
    fetch_one: Callable[[Batch], FetchResult], batches: list[Batch], pace: Pace
) -> Iterator[tuple[Batch, FetchResult]]:
    """Fetch batches on all connections. After a failure, requests in progress still finish."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        tasks = {pool.submit(fetch_one, batch): batch for batch in batches}
        # Arrow's first conversion imports pandas (0.5 s). Do it while waiting for the first answer.
        pa.array([])
        failed_pages: list[PageFailed] = []
        try:
            for task in as_completed(tasks):
                try:
                    yield tasks[task], task.result()
                except PageFailed as failure:  # the other pages may still be valid
                    failed_pages.append(failure)
                    if len(failed_pages) == retries.MOST_FAILED_PAGES:
                        break
            if failed_pages:
                raise failed_pages[0]
        except BaseException as failure:
            pace.stop()
            pool.shutdown(cancel_futures=True)
            if not isinstance(failure, RunFailure):
                raise
            done = sum(not task.cancelled() and not task.exception() for task in tasks)
            raise type(failure)(
                f"{failure}. Stored before that: {done} of {len(tasks)} pages. They are kept, "
                "and the same command resumes from there"
            ) from None


def _fetch_batch(
    session: requests.Session,
    plan: FetchPlan,
    pace: Pace,
    parquet_settings: Mapping[str, Any],
    history: History,
    sizes: dict[Batch, int],
    batch: Batch,
) -> FetchResult:
    try:
        answer, page = _get_valid_page(session, plan.service, batch, pace)
    except PagePastEnd as error:
        return FetchResult(catalogue_size=error.catalogue_size)
    except PageNotFound:
        size = max([plan.catalogue_size or 0, *sizes.values()])
        if 0 < size < batch.first:  # a service may also answer 404 past the end
            return FetchResult(catalogue_size=size)
        raise
    sizes[batch] = page.catalogue_size
    _warn_about_nulls(batch, page)
    checksum = sha256(answer.body)
    provenance = Provenance(
        plan.service.source, answer.url, answer.fetched_at, checksum, page.catalogue_size
    )
    try:
        history.record(batch, page, provenance)
        write_batch(plan.output, batch, page, answer.body, provenance, parquet_settings)
        history.stored(batch, page)
    except OSError as error:
        raise OutputUnwritable(f"{plan.output} cannot be written ({error.strerror})") from None
    rows = page.neos.num_rows, page.close_approaches.num_rows
    return FetchResult(1, *rows, len(page.rejected), page.catalogue_size)


def _warn_about_nulls(batch: Batch, page: Page) -> None:
    if page.nulled:
        named = "; ".join(
            f"position {one.position}, {one.field_path}: {one.reason}" for one in page.nulled[:3]
        )
        more = f"; and {len(page.nulled) - 3:,} more" if len(page.nulled) > 3 else ""
        log.warning(
            "batch %s: %d malformed optional values are stored as null (%s%s)",
            *(batch.name, len(page.nulled), named, more),
        )


def _get_valid_page(
    session: requests.Session, service: Service, batch: Batch, pace: Pace
) -> tuple[Answer, Page]:
    """Return a page, fetching it again if it is invalid: most such faults are temporary."""
    reason: Exception
    for attempt in range(retries.PAGE_ATTEMPTS):
        pace.wait(2.0**attempt if attempt else 0, "retrying an invalid page")
        try:
            answer = get_page(session, service, batch, pace)
            page = decode_page(answer.body, batch)
            if page.catalogue_size <= LARGEST_CATALOGUE:
                return answer, page
            reason = InvalidPage(f"it reports {page.catalogue_size:,} NEOs")
        except PagePastEnd as error:
            if error.catalogue_size:
                raise
            reason = error  # an empty catalogue is a fault of the service
        except (IncompleteAnswer, InvalidPage) as error:
            reason = error
    raise PageFailed(
        f"the page of batch {batch.name} was invalid {retries.PAGE_ATTEMPTS} times: {reason}. No "
        "part of it was stored"
    ) from None
