"""How long a page takes from bytes to both tables, validated, and how long others take to read it.

``decoding()`` returns a row for every page, peer and repeat, and one for every page with the parts
of the project's time. Only the project checks what it reads; ``orjson.loads`` and msgspec's untyped
decoding end with Python objects, the others with tables.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from benchmarks.decoding_parts import parts_s, shares
from benchmarks.machine import peak_mb
from benchmarks.page_readers import ORJSON, PEERS
from neo_utils.positions import Batch
from neo_utils.sample.catalogue import page_body
from neo_utils.store.page_tables import decode_page

# Recorded answers of the service, whose content is not ours to copy, so that they are no part of
# the project: they are measured, too, where they lie in a folder "shared" beside it.
RECORDED = Path(__file__).parents[2] / "shared/neows/pages"
SAMPLES = (Batch(1), Batch(20_001), Batch(34_001))


def pages() -> Iterator[tuple[str, bytes, Batch]]:
    """Yield name, body and batch: of the sample, and the recorded pages where they are at hand.

    A recorded page is indented by whoever kept it; the service sends it as its compact form.
    """
    for batch in SAMPLES:
        yield f"sample page {batch.page_number}", page_body(batch.page_number, 20, "key"), batch
    for path in sorted(RECORDED.glob("*.json")):
        body = path.read_bytes()
        yield path.stem, body, Batch(1)
        compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
        yield f"{path.stem}, compact", compact, Batch(1)


# They take 5 to 40 times as long as the others: a tenth of the repeats keeps the time bearable,
# and is enough for ratios so large.
_SLOW = ("json + json_normalize", "DuckDB read_json")
_SLOW_REPEATS = 10


def decoding(repeats: int = 100) -> list[dict[str, Any]]:
    """Return the rows of every page; all take turns, in an order drawn by lot."""
    rows: list[dict[str, Any]] = []
    lot = Random(1)  # noqa: S311
    for what, body, batch in pages():
        readers = {"project": partial(decode_page, batch=batch)} | PEERS
        if not rows:  # one page tells: none adds more than some MB
            rows += [
                {"what": what, "who": who, "peak_mb": _peak_mb(read, body)}
                for who, read in readers.items()
            ]
        rows += [{"what": what, **row} for row in _of_page(readers, body, repeats, lot)]
    return rows


def _of_page(
    readers: dict[str, Callable[[bytes], Any]], body: bytes, repeats: int, lot: Random
) -> list[dict[str, Any]]:
    timed, parts = [], []
    for repeat in range(repeats):
        parts.append(parts_s(body))
        timed += [
            {"who": who, **_times(readers[who], body)}
            for who in lot.sample(list(readers), len(readers))
            if repeat < _SLOW_REPEATS or who not in _SLOW
        ]
    whole_s, orjson_s = (
        median(row["cpu_s"] for row in timed if row["who"] == who) for who in ("project", ORJSON)
    )
    timed.append({"who": "project", "parts_to_orjson": shares(parts, whole_s, orjson_s)})
    # Whoever comes first is the one whose time is divided by the others'.
    return sorted(timed, key=lambda row: row["who"] != "project")


def _times(read: Callable[[bytes], Any], body: bytes) -> dict[str, Any]:
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    read(body)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    return {"wall_s": wall_s, "cpu_s": cpu_s}


def _peak_mb(read: Callable[[bytes], Any], body: bytes) -> float:
    """Return by how much a process that has loaded all libraries grows as it reads a page once."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_growth_mb, read, body).result()


def _growth_mb(read: Callable[[bytes], Any], body: bytes) -> float:
    before_mb = peak_mb()
    read(body)
    return peak_mb() - before_mb
