"""Time whole commands from prompt to prompt: the project, and the obvious pipeline.

``obvious/`` contains two notebooks that use every default: one request after the other, ``json``,
pandas, a plain SparkSession. Both pipelines fetch the same 200 NEOs of the sample from a loopback
port, aggregate and plot them. The service responds after 0.5 s, as NASA's does, or without delay,
which leaves the pipelines' own time.
"""

import datetime as dt
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.commands import make_run, measured, run
from benchmarks.fetching import KEY, served
from benchmarks.phases import phases_s
from benchmarks.summary import Row, Rows
from neo_utils.engines.class_archive import archive_path, failure_marker
from neo_utils.engines.java import MINIMUM_VERSION, java_home
from neo_utils.settings.folders import PROJECT

_EXECUTED = "runs/batches-1-200"  # the project's notebooks, relative to its output folder
_DELAY_S = 0.5
_FIRST, _RECOMPUTED = "200 NEOs, first run", "200 NEOs, nothing to fetch, recomputed"
_BIN = Path(sys.executable).parent
_ENVIRONMENT = {**os.environ, "API_KEY": KEY}


def with_project(url: str, output: Path, master: str = "local[*]", **env: str) -> None:
    """Run ``make run``."""
    variables = {"SOURCE": "nasa", "API_URL": url, "OUTPUT_DIR": output, "MASTER": master}
    make_run(PROJECT, _ENVIRONMENT | env, **variables)


def with_project_without_archive(url: str, output: Path) -> None:
    """Run ``make run`` as on a new machine, without the archive of Spark's classes."""
    with _java_without_archive() as home:
        with_project(url, output, JAVA_HOME=str(home))


def with_project_on_duckdb(url: str, output: Path) -> None:
    """Run ``make run MASTER=duckdb``."""
    with_project(url, output, "duckdb")


def with_obvious_pipeline(url: str, output: Path) -> None:
    """Run the two obvious notebooks with two papermill commands."""
    for name, more in (("fetch", ["-p", "api_url", url]), ("aggregate", [])):
        notebook = PROJECT / f"benchmarks/obvious/{name}.ipynb"
        values = ["-p", "output_dir", output / "data", *more]
        executed = output / f"{name}.ipynb"
        run(
            *(_BIN / "papermill", "--no-progress-bar", notebook, executed, *values),
            env=_ENVIRONMENT,
        )


TOOLS: dict[str, Callable[[str, Path], None]] = {
    "project": with_project,
    "project, no class archive": with_project_without_archive,
    "project, MASTER=duckdb": with_project_on_duckdb,
    "two papermill commands": with_obvious_pipeline,
}


def pipeline(repeats: int = 3) -> Rows:
    """Return a row for every pipeline, task and repeat."""
    # The first aggregation on a machine creates the archive in the background.
    run(sys.executable, "-m", "neo_utils.run.warm_start")
    if not archive_path(java_home()).exists():
        raise RuntimeError("another process is creating the class archive. Try again in a minute")
    rows = _measure(repeats, [_FIRST, "200 NEOs, run again", _RECOMPUTED], _DELAY_S)
    return rows + _measure(repeats, [f"{_FIRST}, service without delay"], 0)


def _measure(repeats: int, tasks: list[str], delay_s: float) -> Rows:
    rows: Rows = []
    with served(delay_s, prepared=10) as url:
        for tool, run_tool in [*TOOLS.items()] * repeats:
            with tempfile.TemporaryDirectory() as folder:
                output = Path(folder)
                for task in tasks:
                    if task == _RECOMPUTED:
                        for name in ("aggregations", "yearly_statistics", "runs"):
                            shutil.rmtree(output / name, ignore_errors=True)
                    rows.append({"task": task, "tool": tool, **_timed(run_tool, url, output)})
                rows[-1]["result"] = _stored_metrics(output)
    if len({row["result"] for row in rows if "result" in row}) != 1:
        raise RuntimeError("the pipelines stored different metrics")
    return rows


def _timed(run_tool: Callable[[str, Path], None], url: str, output: Path) -> Row:
    started = dt.datetime.now(dt.UTC)
    with measured() as row:
        run_tool(url, output)
    phases = phases_s(output / _EXECUTED, started, row["wall_s"])
    return row | ({"phases_s": phases} if phases else {})


def _stored_metrics(output: Path) -> str:
    files = (path for path in output.rglob("*.parquet") if "aggregations" in path.parts)
    rows = pa.concat_tables(pq.read_table(path, partitioning=None) for path in files).to_pylist()
    return str(sorted((row["metric"], row["value"]) for row in rows))


@contextmanager
def _java_without_archive() -> Iterator[Path]:
    """Yield a temporary second home of the same Java, which has no archive of Spark's classes.

    An archive belongs to one home, so the existing archive stays available to other processes. A
    marker prevents the run from creating an archive in the background, which would disturb the
    next measurement.
    """
    with tempfile.TemporaryDirectory(prefix="java-") as folder:
        home = Path(folder)
        (home / "bin").symlink_to(java_home() / "bin")
        (home / "release").write_text(f'JAVA_VERSION="{MINIMUM_VERSION}"\n')
        marker = failure_marker(archive_path(home))
        marker.parent.mkdir(exist_ok=True)
        marker.write_text("not tried: a benchmark measures Spark without it\n")
        try:
            yield home
        finally:
            marker.unlink()
