"""The engines of the project that are measured, and their settings."""

from typing import Any, NamedTuple

import yaml

from benchmarks.catalogue import HUGE, LARGE, WHOLE
from neo_utils.settings.folders import PROJECT

SPARK, DUCKDB = "project, MASTER=local[*]", "project, MASTER=duckdb"
SPARK_TUNED = f"{SPARK}, three settings"
WORKER_CORES = {f"project, cluster, {n} worker cores": str(n) for n in (1, 2, 4)}
_CLUSTER = "spark://127.0.0.1:7077"
_TUNED = {  # recommended in docs/speed.md for ten times the catalogue
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "true",
}


class ProjectEngine(NamedTuple):
    """A master, its Spark settings, and their name in the results."""

    master: str
    spark_conf: dict[str, Any]
    settings: str


def project_engine(case: str, tool: str) -> ProjectEngine:
    """Return the engine of a tool for a case.

    Embedded Spark has the settings of ``parameters/whole-catalogue.yaml`` for the whole catalogue
    and more, otherwise those of ``parameters/default.yaml``, as in ``make run``.
    """
    if tool == DUCKDB:
        return ProjectEngine("duckdb", {}, "")
    if tool in WORKER_CORES:
        conf = {"spark.cores.max": WORKER_CORES[tool], "spark.executor.memory": "2g"}
        return ProjectEngine(_CLUSTER, conf, _text(conf))
    file = "whole-catalogue.yaml" if case in (WHOLE, LARGE, HUGE) else "default.yaml"
    conf = yaml.safe_load((PROJECT / "parameters" / file).read_text())["spark_conf"]
    if tool == SPARK_TUNED:
        return ProjectEngine("local[*]", conf | _TUNED, f"{file}, {_text(_TUNED)}")
    return ProjectEngine("local[*]", conf, file)


def _text(conf: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in conf.items())
