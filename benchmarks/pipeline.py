"""Time whole commands from prompt to prompt: the project, and the obvious pipeline.

``obvious/`` contains two notebooks that use every default: one request after the other, ``json``,
pandas, a plain SparkSession. Both pipelines fetch the same 200 NEOs of the sample from a loopback
port, aggregate and plot them. The service answers after 0.5 s, as NASA's does, or at once, which
leaves the pipelines' own time.
"""

import datetime as dt
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.commands import make_run, measured, run
from benchmarks.fetching import KEY, served
from benchmarks.phases import phases_s
from benchmarks.without_archive import java_without_archive
from neo_utils.engines.class_archive import archive_path
from neo_utils.engines.java import java_home
from neo_utils.settings.folders import PROJECT

_EXECUTED = "runs/batches-1-200"  # the project's notebooks, relative to its output folder
_ANSWER_S = 0.5
_BIN = Path(sys.executable).parent
_ENVIRONMENT = {**os.environ, "API_KEY": KEY}


def by_project(url: str, output: Path, master: str = "local[*]", **env: str) -> None:
    """Run ``make run``."""
    given = {"SOURCE": "nasa", "API_URL": url, "OUTPUT_DIR": output, "MASTER": master}
    make_run(PROJECT, _ENVIRONMENT | env, **given)


def by_project_without_archive(url: str, output: Path) -> None:
    """Run ``make run`` as on a new machine, without the archive of Spark's classes."""
    with java_without_archive() as home:
        by_project(url, output, JAVA_HOME=str(home))


def by_project_on_duckdb(url: str, output: Path) -> None:
    """Run ``make run MASTER=duckdb``."""
    by_project(url, output, "duckdb")


def by_obvious_pipeline(url: str, output: Path) -> None:
    """Run the two obvious notebooks with two papermill commands."""
    for name, more in (("fetch", ["-p", "api_url", url]), ("aggregate", [])):
        notebook = PROJECT / f"benchmarks/obvious/{name}.ipynb"
        values = ["-p", "output_dir", output / "data", *more]
        executed = output / f"{name}.ipynb"
        run(
            *(_BIN / "papermill", "--no-progress-bar", notebook, executed, *values),
            env=_ENVIRONMENT,
        )


PIPELINES: dict[str, Callable[[str, Path], None]] = {
    "project": by_project,
    "project, no archive of Spark's classes": by_project_without_archive,
    "project, MASTER=duckdb": by_project_on_duckdb,
    "two papermill commands": by_obvious_pipeline,
}


def pipeline(repeats: int = 3) -> list[dict[str, Any]]:
    """Return a row for every pipeline, kind of run and repeat."""
    # The first aggregation on a machine creates the archive in the background.
    run(sys.executable, "-m", "neo_utils.run.warm_start")
    if not archive_path(java_home()).exists():
        raise RuntimeError("another process is creating the class archive. Try again in a minute")
    first, *_ = _RUNS
    rows = _rows(repeats, _RUNS, _ANSWER_S)
    return rows + _rows(repeats, {f"{first}, the service answers at once": _RUNS[first]}, 0)


def _rows(
    repeats: int, runs: Mapping[str, Callable[[Path], None]], answer_s: float
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with served(answer_s, prepared=10) as url:
        for who, pipe in [*PIPELINES.items()] * repeats:
            with tempfile.TemporaryDirectory() as output:
                for what, prepare in runs.items():
                    prepare(Path(output))
                    rows.append({"what": what, "who": who, **_timed(pipe, url, Path(output))})
                rows[-1]["answer"] = _answer(Path(output))
    if len({row["answer"] for row in rows if "answer" in row}) != 1:
        raise RuntimeError("the pipelines found different numbers")
    return rows


def _timed(pipe: Callable[[str, Path], None], url: str, output: Path) -> dict[str, Any]:
    began = dt.datetime.now(dt.UTC)
    with measured() as row:
        pipe(url, output)
    phases = phases_s(output / _EXECUTED, began, row["wall_s"])
    return row | ({"phases_s": phases} if phases else {})


def _keep_all(_output: Path) -> None:
    """Keep everything that the previous run stored."""


def _remove_results(output: Path) -> None:
    for name in ("aggregations", "yearly_statistics", "runs"):
        shutil.rmtree(output / name, ignore_errors=True)


def _answer(output: Path) -> str:
    """Return the metrics that a pipeline stored."""
    found = (path for path in output.rglob("*.parquet") if "aggregations" in path.parts)
    rows = pa.concat_tables(pq.read_table(path, partitioning=None) for path in found).to_pylist()
    return str(sorted((row["metric"], row["value"]) for row in rows))


_RUNS = {
    "200 NEOs, first run": _keep_all,
    "200 NEOs, the same again": _keep_all,
    "200 NEOs, nothing to fetch, recomputed": _remove_results,
}
