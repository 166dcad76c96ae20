"""Who of the project counts: by which master, and with which settings."""

from typing import Any, NamedTuple

import yaml

from benchmarks.catalogue import LARGE, WHOLE
from neo_utils.settings.folders import PROJECT

SPARK, DUCKDB = "project, MASTER=local[*]", "project, MASTER=duckdb"
SPARK_FAR_BEYOND = f"{SPARK}, three settings"
WORKER_CORES = {f"project, cluster, {n} worker cores": str(n) for n in (1, 2, 4)}
_CLUSTER = "spark://127.0.0.1:7077"
_FAR_BEYOND = {  # what docs/speed.md advises for ten times the catalogue
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.adaptive.enabled": "true",
}


class Ours(NamedTuple):
    """A master, its Spark settings, and how the measurements name these."""

    master: str
    spark_conf: dict[str, Any]
    settings: str


def ours(case: str, who: str) -> Ours:
    """Return how one of the project counts a case.

    An embedded Spark has what ``make run`` would give it: that of ``parameters/default.yaml``, or
    from the whole catalogue on that of ``parameters/whole-catalogue.yaml``.
    """
    if who == DUCKDB:
        return Ours("duckdb", {}, "")
    if who in WORKER_CORES:
        conf = {"spark.cores.max": WORKER_CORES[who], "spark.executor.memory": "2g"}
        return Ours(_CLUSTER, conf, _text(conf))
    file = "whole-catalogue.yaml" if case in (WHOLE, LARGE) else "default.yaml"
    conf = yaml.safe_load((PROJECT / "parameters" / file).read_text())["spark_conf"]
    if who == SPARK_FAR_BEYOND:
        return Ours("local[*]", conf | _FAR_BEYOND, f"{file}, {_text(_FAR_BEYOND)}")
    return Ours("local[*]", conf, file)


def _text(conf: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in conf.items())
