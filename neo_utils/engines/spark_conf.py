"""Which settings a Spark session gets, and which masters and settings can be used."""

import os
import re
from collections.abc import Mapping
from typing import Any

from neo_utils.settings.spark import SECRET_SETTING, is_embedded

DEFAULT_CONF: Mapping[str, str] = {
    "spark.app.name": "NEO Data Recaller",
    # The same dates on every machine, whatever its own zone.
    "spark.sql.session.timeZone": "UTC",
    # Progress bars have no reader here: Java's output goes to a file.
    "spark.ui.showConsoleProgress": "false",
    # Spark takes the opening of a file for the reading of 4 MB, and so cuts a table into fewer
    # tasks than there are cores. Without it, each core gets its share of the bytes.
    "spark.sql.files.openCostInBytes": "0",
}
# Where driver and executor are one process on this machine.
EMBEDDED_CONF: Mapping[str, str] = {
    # Saves an open port, and no time that could be measured.
    "spark.ui.enabled": "false",
    # Does an executor's work too. A limit, not a reservation.
    "spark.driver.memory": "2g",
    # It plans anew, and starts a job, after each of a query's stages: on 200 NEOs 25 jobs in place
    # of 10, a sixth of the time. Our texts say themselves which side of a join is small.
    "spark.sql.adaptive.enabled": "false",
    # 16 MB hold 650,000 approaches: what a task groups stays in memory, and in the caches.
    "spark.sql.files.maxPartitionBytes": "16m",
    # A first, small table for groups, which our 300 years times NEOs overflow, costs more than it
    # saves, and packing what never leaves this machine does, too: a fifth at 10 million approaches.
    "spark.sql.codegen.aggregate.map.twolevel.enabled": "false",
    "spark.shuffle.compress": "false",
    # Throughput is what counts, not pauses: a tenth less processor time at 10 million approaches.
    # And Java's light compiler alone: 200 NEOs take a third less, as most of the work is done once.
    # The whole catalogue takes a fifth less, too; at 10 million, docs/speed.md tells what serves.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:TieredStopAtLevel=1",
}
CLUSTER_CONF: Mapping[str, str] = {
    # Our results have a few hundred rows; Spark's 200 partitions would be 200 tiny tasks.
    "spark.sql.shuffle.partitions": "8",
    # A task that failed is not tried again on the same worker, whose disk may be full.
    "spark.excludeOnFailure.enabled": "true",
    # A driver plans and waits: with Java's light compiler alone, a run on 200 NEOs took 31 s of its
    # processor time in place of 57. The executors, who do the work, keep both compilers.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}
# What drivers and daemons must agree on, beside the secret itself.
AUTHENTICATION: Mapping[str, str] = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",  # else the secret protects the greeting alone
}


def session_settings(
    master: str, spark_conf: Mapping[str, Any], own_address: str, secret: str | None
) -> dict[str, str]:
    """Return the settings of a session; ``spark_conf`` overrides what is chosen here.

    Parameters
    ----------
    own_address
        The address of this machine at which executors reach the driver.
    secret
        What the master and its workers ask for; None where they ask for nothing.
    """
    settings = {**DEFAULT_CONF, **(_embedded_conf(master) if is_embedded(master) else CLUSTER_CONF)}
    # Host names of laptops and containers often do not resolve.
    settings |= {"spark.driver.host": own_address, "spark.driver.bindAddress": own_address}
    if secret is not None:
        settings |= {**AUTHENTICATION, SECRET_SETTING: secret}
    settings |= {name: _spark_text(value) for name, value in spark_conf.items()}
    return settings | {"spark.master": master}


def _embedded_conf(master: str) -> dict[str, str]:
    # As many parts as cores: one wave of tasks, none of them tiny.
    asked = re.match(r"local\[(\*|\d+)", master)
    cores = asked[1] if asked else "1"
    partitions = str(os.cpu_count()) if cores == "*" else cores
    return {**EMBEDDED_CONF, "spark.sql.shuffle.partitions": partitions}


def _spark_text(value: object) -> str:
    # YAML's true is Python's True, but Spark's "true".
    return str(value).lower() if isinstance(value, bool) else str(value)
