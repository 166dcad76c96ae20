"""Checks before a driver submits a job to a cluster. A job never falls back to local mode.

Uses private names of PySpark 4.3, because Spark itself takes 71 s to report a wrong secret.
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

# Long enough for two retransmitted packets. A running master answers in milliseconds.
TCP_SECONDS = 3.0
# Masters answered within 1 s, or 6 s with four processes per core.
HANDSHAKE_SECONDS = 15


def secret_file(master: str) -> Path | None:
    """Return the cluster's secret file: CLUSTER_SECRET_FILE, or that of the local cluster."""
    if named := named_secret():
        return named
    ours = PROJECT / ".cluster" / "secret"
    on_this_machine = all(host in LOOPBACK_HOSTS for host, _ in _addresses(master))
    return ours if on_this_machine and ours.exists() else None


def event_log_settings() -> dict[str, str]:
    """Return the settings that write a job's event log to EVENT_LOG_DIR for the history server.

    They are not in the parameters file because Spark does not start if the folder is missing.
    """
    folder = setting("EVENT_LOG_DIR")
    if not folder:
        return {}
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": output_folder(folder, "EVENT_LOG_DIR").as_uri(),
    }


def own_address(master: str) -> str:
    """Return the local address that connects to the master.

    Raises
    ------
    SparkUnavailable
        If nothing listens at any address, after `TCP_SECONDS` for each.
    """
    for address in _addresses(master):
        with (
            suppress(OSError, OverflowError),
            socket.create_connection(address, TCP_SECONDS) as connection,
        ):
            own: str = connection.getsockname()[0]
            return own
    raise SparkUnavailable(
        f"no Spark master is listening at {master}. Check the address and start the cluster"
    )


def check_master_answers(jvm: Any, settings: Mapping[str, str]) -> None:  # noqa: ANN401 - py4j is untyped
    """Check that a Spark master with the same secret answers.

    Raises
    ------
    SparkUnavailable
        If none does, after at most `HANDSHAKE_SECONDS` for each address.
    """
    conf = SparkConf(loadDefaults=False, _jvm=jvm).setAll(list(settings.items()))
    for name in ("rpc.askTimeout", "rpc.lookupTimeout", "network.auth.rpcTimeout"):
        conf.set(f"spark.{name}", f"{HANDSHAKE_SECONDS}s")
    spark, java_conf = jvm.org.apache.spark, conf._jconf
    no_key = getattr(getattr(jvm.scala, "None$"), "MODULE$")
    security = spark.SecurityManager(java_conf, no_key, None)
    host = settings["spark.driver.host"]
    rpc = spark.rpc.RpcEnv.create("greeting", host, 0, java_conf, security, True)
    try:
        for address in _addresses(settings["spark.master"]):
            with suppress(Exception):  # py4j raises its own types for any Java exception
                rpc.setupEndpointRef(spark.rpc.RpcAddress(*address), "Master")
                return
    finally:
        rpc.shutdown()
    master = settings["spark.master"]
    shared = secret_file(master) or "none: CLUSTER_SECRET_FILE is not set"
    raise SparkUnavailable(
        f"{master} is not a Spark master with this secret ({shared}). Check MASTER and"
        " CLUSTER_SECRET_FILE"
    )


def _addresses(master: str) -> list[tuple[str, int]]:
    pairs = (address.split(":") for address in master.removeprefix("spark://").split(","))
    return [(host, int(port)) for host, port in pairs]
