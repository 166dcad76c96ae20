"""Default Spark settings for embedded and cluster sessions, each with its reason."""

import os
import re
from collections.abc import Mapping
from typing import Any

from neo_utils.settings.spark import SECRET_SETTING, is_embedded

DEFAULT_CONF: Mapping[str, str] = {
    "spark.app.name": "NEO Data Recaller",
    # Gives the same dates on every machine, whatever its time zone.
    "spark.sql.session.timeZone": "UTC",
    # Java's output goes to a file, where progress bars are useless.
    "spark.ui.showConsoleProgress": "false",
    # By default, opening a file counts as reading 4 MB, which splits a table into fewer tasks than
    # there are cores. With 0, each core gets its share of the bytes.
    "spark.sql.files.openCostInBytes": "0",
}
# Driver and executor are one process on this machine.
EMBEDDED_CONF: Mapping[str, str] = {
    # Avoids an open port; no measurable effect on time.
    "spark.ui.enabled": "false",
    # The driver also does the executor's work. A limit, not a reservation.
    "spark.driver.memory": "2g",
    # Adaptive execution replans and starts a job after each stage of a query: on 200 NEOs, 25 jobs
    # instead of 10 and a sixth of the time. Our SQL marks the small side of each join itself.
    "spark.sql.adaptive.enabled": "false",
    # 16 MB hold 390,000 approaches, so a task's groups fit into memory and the CPU caches.
    "spark.sql.files.maxPartitionBytes": "16m",
    # Spark's small first-level hash map overflows with 300 years times the number of NEOs, and
    # shuffle data never leaves this machine: together a fifth of the time at 10 million approaches.
    "spark.sql.codegen.aggregate.map.twolevel.enabled": "false",
    "spark.shuffle.compress": "false",
    # Parallel GC favours throughput over short pauses: a tenth less CPU time at 10 million
    # approaches. The C1 compiler alone makes 200 NEOs a third faster, because most code runs once,
    # and the whole catalogue a fifth faster. For 10 million approaches, see docs/speed.md.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:TieredStopAtLevel=1",
}
CLUSTER_CONF: Mapping[str, str] = {
    # The results have a few hundred rows; Spark's default of 200 would make 200 tiny tasks.
    "spark.sql.shuffle.partitions": "8",
    # Retries a failed task on a different worker, because the disk of the first may be full.
    "spark.excludeOnFailure.enabled": "true",
    # The driver only plans and waits. With the C1 compiler alone, a run of 200 NEOs took 31 s of
    # its CPU time instead of 57 s. The executors keep both compilers.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
# Settings that drivers and daemons must share, besides the secret itself.
AUTHENTICATION: Mapping[str, str] = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",  # otherwise the secret protects only the handshake
}


def session_settings(
    master: str, spark_conf: Mapping[str, Any], own_address: str, secret: str | None
) -> dict[str, str]:
    """Return the settings of a session. Values in ``spark_conf`` override the defaults.

    Executors reach the driver at ``own_address``.
    """
    settings = {**DEFAULT_CONF, **(_embedded_conf(master) if is_embedded(master) else CLUSTER_CONF)}
    # Host names of laptops and containers often do not resolve.
    settings |= {"spark.driver.host": own_address, "spark.driver.bindAddress": own_address}
    if secret is not None:
        settings |= {**AUTHENTICATION, SECRET_SETTING: secret}
    return settings | as_text(spark_conf) | {"spark.master": master}


def as_text(spark_conf: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as Spark expects them: YAML's true is Python's True, but Spark's "true"."""
    return {n: str(v).lower() if isinstance(v, bool) else str(v) for n, v in spark_conf.items()}


def _embedded_conf(master: str) -> dict[str, str]:
    # One partition per core: a single wave of tasks, none of them tiny.
    requested = re.match(r"local\[(\*|\d+)", master)
    cores = requested[1] if requested else "1"
    partitions = str(os.cpu_count()) if cores == "*" else cores
    return {**EMBEDDED_CONF, "spark.sql.shuffle.partitions": partitions}
