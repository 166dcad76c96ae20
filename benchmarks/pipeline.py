"""How long the whole of it takes, from a command to its end: the project, and the obvious way.

``obvious/`` holds two notebooks as most would write them first: requests one after the other,
``json``, pandas, a SparkSession as it comes. All ways fetch the same 200 NEOs from the sample on a
loopback port, which takes ``answer_s`` to answer, count and plot them.
"""

import datetime as dt
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
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

_EXECUTED = "runs/batches-1-200"  # the project's notebooks, seen from its output
_BIN = Path(sys.executable).parent
_ENVIRONMENT = {**os.environ, "API_KEY": KEY}


def by_project(url: str, output: Path, master: str = "local[*]", **env: str) -> None:
    """Run what ``make run`` runs."""
    given = {"SOURCE": "nasa", "API_URL": url, "OUTPUT_DIR": output, "MASTER": master}
    make_run(PROJECT, _ENVIRONMENT | env, **given)


def by_project_without_archive(url: str, output: Path) -> None:
    """Run it as for the first time on a machine, before there is an archive of Spark's classes."""
    with java_without_archive() as home:
        by_project(url, output, JAVA_HOME=str(home))


def by_project_on_duckdb(url: str, output: Path) -> None:
    """Run it without Spark."""
    by_project(url, output, "duckdb")


def the_obvious_way(url: str, output: Path) -> None:
    """Run the two notebooks by two commands."""
    for name, more in (("fetch", ["-p", "api_url", url]), ("aggregate", [])):
        notebook = PROJECT / f"benchmarks/obvious/{name}.ipynb"
        values = ["-p", "output_dir", output / "data", *more]
        executed = output / f"{name}.ipynb"
        run(
            *(_BIN / "papermill", "--no-progress-bar", notebook, executed, *values),
            env=_ENVIRONMENT,
        )


WAYS: dict[str, Callable[[str, Path], None]] = {
    "project": by_project,
    "project, no archive of Spark's classes": by_project_without_archive,
    "project, MASTER=duckdb": by_project_on_duckdb,
    "two papermill commands": the_obvious_way,
}


def pipeline(repeats: int = 3, answer_s: float = 0.5) -> list[dict[str, Any]]:
    """Return a row for every way and repeat: a first run, the same command again, and counting."""
    # What the first count on a machine makes in the background: a run that is set up has it.
    run(sys.executable, "-m", "neo_utils.run.warm_start")
    if not archive_path(java_home()).exists():
        raise RuntimeError("another process makes Spark's classes ready: again in a minute")
    rows: list[dict[str, Any]] = []
    with served(answer_s, prepared=10) as url:
        for who, way in [*WAYS.items()] * repeats:
            with tempfile.TemporaryDirectory() as output:
                for what, before in _RUNS.items():
                    before(Path(output))
                    rows.append({"what": what, "who": who, **_timed(way, url, Path(output))})
                rows[-1]["answer"] = _answer(Path(output))
    if len({row["answer"] for row in rows if "answer" in row}) != 1:
        raise RuntimeError("not all found the same numbers")
    return rows


def _timed(way: Callable[[str, Path], None], url: str, output: Path) -> dict[str, Any]:
    began = dt.datetime.now(dt.UTC)
    with measured() as row:
        way(url, output)
    phases = phases_s(output / _EXECUTED, began, row["wall_s"])
    return row | ({"phases_s": phases} if phases else {})


def _as_it_is(_output: Path) -> None:
    """Leave everything where it is."""


def _remove_what_was_counted(output: Path) -> None:
    for name in ("aggregations", "yearly_statistics", "runs"):
        shutil.rmtree(output / name, ignore_errors=True)


def _answer(output: Path) -> str:
    """Return the metrics that lie in a folder, of whichever way."""
    found = (path for path in output.rglob("*.parquet") if "aggregations" in path.parts)
    rows = pa.concat_tables(pq.read_table(path, partitioning=None) for path in found).to_pylist()
    return str(sorted((row["metric"], row["value"]) for row in rows))


_RUNS = {
    "200 NEOs, first run": _as_it_is,
    "200 NEOs, the same again": _as_it_is,
    "200 NEOs, nothing to fetch, counted anew": _remove_what_was_counted,
}
