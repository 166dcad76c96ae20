"""Measure decoding one page: by the project, into two validated tables, and by JSON readers.

Only the project validates what it reads. ``orjson.loads`` and msgspec's untyped decoding return
Python objects; the other readers return tables.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, TypeAlias

from benchmarks.decoding_parts import parts_s, shares
from benchmarks.json_readers import ORJSON, READERS
from benchmarks.machine import in_new_process, peak_mb, timed
from benchmarks.summary import Rows
from neo_utils.positions import Batch
from neo_utils.sample.catalogue import page_body
from neo_utils.store.page_tables import decode_page

Reader: TypeAlias = Callable[[bytes], Any]
# Recorded answers of the service. They may not be published, so they are measured only if a folder
# "shared" next to the project contains them.
RECORDED = Path(__file__).parents[2] / "shared/neows/pages"
SAMPLES = (Batch(1), Batch(20_001), Batch(34_001))
# 5 to 40 times slower than the others, so a tenth of the repeats is enough.
_SLOW = ("json + json_normalize", "DuckDB read_json")
_SLOW_REPEATS = 10


def pages() -> Iterator[tuple[str, bytes, Batch]]:
    """Yield name, body and batch of the sample's pages, and of the recorded ones if available.

    The recorded pages were indented after they were received; the service sends the compact form.
    """
    for batch in SAMPLES:
        yield f"sample page {batch.page_number}", page_body(batch.page_number, 20, "key"), batch
    for path in sorted(RECORDED.glob("*.json")):
        body = path.read_bytes()
        yield path.stem, body, Batch(1)
        compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
        yield f"{path.stem}, compact", compact, Batch(1)


def decoding(repeats: int = 100) -> Rows:
    """Return a row for every page, reader and repeat; the readers take turns in random order.

    A row of each page divides the project's time into parts.
    """
    rows: Rows = []
    random = Random(1)  # noqa: S311
    for task, body, batch in pages():
        readers = {"project": partial(decode_page, batch=batch)} | READERS
        if not rows:  # no page adds more than a few MB, so one page is enough
            rows += [
                {"task": task, "tool": tool, "peak_mb": in_new_process(_growth_mb, read, body)}
                for tool, read in readers.items()
            ]
        rows += [{"task": task, **row} for row in _measure_page(readers, body, repeats, random)]
    return rows


def _measure_page(readers: dict[str, Reader], body: bytes, repeats: int, random: Random) -> Rows:
    rows: Rows = []
    parts = []
    for repeat in range(repeats):
        parts.append(parts_s(body))
        rows += [
            {"tool": tool, **timed(readers[tool], body)}
            for tool in random.sample(list(readers), len(readers))
            if repeat < _SLOW_REPEATS or tool not in _SLOW
        ]
    project_s, orjson_s = (
        median(row["cpu_s"] for row in rows if row["tool"] == tool) for tool in ("project", ORJSON)
    )
    rows.append({"tool": "project", "parts_to_orjson": shares(parts, project_s, orjson_s)})
    # A summary compares every tool with the first one.
    return sorted(rows, key=lambda row: row["tool"] != "project")


def _growth_mb(read: Reader, body: bytes) -> float:
    """Return how much the peak memory of this process grows while it reads a page."""
    before_mb = peak_mb()
    read(body)
    return peak_mb() - before_mb
