"""Recall a range of the listing: fetch what is missing, store it."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any, NamedTuple

import requests

from neo_utils.archive import sha256
from neo_utils.batches import Batch
from neo_utils.client import CONNECTIONS, Answer, AnswerBroken, get_page, open_session
from neo_utils.errors import OutputUnwritable, RunFailure, ServiceFailure
from neo_utils.lock import sole_writer
from neo_utils.pages import Page, PageBroken, PagePastEnd, decode_page
from neo_utils.plan import Plan, past_end
from neo_utils.progress import page_progress
from neo_utils.provenance import Provenance
from neo_utils.quota import Pace
from neo_utils.settings import api_key
from neo_utils.source import DEMO_KEY, Service
from neo_utils.store import PARQUET_SETTINGS, remove_temporaries, write_batch

ATTEMPTS = 3  # for a page that comes broken


class Recalled(NamedTuple):
    """How much a recall stored; ``catalogue_size`` is the number of NEOs listed at its end."""

    pages: int
    neos: int
    close_approaches: int
    rejected: int
    catalogue_size: int | None


def recall(
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

    Raises
    ------
    OutputBusy
        If another run writes to the same output.
    OutputUnwritable, RateLimitReached, ServiceFailure
        With what is safe; the same call again goes on where this one ended.
    """
    total = Recalled(0, 0, 0, 0, plan.catalogue_size)
    asked: set[Batch] = set()
    with (
        sole_writer(plan.output),
        open_session(api_key() or DEMO_KEY) as session,
        page_progress() as progress,
    ):
        pace = Pace(longest_wait_s, progress.set_postfix_str)
        # More than one round only where the first answers tell that the catalogue is larger.
        while todo := [b for b in plan.to_fetch(total.catalogue_size) if b not in asked]:
            remove_temporaries(plan.output, todo)
            asked.update(todo)
            progress.total = len(asked)
            fetch = partial(_recall_batch, session, plan, pace, parquet_settings)
            for one in _side_by_side(fetch, todo, pace):
                total = _sum(total, one)
                progress.update()
    if asked and not total.pages:
        raise past_end(plan.positions, total.catalogue_size)
    return total


def _side_by_side(
    fetch: Callable[[Batch], Recalled], batches: list[Batch], pace: Pace
) -> Iterator[Recalled]:
    """Recall the batches on all connections; after a failure, those under way are stored, too."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        tasks = [pool.submit(fetch, batch) for batch in batches]
        try:
            for task in as_completed(tasks):
                yield task.result()
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


def _recall_batch(
    session: requests.Session,
    plan: Plan,
    pace: Pace,
    parquet_settings: Mapping[str, Any],
    batch: Batch,
) -> Recalled:
    try:
        answer, page = _get_whole_page(session, plan.service, batch, pace)
    except PagePastEnd as error:
        return Recalled(0, 0, 0, 0, error.catalogue_size)
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


def _get_whole_page(
    session: requests.Session, service: Service, batch: Batch, pace: Pace
) -> tuple[Answer, Page]:
    """Ask again where the page comes broken: mostly that passes, as faults of the status do."""
    for attempt in range(ATTEMPTS):
        pace.wait(2.0**attempt if attempt else 0, "asking again for a broken page")
        try:
            answer = get_page(session, service, batch, pace)
            return answer, decode_page(answer.body, batch)
        except PagePastEnd:
            raise
        except (AnswerBroken, PageBroken) as error:
            reason = error
    raise ServiceFailure(
        f"the page of batch {batch.name} came broken {ATTEMPTS} times: {reason}; nothing of it "
        "is stored"
    ) from None


def _sum(total: Recalled, one: Recalled) -> Recalled:
    return Recalled(
        total.pages + one.pages,
        total.neos + one.neos,
        total.close_approaches + one.close_approaches,
        total.rejected + one.rejected,
        one.catalogue_size,
    )
