"""How long counting takes: the project's engines, and what others make of the same files.

``python -m benchmarks.aggregation FOLDER`` makes the inputs there (minutes, 600 MB), and prints a
line for every repeat. Who is measured runs in a process of its own, cold: the clocks begin when
libraries are loaded and the session has started, and end with the rows; ``cpu_s`` and ``peak_mb``
include Java's. A second count in the same process shows what Java has warmed up to.
"""

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from benchmarks.catalogue import repeated, whole_catalogue
from benchmarks.machine import peak_mb
from benchmarks.peers import PEERS, THRESHOLD_AU
from neo_utils.engines import Engine, connect, name_file
from neo_utils.selection import select_batches
from neo_utils.settings import PROJECT
from neo_utils.spark.conf import DUCKDB
from neo_utils.statistics import counted, metrics, read_batches, yearly_statistics

NEOS = (200, 2_000, 20_000, 41_000)  # positions of the catalogue, in batches of 20
SIZES = {f"{n:,} NEOs in {n // 20:,} batches, from files to rows": n for n in NEOS}
SMALL = [*SIZES][-1]
QUERIES = ", the queries alone"
LARGE = "10 million approaches in two files, from files to rows"
DAY = dt.date(2026, 3, 1)  # of the sample's fetch
MASTERS = ("local[*]", DUCKDB)
Measured = dict[str, Any]
PROJECT_ON = "project, MASTER="
_CATALOGUE = yaml.safe_load((PROJECT / "parameters/whole-catalogue.yaml").read_text())["spark_conf"]
# What docs/speed.md advises for ten times the catalogue.
_FAR_BEYOND = {
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "true",
}


def aggregation(folder: Path, repeats: int = 3, masters: Iterable[str] = MASTERS) -> list[Measured]:
    """Measure the project on these masters, and its peers, in turn; all must find the same rows.

    Parameters
    ----------
    folder
        Where the inputs lie, or are made; the workers of a cluster must see it.
    """
    everybody = [*(f"{PROJECT_ON}{master}" for master in masters), *PEERS]
    return measured_cases(folder, (SMALL, LARGE), everybody, repeats)


def measured_cases(
    folder: Path, cases: Iterable[str], everybody: list[str], repeats: int
) -> list[Measured]:
    """Measure these cases; see `aggregation`."""
    make_inputs(folder)
    cases = [*cases]
    turns = [(what, who) for what in cases for who in everybody] * repeats
    measured = [one for what, who in turns for one in _in_its_own_process(folder, what, who)]
    for what in cases:
        if len({one["answer"] for one in measured if one["what"] == what}) != 1:
            raise RuntimeError(f"{what}: not all found the same rows")
    return measured


def make_inputs(folder: Path) -> None:
    """Store the catalogue and the 10 million approaches where they are not there yet."""
    selection = whole_catalogue(folder / "whole")
    large = folder / "large"
    if not large.exists():
        half = folder / "large.half"
        half.mkdir(exist_ok=True)
        for name, table in repeated(selection, 10).items():
            pq.write_table(table, half / f"{name}.parquet", row_group_size=131_072)
        half.rename(large)


def _in_its_own_process(folder: Path, what: str, who: str) -> list[Measured]:
    command = [sys.executable, "-m", "benchmarks.aggregation", str(folder), what, who]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _peer(folder: Path, what: str, who: str) -> list[Measured]:
    import_module(who)
    if what in SIZES:
        selection = select_batches(1, SIZES[what], "sample", str(folder / "whole"))
        batches = [batch for batch, _ in selection.oldest_first]
        files = [
            [str(batch.file(selection.output, table)) for batch in batches]
            for table in ("raw", "close_approaches")
        ]
    else:
        files = [
            [str(folder / "large" / f"stored_{name}.parquet")]
            for name in ("neos", "close_approaches")
        ]
    told: list[Measured] = []
    with _measured(told, what, who) as rows:
        rows += PEERS[who](*files, DAY)
    return told


def _project(folder: Path, what: str, who: str) -> list[Measured]:
    master = who.removeprefix(PROJECT_ON)
    conf = _CATALOGUE if what in SIZES else {**_CATALOGUE, **_FAR_BEYOND}
    engine = connect(master, {} if master == DUCKDB else conf, folder / "spark.log")
    java = None
    with suppress(AttributeError):  # DuckDB has none
        java = engine.sparkContext._gateway.proc.pid
    told: list[Measured] = []
    for again in ("", ", again in the same process"):
        with _measured(told, what + again, who, java) as rows:
            if what in SIZES:
                selection = select_batches(1, SIZES[what], "sample", str(folder / "whole"))
                frames = read_batches(engine, selection)
            else:
                frames = _large(engine, folder / "large")
            with _measured(told, what + again + QUERIES, who, java):
                rows += [
                    metrics(*frames, THRESHOLD_AU).collect(),
                    yearly_statistics(frames[1], THRESHOLD_AU).collect(),
                ]
    engine.stop()
    return told


def _large(engine: Engine, large: Path) -> tuple[Any, Any]:
    """Let the engine read the two files where they lie."""
    for path in large.glob("stored_*.parquet"):
        name_file(engine, path.stem, path, pq.read_schema(path))
    return counted(engine)


@contextmanager
def _measured(
    told: list[Measured], what: str, who: str, java: int | None = None
) -> Iterator[list[Any]]:
    """Measure what is done in this context; gives a list for both tables' rows."""
    rows: list[Any] = []
    wall, cpu = time.perf_counter(), _cpu_s(java)
    yield rows
    one: Measured = {"what": what, "who": who, "wall_s": time.perf_counter() - wall}
    one |= {"cpu_s": _cpu_s(java) - cpu, "peak_mb": _peak_mb(java)}
    if rows:
        one["answer"] = _digest(*rows)
    told.append(one)


def _digest(metrics_rows: list[Any], yearly_rows: list[Any]) -> str:
    """Return a checksum; means apart, whose last digit depends on the order of a sum."""
    totals = sorted((str(name), int(value)) for name, value in metrics_rows)
    years = sorted(
        (int(y), body, *map(int, n), f"{au:.10f}", str(neo))
        for y, body, *n, au, neo, _ in map(tuple, yearly_rows)
    )
    return sha256(repr((totals, years)).encode()).hexdigest()


def _cpu_s(java: int | None) -> float:
    if java is None:
        return time.process_time()
    fields = Path(f"/proc/{java}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(java: int | None) -> float:
    return peak_mb() + (peak_mb(java) if java else 0)


def main(folder: str, *one: str) -> None:
    """Print a line for every measurement: of everybody, or of one of them in this process."""
    if one:
        what, who = one
        measured = (_project if who.startswith(PROJECT_ON) else _peer)(Path(folder), what, who)
    else:
        measured = aggregation(Path(folder))
    for line in measured:
        print(json.dumps(line))


if __name__ == "__main__":
    main(*sys.argv[1:])
