"""How long the whole of it takes, from a command to its end: the project, and the obvious way.

``obvious/`` holds two notebooks as most would write them first: requests one after the other,
``json``, pandas, a SparkSession as it comes. Both ways fetch the same 200 NEOs from the sample on a
loopback port, which takes ``answer_s`` to answer, count and plot them.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.commands import measured, run
from benchmarks.fetching import KEY, served
from neo_utils.settings import PROJECT

_BIN = Path(sys.executable).parent
_ENVIRONMENT = {**os.environ, "API_KEY": KEY}


def by_project(url: str, output: Path, master: str = "local[*]") -> None:
    """Run what ``make run`` runs."""
    run(
        *("make", "run", "START=1", "END=200", f"API_URL={url}", f"OUTPUT_DIR={output}"),
        f"MASTER={master}",
        env=_ENVIRONMENT,
    )


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
    "project, MASTER=duckdb": by_project_on_duckdb,
    "two papermill commands": the_obvious_way,
}


def pipeline(repeats: int = 3, answer_s: float = 0.5) -> list[dict[str, Any]]:
    """Return a row for every way and repeat, of a first run and of the same command again."""
    # What the first count on a machine makes in the background: a run that is set up has it.
    run(sys.executable, "-m", "neo_utils.warm_start")
    rows = []
    with served(answer_s, prepared=10) as url:
        for who, way in [*WAYS.items()] * repeats:
            with tempfile.TemporaryDirectory() as output:
                for what in ("200 NEOs, first run", "200 NEOs, the same again"):
                    with measured() as row:
                        way(url, Path(output))
                    rows.append({"what": what, "who": who, **row})
    return rows
