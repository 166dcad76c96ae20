"""One Spark session, embedded or on a cluster, whose Java keeps quiet and ends with us.

Written for PySpark 4.3, of which it uses some private names: nothing public ends or replaces a
session's Java.
"""

import atexit
import logging
import os
import re
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from neo_utils.errors import SparkUnavailable
from neo_utils.jvm import end, kill, reach_java, start_java
from neo_utils.settings import check_master

# A start took 10 s on two quiet cores and 23 s on two busy ones; Spark itself gives up on
# a master that accepts connections but no application after 3 times 20 s, which must fit in.
START_SECONDS = 90.0
# Two repeated packets' worth; a master that is there answers in milliseconds.
TCP_SECONDS = 3.0

DEFAULT_CONF: Mapping[str, str] = {
    "spark.app.name": "NEO Data Recaller",
    # The same dates on every machine: approaches are in UTC, and so is the year they count in.
    "spark.sql.session.timeZone": "UTC",
    # Progress bars have no reader here: Java's output goes to a file.
    "spark.ui.showConsoleProgress": "false",
    # Our results have a few hundred rows; Spark's 200 partitions would be 200 tiny tasks.
    "spark.sql.shuffle.partitions": "8",
}
# Where driver and executor are one process on this machine.
EMBEDDED_CONF: Mapping[str, str] = {
    # Saves its start and an open port.
    "spark.ui.enabled": "false",
    # Host names of laptops and containers often do not resolve, and nobody else shall reach us.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # Does an executor's work too. A limit, not a reservation.
    "spark.driver.memory": "2g",
}

log = logging.getLogger(__name__)


def connect(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> SparkSession:
    """Return a session on ``master``: the running one if it has the same settings, else a new one.

    A new session ends the one before and its Java process, and starts another.

    Parameters
    ----------
    master
        ``local[...]`` or ``spark://host:port[,host:port]``.
    spark_conf
        Spark settings by name; they override `DEFAULT_CONF` and `EMBEDDED_CONF`.
    log_path
        File that what Java prints is appended to; its folder is made.

    Raises
    ------
    WrongParameter
        If ``master`` is no address of a Spark master.
    JavaMissing
        If there is no Java to run Spark on.
    SparkUnavailable
        After `TCP_SECONDS` per address if no master listens, after `START_SECONDS` at most if
        Spark does not start for another reason.
    """
    check_master(master)
    embedded = master.startswith("local")
    if not embedded:
        _reach(master)
    defaults = {**DEFAULT_CONF, **(EMBEDDED_CONF if embedded else {})}
    chosen = {name: _spark_text(value) for name, value in spark_conf.items()}
    settings = {**defaults, **chosen, "spark.master": master}
    # py4j raises what it logs, and would log secrets at DEBUG and tracebacks for every lost Java.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_of_py4j)  # what Ctrl-C breaks off it logs at the root
    session = _running(settings)
    if session is None:
        _disconnect()
        session = _start(settings, embedded, log_path)
    for name, value in sorted(session.sparkContext.getConf().getAll()):
        log.debug("%s = %s", name, "***" if _is_secret(name) else value)
    return session


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def _reach(master: str) -> None:
    # Spark would try for a minute and then tell of everything but the address.
    for address in master.removeprefix("spark://").split(","):
        host, port = address.split(":")
        with suppress(OSError, OverflowError):
            socket.create_connection((host, int(port)), TCP_SECONDS).close()
            return
    raise SparkUnavailable(
        f"no Spark master listens at {master}: check the address, and that the cluster runs"
    )


def _running(settings: Mapping[str, str]) -> SparkSession | None:
    context = SparkContext._active_spark_context
    try:
        if context is None or context._jsc.sc().isStopped():
            return None
        same = settings.items() <= dict(context.getConf().getAll()).items()
        return SparkSession(context) if same else None
    except Exception:  # its Java has died: whatever py4j makes of that, nothing runs
        return None


@atexit.register  # a Java that outlives us by a second keeps its temporary folders as long
def _disconnect() -> None:
    """End this process's Spark session and its Java, whatever state they are in."""
    context, gateway = SparkContext._active_spark_context, SparkContext._gateway
    # Twice: where Java is lost the first breaks off, before it ends the thread and socket it has.
    for _ in range(2):
        with suppress(Exception):
            if context is not None:
                context.stop()
    with suppress(Exception):
        if gateway is not None:
            gateway.shutdown()
            end(gateway.proc)
    # Nothing public makes PySpark forget a Java: its next session would talk to the dead one.
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


def _start(settings: Mapping[str, str], embedded: bool, log_path: Path) -> SparkSession:
    os.environ["PYSPARK_PYTHON"] = sys.executable  # SparkContext names it to the executors
    where_to_look = f"Java's messages are in {log_path}"
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "gateway"  # Java writes it when it is ready
        # Everyone can read a command line: SparkContext passes the secrets.
        shown = {name: value for name, value in settings.items() if not _is_secret(name)}
        java = start_java(shown, embedded, log_path, answer)
        overdue = threading.Timer(START_SECONDS, kill, [java])
        overdue.daemon = True
        overdue.start()
        try:
            gateway = reach_java(java, answer)
            conf = SparkConf(_jvm=gateway.jvm).setAll(list(settings.items()))
            context = SparkContext(conf=conf, gateway=gateway)
            # Spark takes a master's silence for a start, under an id of its own making.
            if not context.applicationId.startswith(("local-", "app-")):
                raise RuntimeError("the master accepted no application")
            return SparkSession(context)
        except BaseException as error:
            late = overdue.finished.is_set()
            what = f"no answer in {START_SECONDS:.0f} s" if late else _first_line(error)
            _disconnect()
            kill(java)
            end(java)
            if not isinstance(error, Exception):  # Ctrl-C and the like
                raise
            # Not chained: what py4j adds is a page of Java's stack, which the file has too.
            raise SparkUnavailable(
                f"Spark did not start on {settings['spark.master']}"
                f" ({what}): check the master and spark_conf; {where_to_look}"
            ) from None
        finally:
            overdue.cancel()


def _spark_text(value: object) -> str:
    # YAML's true is Python's True, but Spark's "true".
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_secret(name: str) -> bool:
    return re.search("secret|password|token", name, re.IGNORECASE) is not None


def _first_line(error: BaseException) -> str:
    java_error = getattr(error, "java_exception", None)
    with suppress(Exception):  # Java may be gone
        return str(java_error.getMessage() if java_error else error).strip().partition("\n")[0]
    return type(error).__name__
