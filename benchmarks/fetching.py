"""Measure the time and memory of fetches from a slow service.

The service is the sample on a loopback port. It and every fetch run in a new process each, so the
peak memory is that of one fetch.
"""

import json
import multiprocessing as mp
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urlsplit

import pandas as pd
import requests

from benchmarks.machine import in_new_process, peak_mb, timed
from benchmarks.summary import Row, Rows
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.sample import SAMPLE_URL, service

Fetch: TypeAlias = Callable[[str, int, Path], None]
KEY = "a-key-of-forty-characters-for-the-sample"


def with_project(url: str, pages: int, folder: Path) -> None:
    """Fetch, validate and store the pages, as ``make fetch`` does."""
    fetch(plan_fetch(1, 20 * pages, "nasa", url, str(folder)))


def with_requests_and_pandas(url: str, pages: int, folder: Path) -> None:
    """Fetch page after page and store them with pandas, as the obvious pipeline does."""
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


TOOLS: dict[str, Fetch] = {
    "project": with_project,
    "requests + json_normalize": with_requests_and_pandas,
}


def ten_pages(repeats: int = 5, delay_s: float = 0.5) -> Rows:
    """Return a row for every tool and repeat: 10 pages from a service with a delay."""
    task = f"10 pages, {delay_s:g} s per response"
    with served(delay_s, prepared=10) as url:
        return [
            {"task": task, "tool": tool, **in_new_process(_measure, fetch_pages, url, 10)}
            for _ in range(repeats)
            for tool, fetch_pages in TOOLS.items()
        ]


def many_pages(neos: Iterable[int], repeats: int = 3) -> Rows:
    """Return the project's time and peak memory by number of NEOs; 41,000 take some minutes.

    The service generates each page on request, which takes longer than fetching it.
    """
    with served(0, prepared=0) as url:
        return [
            {
                "task": fetch_task(count),
                "tool": "project",
                **in_new_process(_measure, with_project, url, count // 20),
            }
            for count in [*neos] * repeats
        ]


def fetch_task(neos: int) -> str:
    """Return the name of the task of fetching so many NEOs."""
    return f"{neos:,} NEOs in {neos // 20:,} pages, from a service without delay"


@contextmanager
def served(delay_s: float, prepared: int) -> Iterator[str]:
    """Serve the sample from another process, each response after a delay; yield the address."""
    context = mp.get_context("spawn")
    connection, of_service = context.Pipe()
    process = context.Process(target=_serve, args=(of_service, delay_s, prepared))
    process.start()
    of_service.close()  # so that `recv` fails if the process does
    try:
        yield connection.recv()
    finally:
        connection.close()
        process.join()


def _serve(connection: Connection, delay_s: float, prepared: int) -> None:
    path = SAMPLE_URL.partition(".invalid")[2]

    def generated(page: int) -> service.Answer:
        return service.answer(f"{path}?page={page}&size=20", {"X-Api-Key": KEY})

    # Generating a page takes as long as a slow response, so these are generated in advance.
    pages = {page: generated(page) for page in range(prepared)}

    def answer(url: str, _headers: object) -> service.Answer:
        time.sleep(delay_s)
        page = int(dict(parse_qsl(urlsplit(url).query))["page"])
        return pages.get(page) or generated(page)

    with service.serve(answer=answer) as url:
        connection.send(url)
        with suppress(EOFError):  # the other end was closed
            connection.recv()


def _measure(fetch_pages: Fetch, url: str, pages: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        return timed(fetch_pages, url, pages, Path(folder)) | {"peak_mb": peak_mb()}
