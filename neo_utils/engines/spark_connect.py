"""A session on a Spark Connect server: Kubernetes operators, EMR and others offer one.

https://spark.apache.org/docs/latest/spark-connect-overview.html
"""

import socket
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from neo_utils.engines.cluster_checks import TCP_SECONDS
from neo_utils.engines.spark_conf import DEFAULT_CONF, as_text
from neo_utils.engines.spark_failures import first_message
from neo_utils.errors import SparkUnavailable

# Of our defaults, those that an existing server's session can change.
_CONF = {name: value for name, value in DEFAULT_CONF.items() if name.startswith("spark.sql.")}
# Waiting 0.05 s, then twice as long each time: 2 s for the first answer, half a minute for a server
# that restarts. PySpark itself tries for 10 minutes.
_FIRST_ATTEMPTS, _ATTEMPTS = 5, 9

_IGNORED: WeakKeyDictionary[object, list[str]] = WeakKeyDictionary()


def ignored_settings(session: SparkSession) -> list[str]:
    """Return the settings that the server of a session allows only when it starts."""
    return _IGNORED.get(session, [])


def connect(address: str, spark_conf: Mapping[str, Any]) -> SparkSession:
    """Return a new session on the server at ``address``, such as sc://host:15002.

    A token, if the server needs one, is read by PySpark from SPARK_CONNECT_AUTHENTICATE_TOKEN.

    Raises
    ------
    SparkUnavailable
        If no Spark Connect server answers, or it does not accept the value of a setting.
    """
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as RemoteSession

    place = urlsplit(address)
    try:
        socket.create_connection((place.hostname, place.port), TCP_SECONDS).close()
    except OSError as error:
        raise SparkUnavailable(
            f"no server is listening at {address} ({error.strerror or error}). Check MASTER and "
            "start the Spark Connect server"
        ) from None
    # Not `pyspark.sql.SparkSession.builder`: it refuses if a variable MASTER is set.
    session = RemoteSession.builder.remote(address).create()
    # PySpark warns before it raises.
    warnings.filterwarnings("ignore", r"\[RETRIES_EXCEEDED\]")
    ignored, name = [], ""
    try:
        session.client.set_retry_policies([DefaultPolicy(_FIRST_ATTEMPTS, backoff_multiplier=2.0)])
        session.version  # noqa: B018 - asks the server
        session.client.set_retry_policies([DefaultPolicy(_ATTEMPTS, backoff_multiplier=2.0)])
        for name, value in {**_CONF, **as_text(spark_conf)}.items():
            try:
                session.conf.set(name, value)
            except PySparkException as error:
                if error.getCondition() != "CANNOT_MODIFY_CONFIG":
                    raise
                ignored.append(name)
    except Exception as error:  # gRPC's or PySpark's
        raise _unusable(address, name, error) from None
    _IGNORED[session] = ignored
    return session  # type: ignore[return-value]  # it has the same methods


def _unusable(address: str, name: str, error: Exception) -> SparkUnavailable:
    reason = first_message(error)
    if name and isinstance(error, PySparkException):
        return SparkUnavailable(
            f"the server at {address} does not accept this value of {name}: {reason}. Correct it "
            "in spark_conf"
        )
    return SparkUnavailable(
        f"the server at {address} does not answer as a Spark Connect server ({reason}). Check "
        "MASTER, and SPARK_CONNECT_AUTHENTICATE_TOKEN if it needs a token"
    )
