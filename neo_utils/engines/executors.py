"""The executors that a cluster's workers start for a driver: awaited before a job, watched in it.

Written for PySpark 4.3, of which it uses some private names: Spark itself waits for them without
limit, before a job as after the last of them is lost.
"""

import threading
import time
from contextlib import suppress

from pyspark import SparkContext

from neo_utils.errors import SparkUnavailable

# Executors took 6 s on two quiet cores; a worker comes back to a restarted master within 15 s.
EXECUTOR_SECONDS = 60.0
# The workers start theirs at the same time; on busy cores they came 1.3 s apart.
_SETTLE_SECONDS = 2.0


def await_executors(context: SparkContext) -> None:
    """Wait until the workers have started executors for us.

    Raises
    ------
    SparkUnavailable
        After `EXECUTOR_SECONDS`, if none has; at once if the master gives up.
    """
    begun = changed = time.monotonic()
    registered = 0
    while not registered or time.monotonic() - changed < _SETTLE_SECONDS:
        if context._jsc.sc().isStopped():
            raise SparkUnavailable(
                f"{context.master} ended the job before it began: the logs of its workers tell why"
            )
        if not registered and time.monotonic() - begun > EXECUTOR_SECONDS:
            raise _no_executors(context)
        time.sleep(0.1)
        now = _registered(context)
        if now != registered:
            registered, changed = now, time.monotonic()


def watch_executors(context: SparkContext) -> None:
    """From now on, cancel what waits in vain: the jobs of a time without any executor.

    Such a job fails after `EXECUTOR_SECONDS`. A worker that comes back in time takes it on.
    """

    def watch() -> None:
        last_seen = time.monotonic()
        with suppress(Exception):  # the session has ended, maybe its Java, too
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
        f"no worker of {context.master} took the job in {EXECUTOR_SECONDS:.0f} s: check on the"
        " master's web page that one is ALIVE with a free core and"
        f" {conf.get('spark.executor.memory', '1g')} of free memory (spark.executor.memory), and"
        f" that it reaches this machine at {conf.get('spark.driver.host')}"
    )
