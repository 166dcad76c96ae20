"""The Spark session, embedded or on a cluster, and the lifetime of its Java process.

Uses private names of PySpark 4.3, because its public API cannot end or replace a session's Java.
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

from neo_utils.engines.cluster_checks import (
    check_master_answers,
    event_log_settings,
    own_address,
    secret_file,
)
from neo_utils.engines.cluster_secret import read_secret
from neo_utils.engines.executors import await_executors, watch_executors
from neo_utils.engines.jvm import end, kill, reach_java, start_java
from neo_utils.engines.spark_conf import session_settings
from neo_utils.engines.spark_failures import diagnose_machine
from neo_utils.environment import chosen_environment
from neo_utils.errors import SparkUnavailable
from neo_utils.settings.spark import is_embedded, is_secret

# Starting took 10 s on two idle cores and 23 s on two busy ones. It must also leave time for Spark
# to give up on a master that accepts connections but no application, after 3 times 20 s.
START_SECONDS = 90.0

# Variables that PySpark reads in this process. Others, such as a daemon's ports, are kept.
_FOREIGN_SPARK_VARIABLES = (
    *("PYSPARK_", "SPARK_API_MODE", "SPARK_CONNECT_", "SPARK_EXECUTOR_URI", "SPARK_HOME"),
    *("SPARK_LOCAL_", "SPARK_PREFER_IPV6", "SPARK_PYTHON_RUNTIME", "SPARK_REMOTE", "SPARK_TESTING"),
)

log = logging.getLogger(__name__)
_CONNECTING = threading.Lock()
_started_with: dict[str, str] = {}  # settings of the last session, without those Spark adds


def connect(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> SparkSession:
    """Return a session on ``master``: the running one if it has the same settings, else a new one.

    A new session replaces the previous one and its Java process, whose output is appended to
    ``log_path``. Other parameters and errors are those of `neo_utils.engines.engine.connect`.

    Raises
    ------
    SparkUnavailable
        If no master listens (after `cluster_checks.TCP_SECONDS`), Spark does not start (after
        `START_SECONDS`), or no worker accepts the job (after `executors.EXECUTOR_SECONDS`).
    """
    address, secret = "127.0.0.1", None
    if not is_embedded(master):
        address = own_address(master)
        file = secret_file(master)
        secret = read_secret(file) if file else None
        spark_conf = {**event_log_settings(), **spark_conf}
    settings = session_settings(master, spark_conf, address, secret)
    # py4j also raises what it logs. It would log secrets at DEBUG, and tracebacks for a lost Java.
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    # py4j logs calls that Ctrl-C interrupts to the root logger.
    logging.getLogger().addFilter(_is_not_of_py4j)
    with _CONNECTING:
        session = _running(settings)
        if session is None:
            _disconnect()
            session = _start(settings, log_path)
            if not is_embedded(master):
                _await_workers(session)
        for name, value in sorted(session.sparkContext.getConf().getAll()):
            log.debug("%s = %s", name, "***" if is_secret(name) else value)
    return session


def connect_in_background(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> None:
    """Start connecting in the background; a later `connect` with the same values waits for it.

    If it fails, that `connect` tries again and reports the failure.
    """

    def attempt() -> None:
        with suppress(Exception):
            connect(master, spark_conf, log_path)

    threading.Thread(target=attempt, daemon=True).start()


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
    except Exception:  # its Java has died; py4j may raise anything
        return None


@atexit.register  # otherwise Java and its temporary folders would remain for another second
def _disconnect() -> None:
    """End this process's Spark session and its Java, whatever state they are in."""
    context, gateway = SparkContext._active_spark_context, SparkContext._gateway
    # Twice: if Java is gone, the first call fails before it closes its thread and socket.
    for _ in range(2):
        with suppress(Exception):
            if context is not None:
                context.stop()
    with suppress(Exception):
        if gateway is not None:
            gateway.shutdown()
            end(gateway.proc)
    # PySpark's public API cannot forget a Java, and its next session would use the dead one.
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


def _start(settings: Mapping[str, str], log_path: Path) -> SparkSession:
    _remove_foreign_spark_variables()
    os.environ["PYSPARK_PYTHON"] = sys.executable  # SparkContext passes it on to the executors
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "gateway"  # Java writes it when it is ready
        # Every user can read a command line, so SparkContext passes the secrets.
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
            what = f"no response in {START_SECONDS:.0f} s" if late else _first_line(error)
            _disconnect()
            kill(java)
            end(java)
            explained = isinstance(error, SparkUnavailable) and not late
            if explained or not isinstance(error, Exception):  # Ctrl-C, for example
                raise
            if cause := diagnose_machine(_output_since(log_path, before)):
                raise SparkUnavailable(
                    f"Spark did not start: {cause}. Stored data is kept. Java's output is in"
                    f" {log_path}"
                ) from None
            # Not chained: py4j adds a page of Java's stack trace, which the log contains as well.
            raise SparkUnavailable(
                f"Spark did not start on {settings['spark.master']} ({what}). Check the master,"
                f" its workers and spark_conf. Java's output is in {log_path}"
            ) from None
        finally:
            overdue.cancel()


def _output_since(log_path: Path, before: int) -> str:
    """Return this Java's output; an earlier Java may have written the start of the log."""
    with log_path.open("rb") as log:
        log.seek(before)
        return log.read(1_000_000).decode(errors="replace")


def _remove_foreign_spark_variables() -> None:
    """Remove variables that would make PySpark use Spark Connect or another Spark."""
    for name in os.environ.keys() - chosen_environment().keys():
        if name.startswith(_FOREIGN_SPARK_VARIABLES):
            del os.environ[name]


def _context(gateway: Any, settings: Mapping[str, str]) -> SparkContext:  # noqa: ANN401
    if not is_embedded(settings["spark.master"]):
        check_master_answers(gateway.jvm, settings)
    conf = SparkConf(_jvm=gateway.jvm).setAll(list(settings.items()))
    context = SparkContext(conf=conf, gateway=gateway)
    # If the master does not respond, Spark starts anyway, with an application id that it made up.
    if not context.applicationId.startswith(("local-", "app-")):
        raise RuntimeError("the master did not accept the application")
    return context


def _first_line(error: BaseException) -> str:
    java_error = getattr(error, "java_exception", None)
    with suppress(Exception):  # Java may be gone
        return str(java_error.getMessage() if java_error else error).strip().partition("\n")[0]
    return type(error).__name__
