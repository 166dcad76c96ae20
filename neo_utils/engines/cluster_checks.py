"""What a driver makes sure of before it gives work to a cluster: a job never runs local instead.

Written for PySpark 4.3, of which it uses some private names: Spark itself takes 71 s to tell that a
secret is wrong.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyspark import SparkConf

from neo_utils.engines.cluster_secret import named_secret
from neo_utils.errors import SparkUnavailable
from neo_utils.settings.folders import PROJECT, output_folder
from neo_utils.settings.service_address import LOOPBACK_HOSTS
from neo_utils.settings.variables import setting

# Two repeated packets' worth; a master that is there answers in milliseconds.
TCP_SECONDS = 3.0
# A master took 1 s at most, and 6 s with four processes to each core.
GREETING_SECONDS = 15


def secret_file(master: str) -> Path | None:
    """Return the file of the cluster's secret: CLUSTER_SECRET_FILE, or the local cluster's."""
    if named := named_secret():
        return named
    ours = PROJECT / ".cluster" / "secret"
    on_this_machine = all(host in LOOPBACK_HOSTS for host, _ in _addresses(master))
    return ours if on_this_machine and ours.exists() else None


def event_log_settings() -> dict[str, str]:
    """Return what lets a job leave its events for the history server, in the folder EVENT_LOG_DIR.

    Not a matter of a parameters file: Spark does not start where the folder is not there.
    """
    folder = setting("EVENT_LOG_DIR")
    if not folder:
        return {}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": output_folder(folder, "EVENT_LOG_DIR").as_uri(),
    }


def own_address(master: str) -> str:
    """Return the address of this machine on the way to the master.

    Raises
    ------
    SparkUnavailable
        After `TCP_SECONDS` for each address, if nothing listens there.
    """
    for address in _addresses(master):
        with (
            suppress(OSError, OverflowError),
            socket.create_connection(address, TCP_SECONDS) as connection,
        ):
            own: str = connection.getsockname()[0]
            return own
    raise SparkUnavailable(
        f"no Spark master listens at {master}: check the address, and that the cluster runs"
    )


def greet(jvm: Any, settings: Mapping[str, str]) -> None:  # noqa: ANN401 - py4j is untyped
    """Make sure that what listens is a master that shares our secret.

    Raises
    ------
    SparkUnavailable
        After `GREETING_SECONDS` at most for each address, if it does not.
    """
    conf = SparkConf(loadDefaults=False, _jvm=jvm).setAll(list(settings.items()))
    for name in ("rpc.askTimeout", "rpc.lookupTimeout", "network.auth.rpcTimeout"):
        conf.set(f"spark.{name}", f"{GREETING_SECONDS}s")
    spark, java_conf = jvm.org.apache.spark, conf._jconf
    no_key = getattr(getattr(jvm.scala, "None$"), "MODULE$")
    security = spark.SecurityManager(java_conf, no_key, None)
    host = settings["spark.driver.host"]
    rpc = spark.rpc.RpcEnv.create("greeting", host, 0, java_conf, security, True)
    try:
        for address in _addresses(settings["spark.master"]):
            with suppress(Exception):  # py4j's, around any of Java's
                rpc.setupEndpointRef(spark.rpc.RpcAddress(*address), "Master")
                return
    finally:
        rpc.shutdown()
    master = settings["spark.master"]
    shared = secret_file(master) or "none, as CLUSTER_SECRET_FILE is not set"
    raise SparkUnavailable(
        f"{master} is no Spark master that shares our secret ({shared}): check MASTER and"
        " CLUSTER_SECRET_FILE"
    )


def _addresses(master: str) -> list[tuple[str, int]]:
    pairs = (address.split(":") for address in master.removeprefix("spark://").split(","))
    return [(host, int(port)) for host, port in pairs]
