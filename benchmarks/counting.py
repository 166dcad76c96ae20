"""Measure one aggregation in this process, cold.

``python -m benchmarks.counting FOLDER CASE TOOL`` prints one line of JSON for each measurement,
from current segments to the rows. The time starts once libraries are loaded and the session has
started. Processor time and memory include those of Java in the driver, but not of a cluster's
workers. The project's engines aggregate a second time in the same process, to show the effect of
warm-up.

To profile Java, set ``SPARK_SUBMIT_OPTS=-XX:StartFlightRecording=filename=FILE,settings=profile``.
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

from benchmarks.alternatives import ALTERNATIVES
from benchmarks.alternatives.common import THRESHOLD_AU
from benchmarks.catalogue import tables_of
from benchmarks.java import cpu_s, java_peak_mb, java_s, keep_compilers
from benchmarks.machine import peak_mb
from benchmarks.project_engines import project_engine
from benchmarks.summary import Row, Rows
from neo_utils.engines.engine import connect, engine_of
from neo_utils.settings.spark import DUCKDB, is_embedded
from neo_utils.statistics.computation import remove_duplicates
from neo_utils.statistics.definitions import sql_text
from neo_utils.store.result_files import FOLDERS

WARM = ", warm"
_DAY = dt.date(2026, 3, 1)  # the fetch date of the sample


def with_project(folder: Path, case: str, tool: str) -> Rows:
    """Measure the project's aggregation: first cold, then warm."""
    master, conf, settings = project_engine(case, tool)
    keep_compilers()
    session = connect(master, conf, folder / "spark.log")
    java = None if master == DUCKDB else session
    rows: Rows = []
    for warm in ("", WARM):
        with _measured(java) as measured:
            for table in tables_of(folder, case):
                engine_of(session).register(table)
            remove_duplicates(session)
            queries = {name: sql_text(name, THRESHOLD_AU) for name in FOLDERS}
            tables = [
                [tuple(row.values()) for row in table.to_pylist()]
                for table in engine_of(session).tables_of(queries).values()
            ]
        row = {"task": case + warm, **measured, "tool": tool, "result": _digest(*tables)}
        rows.append(row | ({"settings": settings} if settings else {}))
    session.stop()
    return rows


def with_alternative(folder: Path, case: str, tool: str) -> Rows:
    """Measure the aggregation with another library."""
    library = import_module(ALTERNATIVES[tool])
    files = [[str(path) for path in table.files] for table in tables_of(folder, case)]
    with _measured() as row:
        tables = library.aggregate(*files, _DAY)
    return [{"task": case, "tool": tool, **row, "result": _digest(*tables)}]


@contextmanager
def _measured(java: Any = None) -> Iterator[Row]:  # noqa: ANN401 - a SparkSession, or None
    row: Row = {}
    wall_s, before = time.perf_counter(), _cpu_times(java)
    yield row
    row["wall_s"] = time.perf_counter() - wall_s
    row |= {name: seconds - before[name] for name, seconds in _cpu_times(java).items()}
    row["peak_mb"] = row["python_mb"] = peak_mb()
    if java:
        row["java_mb"] = java_peak_mb(java)
        row["peak_mb"] += row["java_mb"]


def _digest(metrics_rows: list[Any], yearly_rows: list[Any]) -> str:
    """Return a checksum without names, and without means: their last digits depend on row order."""
    totals = sorted((str(name), int(value)) for name, value in metrics_rows)
    years = sorted(
        (
            int(y),
            body,
            *map(int, n),
            f"{au:.10f}",
            str(neo),
            int(under),
            str(date)[:10],
            bool(later),
        )
        for y, body, *n, au, neo, _, under, date, later in (row[:12] for row in yearly_rows)
    )
    return sha256(repr((totals, years)).encode()).hexdigest()


def _cpu_times(java: Any) -> dict[str, float]:  # noqa: ANN401 - a SparkSession, or None
    """Return the processor time so far, and that of Java by purpose if it runs the tasks."""
    if java is None:
        return {"cpu_s": time.process_time()}
    by_purpose = java_s(java) if is_embedded(java.sparkContext.master) else {}
    return {"cpu_s": time.process_time() + cpu_s(java), **by_purpose}


def main(folder: str, case: str, tool: str) -> None:
    """Print one line for each measurement."""
    measure = with_alternative if tool in ALTERNATIVES else with_project
    for row in measure(Path(folder), case, tool):
        print(json.dumps(row))


if __name__ == "__main__":
    main(*sys.argv[1:])
