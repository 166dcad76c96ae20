"""Count once in this process, cold, and measure it.

``python -m benchmarks.counting FOLDER CASE WHO`` prints a line of JSON for each measurement. The
clocks begin when libraries are loaded and the session has started, and end with the rows; processor
time and memory include Java's in this machine's driver, not that of a cluster's workers. A second
count in the same process shows what Java has warmed up to.
"""

import datetime as dt
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.catalogue import LARGE, SIZES, TABLES, files_of, stored
from benchmarks.java import cpu_s, java_peak_mb, java_s, keep_compilers
from benchmarks.machine import peak_mb
from benchmarks.ours import ours
from benchmarks.peers import PEERS
from benchmarks.peers.reading import THRESHOLD_AU
from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import Engine, connect, register_file
from neo_utils.settings.spark import is_embedded
from neo_utils.statistics.computation import (
    metrics,
    read_batches,
    remove_duplicates,
    yearly_statistics,
)

QUERIES = ", the queries alone"
AGAIN = ", again in the same process"
_DAY = dt.date(2026, 3, 1)  # of the sample's fetch
Measured = dict[str, Any]


def by_project(folder: Path, case: str, who: str) -> list[Measured]:
    """Count as the project does, twice, and the queries alone each time."""
    master, conf, settings = ours(case, who)
    keep_compilers()
    engine = connect(master, conf, folder / "spark.log")
    told: list[Measured] = []
    for again in ("", AGAIN):
        with _measured(told, case + again, who, engine) as rows:
            frames = _read(engine, folder, case)
            with _measured(told, case + QUERIES + again, who, engine) as rows_of_queries:
                rows_of_queries += [
                    metrics(*frames, THRESHOLD_AU).collect(),
                    yearly_statistics(frames[1], THRESHOLD_AU).collect(),
                ]
            rows += rows_of_queries
    engine.stop()
    return [one | ({"settings": settings} if settings else {}) for one in told]


def by_peer(folder: Path, case: str, who: str) -> list[Measured]:
    """Count as users of another library would."""
    peer = import_module(PEERS[who])
    files = files_of(folder, case)
    told: list[Measured] = []
    with _measured(told, case, who) as rows:
        rows += peer.count(*files, _DAY)
    return told


def _read(engine: Engine, folder: Path, case: str) -> tuple[Any, Any]:
    if case != LARGE:
        return read_batches(engine, stored(folder, SIZES[case]))
    for name, [path] in zip(TABLES, files_of(folder, case), strict=True):
        register_file(engine, name, Path(path), pq.read_schema(path))
    return remove_duplicates(engine)


@contextmanager
def _measured(
    told: list[Measured], what: str, who: str, engine: Engine | None = None
) -> Iterator[list[Any]]:
    """Measure what is done in this context; gives a list for both tables' rows."""
    java = None if engine is None or isinstance(engine, DuckDBSession) else engine
    rows: list[Any] = []
    wall_s, before = time.perf_counter(), _spent_s(java)
    yield rows
    one: Measured = {"what": what, "who": who, "wall_s": time.perf_counter() - wall_s}
    one |= {name: so_far - before[name] for name, so_far in _spent_s(java).items()}
    one |= {"peak_mb": peak_mb() + (java_peak_mb(java) if java else 0)}
    told.append(one | {"answer": _digest(*rows)})


def _digest(metrics_rows: list[Any], yearly_rows: list[Any]) -> str:
    """Return a checksum; means apart, whose last digit depends on the order of a sum."""
    totals = sorted((str(name), int(value)) for name, value in metrics_rows)
    years = sorted(
        (int(y), body, *map(int, n), f"{au:.10f}", str(neo))
        for y, body, *n, au, neo, _ in map(tuple, yearly_rows)
    )
    return sha256(repr((totals, years)).encode()).hexdigest()


def _spent_s(java: Any) -> dict[str, float]:  # noqa: ANN401 - a SparkSession, or None
    """Return the processor time spent so far, and what Java's part of it was for.

    Not of a cluster's driver, whose tasks run elsewhere.
    """
    if java is None:
        return {"cpu_s": time.process_time()}
    parts = java_s(java) if is_embedded(java.sparkContext.master) else {}
    return {"cpu_s": time.process_time() + cpu_s(java), **parts}


def main(folder: str, case: str, who: str) -> None:
    """Print a line for every measurement."""
    for line in (by_peer if who in PEERS else by_project)(Path(folder), case, who):
        print(json.dumps(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
