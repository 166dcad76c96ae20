"""What became of Spark's jobs, each in one line: where their tasks ran, and why one failed."""

import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from neo_utils.engines.spark_failures import machine_cause
from neo_utils.settings.spark import is_embedded

if TYPE_CHECKING:  # who only reads results shall not wait for Spark's import
    from pyspark.sql import SparkSession

_UNREAD_FILE = re.compile(r"\[FAILED_READ_FILE\.(\w+)\] .*? file (?:file://)?(\S+?)\.?\s")
_CODES = re.compile(r"^\[[A-Z_.]+\] | SQLSTATE: \w+$")  # of Spark's own catalogue of errors
_LAST_FAILURE = re.compile(r"[Mm]ost recent failure:\s*(.+)")


def tasks_text(spark: "SparkSession") -> str:
    """Return how many tasks each worker of the cluster has done for this session, in one line.

    A worker is named by the address of its web page. Embedded, there is nobody to tell apart.
    """
    if is_embedded(spark.sparkContext.master or ""):
        return "all tasks ran in this process"
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()  # Spark counts a task some time after its end
    executors = context.statusStore().executorList(False).iterator()
    tasks: Counter[str] = Counter()
    while executors.hasNext():
        executor = executors.next()
        if executor.id() != "driver":
            tasks[_worker_of(executor)] += executor.completedTasks()
    shares = ", ".join(f"{count:,} on {worker}" for worker, count in sorted(tasks.items()))
    return f"{tasks.total():,} tasks: {shares}"


def failure_text(error: Exception) -> str:
    """Return why a job failed: the file that no worker could read, or else the last task's failure.

    Parameters
    ----------
    error
        Of py4j or PySpark, as it happens.
    """
    said = _messages(error)
    if unread := _UNREAD_FILE.search(said):
        why = unread[1].lower().replace("_", " ")
        return (
            f"a worker could not read {unread[2]} ({why}): on a cluster, OUTPUT_DIR must be the"
            " same folder, under the same path, on every machine"
        )
    if cause := machine_cause(f"{error}\n{said}"):
        return f"Spark's job failed: {cause}"
    last = _LAST_FAILURE.search(said)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"Spark's job failed: {last[1] if last else _CODES.sub('', lines[-1])}"


def _worker_of(executor: Any) -> str:  # noqa: ANN401 - py4j is untyped
    logs = executor.executorLogs()  # pages of its worker
    if logs.contains("stderr"):
        return f"worker {urlsplit(logs.apply('stderr')).netloc}"
    return f"executor {executor.hostPort()}"


def _messages(error: Exception) -> str:
    """Return the messages of Java's exceptions, the innermost last; Python's where Java is gone."""
    messages = [str(error).partition("\n")[0] or type(error).__name__]
    with suppress(Exception):
        cause = getattr(error, "java_exception", None)
        while cause is not None:
            messages.append(cause.getMessage() or "")
            cause = cause.getCause()
    return "\n".join(messages)
