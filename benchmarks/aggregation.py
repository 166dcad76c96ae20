"""Measure aggregation with the project's engines and with alternatives, on the same files.

Each measurement runs in a new process (`benchmarks.counting`), and the tools take turns.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.alternatives import ALTERNATIVES
from benchmarks.catalogue import (
    HUGE,
    LARGE,
    NEOS,
    SIZES,
    SMALL,
    WHOLE,
    close_approaches_of,
    make_input,
    output_of,
)
from benchmarks.machine import in_new_process, timed
from benchmarks.project_engines import DUCKDB, SPARK, SPARK_TUNED, WORKER_CORES
from benchmarks.summary import Rows
from neo_utils.cluster import local_cluster
from neo_utils.positions import PositionRange
from neo_utils.store.batches import stored_provenances
from neo_utils.store.segment_building import build_outdated
from neo_utils.store.segments import FOLDER


def small_aggregation(folder: Path) -> Rows:
    """Measure the first 2,000 NEOs, once."""
    return measure_cases(folder, {SMALL: [SPARK, DUCKDB, *ALTERNATIVES]}, 1)


def aggregation(folder: Path, repeats: int = 3) -> Rows:
    """Measure the project at every size, once at the largest, and the alternatives at two."""
    cases = {
        **{case: [SPARK, DUCKDB] for case in SIZES if case != HUGE},
        WHOLE: [SPARK, DUCKDB, *ALTERNATIVES],
        LARGE: [SPARK, SPARK_TUNED, DUCKDB, *ALTERNATIVES],
    }
    rows = building(folder, repeats) + measure_cases(folder, cases, repeats)
    return rows + measure_cases(folder, {HUGE: [SPARK_TUNED, DUCKDB]}, 1)


def building(folder: Path, repeats: int = 3) -> Rows:
    """Measure how long building all segments takes, of different parts of the catalogue."""
    output = output_of(folder, WHOLE)
    stored = stored_provenances(output, PositionRange(1, None))
    rows: Rows = []
    for neos in NEOS * repeats:
        shutil.rmtree(output / FOLDER)
        part = {batch: one for batch, one in stored.items() if batch.last <= neos}
        row = in_new_process(timed, build_outdated, output, part)
        rows.append({"task": f"build segments of {neos:,} NEOs", "tool": "project", **row})
    build_outdated(output, stored)
    return rows


def worker_cores(folder: Path, repeats: int = 3) -> Rows:
    """Measure the two largest cases on a local cluster, and on DuckDB for comparison.

    The processor time and memory of the workers are not measured.
    """
    tools = [*WORKER_CORES, DUCKDB]
    cluster = folder / "cluster"
    workers = {"SPARK_WORKER_CORES": "2", "SPARK_WORKER_MEMORY": "2g"}
    print(local_cluster.up(cluster, {**os.environ, **workers}))
    os.environ["CLUSTER_SECRET_FILE"] = str(cluster / "secret")
    try:
        return measure_cases(folder, {WHOLE: tools, LARGE: tools}, repeats)
    finally:
        local_cluster.down(cluster)


def measure_cases(folder: Path, cases: Mapping[str, Iterable[str]], repeats: int) -> Rows:
    """Measure the tools of each case in turn, and check that all return the same rows.

    Parameters
    ----------
    folder
        Folder of the inputs, which are created if missing. A cluster's workers must see it.
    """
    for case in cases:
        make_input(folder, case)
    sizes = {case: close_approaches_of(folder, case) for case in cases}
    rows = [
        row | {"close_approaches": sizes[case]}
        for _ in range(repeats)
        for case, tools in cases.items()
        for tool in tools
        for row in _measure_in_new_process(folder, case, tool)
    ]
    for case in cases:
        if len({row["result"] for row in rows if row["task"].startswith(case)}) != 1:
            raise RuntimeError(f"{case}: the tools returned different rows")
    return rows


def _measure_in_new_process(folder: Path, case: str, tool: str) -> Rows:
    command = [sys.executable, "-m", "benchmarks.counting", str(folder), case, tool]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return [json.loads(line) for line in done.stdout.splitlines()]
