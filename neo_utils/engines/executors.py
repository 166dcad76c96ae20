"""Wait for a cluster's executors before a job, watch them while it runs, count their tasks.

Uses private names of PySpark 4.3, because Spark itself waits without a limit, both before a job and
after it lost its last executor.
"""

import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from pyspark import SparkContext
from pyspark.sql import SparkSession

from neo_utils.errors import SparkUnavailable
from neo_utils.settings.spark import is_embedded
from neo_utils.text import plural

# Executors took 6 s on two idle cores; a worker reconnects to a restarted master within 15 s.
EXECUTOR_SECONDS = 60.0
# Workers start their executors concurrently; on busy cores they registered up to 1.3 s apart.
_SETTLE_SECONDS = 2.0


def await_executors(context: SparkContext) -> None:
    """Wait until the workers have started executors for this session.

    Raises
    ------
    SparkUnavailable
        If none is registered after `EXECUTOR_SECONDS`, or at once if the master ends the job.
    """
    started = changed = time.monotonic()
    registered = 0
    while not registered or time.monotonic() - changed < _SETTLE_SECONDS:
        if context._jsc.sc().isStopped():
            raise SparkUnavailable(
                f"{context.master} ended the job before it started. See the logs of its workers"
            )
        if not registered and time.monotonic() - started > EXECUTOR_SECONDS:
            raise _no_executors(context)
        time.sleep(0.1)
        now = _registered(context)
        if now != registered:
            registered, changed = now, time.monotonic()


def watch_executors(context: SparkContext) -> None:
    """Cancel running jobs, in the background, after `EXECUTOR_SECONDS` without any executor.

    If a worker reconnects before that, the job continues.
    """

    def watch() -> None:
        last_seen = time.monotonic()
        with suppress(Exception):  # the session has ended, and perhaps its Java process
            while not context._jsc.sc().isStopped():
                if _registered(context):
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > EXECUTOR_SECONDS:
                    _cancel_jobs(context)
                time.sleep(1)

    threading.Thread(target=watch, daemon=True).start()


def _registered(context: SparkContext) -> int:
    listed: int = context._jsc.sc().statusStore().executorList(True).size()
    return listed - 1  # the driver is one of them


def _cancel_jobs(context: SparkContext) -> None:
    reason = (
        f"because {context.master} provided no executor for {EXECUTOR_SECONDS:.0f} s. Start its"
        " workers, or restart the cluster if only its master was restarted. Then run the same"
        " command again"
    )
    for job in context._jsc.sc().statusTracker().getActiveJobIds():
        context._jsc.sc().cancelJob(job, reason)


def _no_executors(context: SparkContext) -> SparkUnavailable:
    conf = context.getConf()
    return SparkUnavailable(
        f"no worker of {context.master} accepted the job within {EXECUTOR_SECONDS:.0f} s. Check on"
        " the master's web page that a worker is ALIVE with a free core and"
        f" {conf.get('spark.executor.memory', '1g')} of free memory (spark.executor.memory), and"
        f" that it can reach this machine at {conf.get('spark.driver.host')}"
    )


def tasks_text(spark: SparkSession) -> str:
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
    return f"{plural(tasks.total(), 'task')}: {shares}"


def _worker_of(executor: Any) -> str:  # noqa: ANN401 - py4j is untyped
    logs = executor.executorLogs()  # pages of its worker
    if logs.contains("stderr"):
        return f"worker {urlsplit(logs.apply('stderr')).netloc}"
    return f"executor {executor.hostPort()}"
