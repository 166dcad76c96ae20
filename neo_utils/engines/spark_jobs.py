"""One-line summaries of Spark jobs: where their tasks ran, and why a job failed."""

import re
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from neo_utils.engines.spark_failures import diagnose_machine
from neo_utils.settings.spark import is_embedded

if TYPE_CHECKING:  # importing PySpark takes a second, and reading results does not need it
    from pyspark.sql import SparkSession

_UNREAD_FILE = re.compile(r"\[FAILED_READ_FILE\.(\w+)\] .*? file (?:file://)?(\S+?)\.?\s")
_CODES = re.compile(r"^\[[A-Z_.]+\] | SQLSTATE: \w+$")  # Spark's error classes
_LAST_FAILURE = re.compile(r"[Mm]ost recent failure:\s*(.+)")


def tasks_text(spark: "SparkSession") -> str:
    """Return how many tasks each worker completed for this session, in one line.

    Workers are identified by the address of their web page. An embedded session has none.
    """
    if is_embedded(spark.sparkContext.master or ""):
        return "all tasks ran in this process"
    context = spark.sparkContext._jsc.sc()
    context.listenerBus().waitUntilEmpty()  # Spark counts a task some time after it ends
    executors = context.statusStore().executorList(False).iterator()
    tasks: Counter[str] = Counter()
    while executors.hasNext():
        executor = executors.next()
        if executor.id() != "driver":
            tasks[_worker_of(executor)] += executor.completedTasks()
    shares = ", ".join(f"{count:,} on {worker}" for worker, count in sorted(tasks.items()))
    return f"{tasks.total():,} tasks: {shares}"


def failure_text(error: Exception) -> str:
    """Return why a job failed: the file that a worker could not read, or the last task's failure.

    Parameters
    ----------
    error
        An exception of py4j or PySpark.
    """
    messages = _messages(error)
    if unread := _UNREAD_FILE.search(messages):
        why = unread[1].lower().replace("_", " ")
        return (
            f"a worker could not read {unread[2]} ({why}). On a cluster, OUTPUT_DIR must be the"
            " same folder, under the same path, on every machine"
        )
    if cause := diagnose_machine(f"{error}\n{messages}"):
        return f"Spark job failed: {cause}"
    last = _LAST_FAILURE.search(messages)
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    return f"Spark job failed: {last[1] if last else _CODES.sub('', lines[-1])}"


def _worker_of(executor: Any) -> str:  # noqa: ANN401 - py4j is untyped
    logs = executor.executorLogs()  # pages of its worker
    if logs.contains("stderr"):
        return f"worker {urlsplit(logs.apply('stderr')).netloc}"
    return f"executor {executor.hostPort()}"


def _messages(error: Exception) -> str:
    """Return the messages of Java's exceptions, innermost last, or Python's if Java is gone."""
    messages = [str(error).partition("\n")[0] or type(error).__name__]
    with suppress(Exception):
        cause = getattr(error, "java_exception", None)
        while cause is not None:
            messages.append(cause.getMessage() or "")
            cause = cause.getCause()
    return "\n".join(messages)
