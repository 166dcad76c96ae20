"""Measure aggregation with the project's engines and with alternatives, on the same files.

Each measurement runs in a new process (`benchmarks.counting`), and the tools take turns.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.alternatives import ALTERNATIVES
from benchmarks.catalogue import (
    LARGE,
    SIZES,
    SMALL,
    WHOLE,
    close_approaches_of,
    make_input,
)
from benchmarks.project_engines import DUCKDB, SPARK, SPARK_TUNED, WORKER_CORES
from benchmarks.summary import Rows
from neo_utils.cluster import local_cluster


def small_aggregation(folder: Path) -> Rows:
    """Measure the first 2,000 NEOs, once."""
    return measure_cases(folder, {SMALL: [SPARK, DUCKDB, *ALTERNATIVES]}, 1)


def aggregation(folder: Path, repeats: int = 3) -> Rows:
    """Measure the project at every size, and the alternatives at the two largest."""
    cases = {
        **{case: [SPARK, DUCKDB] for case in SIZES},
        WHOLE: [SPARK, DUCKDB, *ALTERNATIVES],
        LARGE: [SPARK, SPARK_TUNED, DUCKDB, *ALTERNATIVES],
    }
    return measure_cases(folder, cases, repeats)


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
