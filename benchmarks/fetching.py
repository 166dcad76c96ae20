"""How long a fetch takes from a service that takes its time, and how much memory.

The service is the sample on a loopback port, in a process of its own; so is every fetch, whose peak
of memory is then its own.
"""

import json
import multiprocessing as mp
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import requests

from benchmarks.machine import peak_mb
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.sample import SAMPLE_URL, service

_FRESH = mp.get_context("spawn")  # nothing of this process's memory
KEY = "a-key-of-forty-characters-for-the-sample"


def by_project(url: str, pages: int, folder: Path) -> None:
    """Fetch the pages, validate and store them, as ``make fetch`` does."""
    fetch(plan_fetch(1, 20 * pages, "nasa", url, str(folder)))


def by_requests_and_pandas(url: str, pages: int, folder: Path) -> None:
    """Fetch page after page and write what pandas makes of it: the obvious way."""
    for page in range(pages):
        answer = requests.get(
            url, {"page": page, "size": 20}, headers={"X-Api-Key": KEY}, timeout=60
        )
        neos = json.loads(answer.content)["near_earth_objects"]
        pd.json_normalize(neos).drop(columns="close_approach_data").to_parquet(
            folder / f"neos-{page}.parquet"
        )
        pd.json_normalize(neos, "close_approach_data", ["id"]).to_parquet(
            folder / f"approaches-{page}.parquet"
        )


PEERS: dict[str, Callable[[str, int, Path], None]] = {
    "project": by_project,
    "requests + json_normalize": by_requests_and_pandas,
}


def ten_pages(repeats: int = 5, answer_s: float = 0.5) -> list[dict[str, Any]]:
    """Return a row for every peer and repeat: 10 pages from a service that takes ``answer_s``."""
    what = f"10 pages, {answer_s:g} s for an answer"
    with served(answer_s, prepared=10) as url:
        return [
            {"what": what, "who": who, **_alone(peer, url, 10)}
            for _ in range(repeats)
            for who, peer in PEERS.items()
        ]


def many_pages(neos: Iterable[int], repeats: int = 3) -> list[dict[str, Any]]:
    """Return the project's time and peak memory by number of NEOs; 41,000 take some minutes.

    The service makes the pages as they are asked for, which takes longer than to fetch them.
    """
    with served(0, prepared=0) as url:
        return [
            {"what": fetched_text(count), "who": "project", **_alone(by_project, url, count // 20)}
            for count in [*neos] * repeats
        ]


def fetched_text(neos: int) -> str:
    """Return the words for a fetch of so many NEOs."""
    return f"{neos:,} NEOs in {neos // 20:,} pages, from a service at once"


@contextmanager
def served(answer_s: float, prepared: int) -> Iterator[str]:
    """Serve the sample, each answer after ``answer_s``, from another process; yield the address."""
    ours, theirs = _FRESH.Pipe()
    process = _FRESH.Process(target=_serve, args=(theirs, answer_s, prepared))
    process.start()
    theirs.close()  # a process that failed is then the end of the pipe
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join()


def _serve(pipe: Connection, answer_s: float, prepared: int) -> None:
    path = SAMPLE_URL.partition(".invalid")[2]

    def made(page: int) -> service.Answer:
        return service.answer(f"{path}?page={page}&size=20", {"X-Api-Key": KEY})

    # Making a page takes the service as long as a slow answer: these are made before, and asked for
    # by whatever else stands in a query.
    known = {page: made(page) for page in range(prepared)}

    def answer(url: str, _headers: object) -> service.Answer:
        time.sleep(answer_s)
        page = int(dict(parse_qsl(urlsplit(url).query))["page"])
        return known.get(page) or made(page)

    with service.serve(answer=answer) as url:
        pipe.send(url)
        with suppress(EOFError):  # whoever asked has what it wants
            pipe.recv()


def _alone(fetch: Callable[[str, int, Path], None], url: str, pages: int) -> dict[str, Any]:
    ours, theirs = _FRESH.Pipe()
    process = _FRESH.Process(target=_measure, args=(theirs, fetch, url, pages))
    process.start()
    theirs.close()  # a process that failed is then the end of the pipe
    row: dict[str, Any] = ours.recv()
    process.join()
    return row


def _measure(
    pipe: Connection, fetch: Callable[[str, int, Path], None], url: str, pages: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        fetch(url, pages, Path(folder))
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    pipe.send({"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb()})
