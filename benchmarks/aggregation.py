"""How long counting takes: the project's engines, and what others make of the same files.

Whoever is measured counts in a process of its own (`benchmarks.counting`), all in turn.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.catalogue import (
    LARGE,
    SIZES,
    SMALL,
    WHOLE,
    close_approaches_of,
    make_input,
)
from benchmarks.counting import Measured
from benchmarks.ours import DUCKDB, SPARK, SPARK_FAR_BEYOND, WORKER_CORES
from benchmarks.peers import PEERS
from neo_utils.cluster import local_cluster


def small_count(folder: Path) -> list[Measured]:
    """Measure the first 2,000 NEOs, once."""
    return measured_cases(folder, {SMALL: [SPARK, DUCKDB, *PEERS]}, 1)


def aggregation(folder: Path, repeats: int = 3) -> list[Measured]:
    """Measure every size by the project, the two largest by its peers, too."""
    cases = {
        **{case: [SPARK, DUCKDB] for case in SIZES},
        WHOLE: [SPARK, DUCKDB, *PEERS],
        LARGE: [SPARK, SPARK_FAR_BEYOND, DUCKDB, *PEERS],
    }
    return measured_cases(folder, cases, repeats)


def worker_cores(folder: Path, repeats: int = 3) -> list[Measured]:
    """Measure both on a cluster of this machine's processes, and DuckDB beside it.

    The processor time and memory of the workers are not measured.
    """
    everybody = [*WORKER_CORES, DUCKDB]
    cluster = folder / "cluster"
    workers = {"SPARK_WORKER_CORES": "2", "SPARK_WORKER_MEMORY": "2g"}
    print(local_cluster.up(cluster, {**os.environ, **workers}))
    os.environ["CLUSTER_SECRET_FILE"] = str(cluster / "secret")
    try:
        return measured_cases(folder, {WHOLE: everybody, LARGE: everybody}, repeats)
    finally:
        local_cluster.down(cluster)


def measured_cases(
    folder: Path, cases: Mapping[str, Iterable[str]], repeats: int
) -> list[Measured]:
    """Measure who counts in each case, in turn; all must find the same rows.

    Parameters
    ----------
    folder
        Where the inputs lie, or are made; the workers of a cluster must see it.
    """
    for case in cases:
        make_input(folder, case)
    turns = [(case, who) for case, everybody in cases.items() for who in everybody] * repeats
    sizes = {case: close_approaches_of(folder, case) for case in cases}
    measured = [
        one | {"close_approaches": sizes[case]}
        for case, who in turns
        for one in _in_its_own_process(folder, case, who)
    ]
    for case in cases:
        if len({one["answer"] for one in measured if one["what"].startswith(case)}) != 1:
            raise RuntimeError(f"{case}: not all found the same rows")
    return measured


def _in_its_own_process(folder: Path, case: str, who: str) -> list[Measured]:
    command = [sys.executable, "-m", "benchmarks.counting", str(folder), case, who]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return [json.loads(line) for line in ran.stdout.splitlines()]
