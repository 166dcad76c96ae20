"""`make clean` removes results of the project and keeps what may belong to the user."""

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.run.executed import notebook_path
from neo_utils.run.runner import run
from neo_utils.run.upkeep import clean_text
from neo_utils.settings.run_settings import parse_settings

END = 20
RUN = "runs/batches-1-20"
LEFT = {"raw", "close_approaches", "orbits", "pages", ".lock", ".run-lock", ".segments-lock"}


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """Return an output with fetched data and results."""
    output = tmp_path_factory.mktemp("counted")
    given = {"output_dir": str(output), "source": "sample", "end": 20, "master": "duckdb"}
    run("run", ["fetch", "aggregate"], parse_settings(given))
    (output / "segments/neos/.positions=1-2000.parquet.tmp").touch()
    (output / RUN / "spark.log").write_text("what Java printed")
    (output / "runs/explore-spark.log").touch()
    (output / RUN / ".report.html.tmp").touch()
    return output


@pytest.fixture
def output(counted, tmp_path):
    return shutil.copytree(counted, tmp_path / "output")


def clean(output):
    return clean_text(parse_settings({"output_dir": str(output)}))


def test_removes_all_results_and_keeps_fetched_data(output):
    fetched = {p: p.read_bytes() for p in output.glob("[rcp]*/batch-*/*")}
    assert len(fetched) == 3
    assert clean(output) == f"removed the computed results in {output}; fetched data is kept"
    assert {path.name for path in output.iterdir()} == LEFT
    assert {path: path.read_bytes() for path in fetched} == fetched
    assert clean(output) == f"no computed results in {output}; nothing was removed"


def add_a_cell(path):
    notebook = json.loads(path.read_bytes())
    notebook["cells"].append({"cell_type": "markdown", "metadata": {}, "source": ["my notes"]})
    path.write_text(json.dumps(notebook))
    later = dt.datetime.now().timestamp() + 3_600
    os.utime(path, (later, later))


def own_table(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"metric": ["mine"]}), path)


def text(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")


def copied_notebook(path):
    path.parent.mkdir(exist_ok=True)
    runs = next(parent for parent in path.parents if parent.name == "runs")
    shutil.copy2(runs / "batches-1-20/aggregate.ipynb", path)


def link_to_home(path):
    home = next(one for one in path.parents if one.name == "output").parent / "home"
    home.mkdir()
    (home / "part-0.parquet").write_text("mine")
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(home)


OTHERS = {
    "notes in the folder of a run": (f"{RUN}/notes.md", text),
    "notes beside the runs": ("runs/notes.md", text),
    "a folder of notes": ("runs/mine/part-0.parquet", text),
    "a copied notebook": (f"{RUN}/aggregate (copy).ipynb", copied_notebook),
    "a notebook of another range": ("runs/batches-1-40/aggregate.ipynb", copied_notebook),
    "an edited notebook": (f"{RUN}/aggregate.ipynb", add_a_cell),
    "the user's notebook": (
        f"{RUN}/fetch.ipynb",
        lambda path: shutil.copy(notebook_path("fetch"), path),
    ),
    "not a notebook": (f"{RUN}/fetch.ipynb", text),
    "another report": (f"{RUN}/report.html", text),
    "another table in the place of ours": (
        "aggregations/batches-1-20/part-0.parquet",
        own_table,
    ),
    "a folder of no valid range": ("aggregations/batches-7-3/part-0.parquet", own_table),
    "a folder of no valid threshold": (
        "aggregations/batches-1-20-under-05-au/part-0.parquet",
        own_table,
    ),
    "a log without a run": ("runs/batches-1-400/spark.log", text),
    "a temporary file without a table": ("aggregations/batches-1-400/.part-0.parquet.tmp", text),
    "not a table": ("yearly_statistics/batches-1-20/part-0.parquet", text),
    "a further table": ("aggregations/batches-1-20/part-1.parquet", own_table),
    "a table in the user's folder": ("aggregations/mine/part-0.parquet", own_table),
    "other rows among segments": ("segments/neos/positions=1-2000.parquet", own_table),
    "a file in place of a folder": ("aggregations/batches-1-60", text),
    "a link in place of a run": (RUN, link_to_home),
    "a link in place of all runs": ("runs", link_to_home),
    "a link in place of a table": ("aggregations/batches-1-20/part-0.parquet", link_to_home),
    "a link in place of a folder of tables": ("aggregations/batches-1-20", link_to_home),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_keeps_and_names_unrecognised_files(output, tmp_path, kind):
    place, put = OTHERS[kind]
    put(output / place)
    before = {p: p.read_bytes() for p in (output / place).parent.glob("*") if p.is_file()}
    printed = clean(output)
    of_no_results = Path(place).parent.name in ("mine", "batches-7-3", "batches-1-20-under-05-au")
    top = Path(place).parent if of_no_results else place
    assert printed.endswith(f"; kept: {top} (not recognised as this project's)")
    assert "\n" not in printed
    assert (output / place).exists()
    if (output / place).is_file():
        assert (output / place).read_bytes() == before[output / place]
    if (tmp_path / "home").exists():
        assert (tmp_path / "home" / "part-0.parquet").read_text() == "mine"
    others = {p.relative_to(output).parts[0] for p in output.rglob("*") if p.is_file()}
    assert others <= LEFT | {place.split("/")[0]}


def test_leaves_a_folder_without_results_untouched(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "half marathon.gpx").write_text("mine")
    assert clean(tmp_path).endswith(
        "; kept: runs/half marathon.gpx (not recognised as this project's)"
    )
    assert [path.name for path in tmp_path.rglob("*")] == ["runs", "half marathon.gpx"]


def test_counts_many_kept_files(output):
    for number in range(30):
        text(output / RUN / f"note {number}")
    printed = clean(output)
    assert printed.count("note ") == 10
    assert " and 20 more (not recognised" in printed
