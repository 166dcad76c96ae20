"""How long a page takes from bytes to both tables, validated, and how long others take to read it.

``decoding()`` returns a row for every page, peer and repeat. Only the project checks what it reads;
``orjson.loads`` and msgspec's untyped decoding end with Python objects, the others with tables.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import msgspec
import orjson
import pandas as pd
import pyarrow as pa

from benchmarks.machine import peak_mb
from neo_utils.batches import Batch
from neo_utils.pages import decode_page
from neo_utils.sample.catalogue import page_body

# Recorded answers of the service lie outside the project; what is in them is not ours to copy.
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


def normalized(body: bytes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the two tables by ``json`` and ``pandas.json_normalize``: the obvious way."""
    neos = json.loads(body)["near_earth_objects"]
    of_neos = pd.json_normalize(neos).drop(columns="close_approach_data")
    approaches = pd.json_normalize(neos, "close_approach_data", ["neo_reference_id"])
    if not approaches.empty:
        numbers = approaches.filter(regex="^(relative_velocity|miss_distance)").columns
        approaches[numbers] = approaches[numbers].astype(float)  # they come as texts
        day = "close_approach_date"
        approaches[day] = approaches[day].astype("datetime64[s]")
    return of_neos, approaches


def from_pylist(body: bytes) -> tuple[pa.Table, pa.Table]:
    """Return the two tables, nested as the page is, by ``json`` and Arrow."""
    neos = json.loads(body)["near_earth_objects"]
    approaches = [
        {"neo_id": neo["neo_reference_id"], **one}
        for neo in neos
        for one in neo.pop("close_approach_data")
    ]
    return pa.Table.from_pylist(neos), pa.Table.from_pylist(approaches)


def read_json(body: bytes) -> tuple[pa.Table, pa.Table]:
    """Return the two tables, nested as the page is, by DuckDB, which reads a file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(body)
        file.flush()
        duckdb.execute(
            "create or replace table neos as select unnest(near_earth_objects, max_depth := 2) "
            "from read_json($1)",
            [file.name],
        )
        neos = duckdb.sql("select * exclude close_approach_data from neos")
        approaches = duckdb.sql(
            "select neo_reference_id, unnest(close_approach_data, max_depth := 2) from neos"
        )
        return neos.to_arrow_table(), approaches.to_arrow_table()


PEERS: dict[str, Callable[[bytes], Any]] = {
    "orjson.loads alone": orjson.loads,
    "msgspec, untyped": msgspec.json.decode,
    "json + Table.from_pylist": from_pylist,
    "json + json_normalize": normalized,
    "DuckDB read_json": read_json,
}


SLOW = ("json + json_normalize", "DuckDB read_json")
_ENOUGH = 10  # of these


def decoding(repeats: int = 100) -> list[dict[str, Any]]:
    """Return a row for every page, peer and repeat; all take turns, in an order drawn by lot."""
    rows = []
    lot = Random(1)  # noqa: S311
    for what, body, batch in pages():
        readers = {"project": partial(decode_page, batch=batch)} | PEERS
        if not rows:  # one page tells: none adds more than some MB
            rows += [
                {"what": what, "who": who, "peak_mb": _peak_mb(read, body)}
                for who, read in readers.items()
            ]
        timed = [
            {"what": what, "who": who, **_times(readers[who], body)}
            for repeat in range(repeats)
            for who in lot.sample(list(readers), len(readers))
            if repeat < _ENOUGH or who not in SLOW
        ]
        # Whoever comes first is the one whose time is divided by the others'.
        rows += sorted(timed, key=lambda row: row["who"] != "project")
    return rows


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
