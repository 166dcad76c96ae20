"""One Spark session, embedded or on a cluster, whose Java keeps quiet and ends with us.

Written for PySpark 4.3, of which it uses some private names: nothing public ends or replaces a
session's Java.
"""

import atexit
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from neo_utils.engines.cluster_checks import event_log_settings, greet, own_address, secret_file
from neo_utils.engines.cluster_secret import read_secret
from neo_utils.engines.executors import await_executors, watch_executors
from neo_utils.engines.jvm import end, kill, reach_java, start_java
from neo_utils.engines.spark_conf import session_settings
from neo_utils.engines.spark_failures import machine_cause
from neo_utils.environment import chosen_environment
from neo_utils.errors import SparkUnavailable
from neo_utils.settings.spark import check_conf, check_master, is_embedded, is_secret

# A start took 10 s on two quiet cores and 23 s on two busy ones; Spark itself gives up on
# a master that accepts connections but no application after 3 times 20 s, which must fit in.
START_SECONDS = 90.0

# Variables that PySpark reads in this process. Others, such as a daemon's ports, are left alone.
_OF_OTHER_SPARKS = (
    *("PYSPARK_", "SPARK_API_MODE", "SPARK_CONNECT_", "SPARK_EXECUTOR_URI", "SPARK_HOME"),
    *("SPARK_LOCAL_", "SPARK_PREFER_IPV6", "SPARK_PYTHON_RUNTIME", "SPARK_REMOTE", "SPARK_TESTING"),
)

log = logging.getLogger(__name__)
_CONNECTING = threading.Lock()
_started_with: dict[str, str] = {}  # settings of the last session; Spark adds to some of its own


def connect(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> SparkSession:
    """Return a session on ``master``: the running one if it has the same settings, else a new one.

    A new session ends the one before and its Java process, and starts another.

    Parameters
    ----------
    master
        ``local[...]`` or ``spark://host:port[,host:port]``.
    spark_conf
        Spark settings by name; they override those of `neo_utils.engines.spark_conf`.
    log_path
        File that what Java prints is appended to; its folder is made.

    Raises
    ------
    WrongParameter
        If ``master``, ``spark_conf`` or the cluster's secret cannot be used.
    JavaMissing
        If there is no Java to run Spark on.
    SparkUnavailable
        After `cluster.TCP_SECONDS` if no master listens, `executors.EXECUTOR_SECONDS` after start
        if no worker takes the job, after `START_SECONDS` if Spark does not start.
    """
    with _CONNECTING:
        return _connect(master, spark_conf, log_path)


def connect_ahead(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> None:
    """Begin to connect in the background: `connect` with the same values then waits for the rest.

    What fails is told by that `connect`, which tries again.
    """

    def attempt() -> None:
        with suppress(Exception):
            connect(master, spark_conf, log_path)

    threading.Thread(target=attempt, daemon=True).start()


def _connect(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> SparkSession:
    check_master(master)
    check_conf(spark_conf)
    address, secret = "127.0.0.1", None
    if not is_embedded(master):
        address = own_address(master)
        file = secret_file(master)
        secret = read_secret(file) if file else None
        spark_conf = {**event_log_settings(), **spark_conf}
    settings = session_settings(master, spark_conf, address, secret)
    # py4j raises what it logs, and would log secrets at DEBUG and tracebacks for every lost Java.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    logging.getLogger().addFilter(_is_not_of_py4j)  # what Ctrl-C breaks off it logs at the root
    session = _running(settings)
    if session is None:
        _disconnect()
        session = _start(settings, log_path)
        if not is_embedded(master):
            _await_workers(session)
    for name, value in sorted(session.sparkContext.getConf().getAll()):
        log.debug("%s = %s", name, "***" if is_secret(name) else value)
    return session


def _await_workers(session: SparkSession) -> None:
    master = session.sparkContext.master
    try:
        await_executors(session.sparkContext)
        watch_executors(session.sparkContext)
    except BaseException as error:
        _disconnect()
        if isinstance(error, SparkUnavailable) or not isinstance(error, Exception):
            raise
        raise SparkUnavailable(f"Spark ended on {master} ({_first_line(error)})") from None


def _is_not_of_py4j(record: logging.LogRecord) -> bool:
    return "py4j" not in Path(record.pathname).parts


def _running(settings: Mapping[str, str]) -> SparkSession | None:
    context = SparkContext._active_spark_context
    try:
        if context is None or context._jsc.sc().isStopped() or settings != _started_with:
            return None
        return SparkSession(context)
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


def _start(settings: Mapping[str, str], log_path: Path) -> SparkSession:
    _forget_other_sparks()
    os.environ["PYSPARK_PYTHON"] = sys.executable  # SparkContext names it to the executors
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "gateway"  # Java writes it when it is ready
        # Everyone can read a command line: SparkContext passes the secrets.
        shown = {name: value for name, value in settings.items() if not is_secret(name)}
        before = log_path.stat().st_size if log_path.exists() else 0
        java = start_java(shown, settings["spark.driver.bindAddress"], log_path, answer)
        overdue = threading.Timer(START_SECONDS, kill, [java])
        overdue.daemon = True
        overdue.start()
        try:
            session = SparkSession(_context(reach_java(java, answer), settings))
            _started_with.clear()
            _started_with.update(settings)
            return session
        except BaseException as error:
            late = overdue.finished.is_set()
            what = f"no answer in {START_SECONDS:.0f} s" if late else _first_line(error)
            _disconnect()
            kill(java)
            end(java)
            told = isinstance(error, SparkUnavailable) and not late
            if told or not isinstance(error, Exception):  # Ctrl-C and the like
                raise
            if cause := machine_cause(_printed(log_path, before)):
                raise SparkUnavailable(
                    f"Spark did not start: {cause}. Stored data is kept. Java's messages are in"
                    f" {log_path}"
                ) from None
            # Not chained: what py4j adds is a page of Java's stack, which the file has too.
            raise SparkUnavailable(
                f"Spark did not start on {settings['spark.master']} ({what}): check the master,"
                f" its workers and spark_conf; Java's messages are in {log_path}"
            ) from None
        finally:
            overdue.cancel()


def _printed(log_path: Path, before: int) -> str:
    """Return what this Java has printed to the log, which earlier ones may have begun."""
    with log_path.open("rb") as log:
        log.seek(before)
        return log.read(1_000_000).decode(errors="replace")


def _forget_other_sparks() -> None:
    """Remove what makes PySpark in this process use Spark Connect or another Spark."""
    for name in os.environ.keys() - chosen_environment().keys():
        if name.startswith(_OF_OTHER_SPARKS):
            del os.environ[name]


def _context(gateway: Any, settings: Mapping[str, str]) -> SparkContext:  # noqa: ANN401
    if not is_embedded(settings["spark.master"]):
        greet(gateway.jvm, settings)
    conf = SparkConf(_jvm=gateway.jvm).setAll(list(settings.items()))
    context = SparkContext(conf=conf, gateway=gateway)
    # Spark takes a master's silence for a start, under an id of its own making.
    if not context.applicationId.startswith(("local-", "app-")):
        raise RuntimeError("the master accepted no application")
    return context


def _first_line(error: BaseException) -> str:
    java_error = getattr(error, "java_exception", None)
    with suppress(Exception):  # Java may be gone
        return str(java_error.getMessage() if java_error else error).strip().partition("\n")[0]
    return type(error).__name__
