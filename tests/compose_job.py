"""The driver of ``test_compose_cluster``, run in the cluster. It prints its results as JSON."""

import json
import os
import time
from pathlib import Path

from neo_utils.engines.spark_session import connect
from neo_utils.statistics.computation import metrics, read_batches
from neo_utils.store.selection import select_batches
from tests.cluster_jobs import executors

MANY = 4_000  # times 4,737 approaches: about ten seconds on two cores
RETURN_SECONDS = 300


def main():
    spark = connect(os.environ["MASTER"], {"spark.executor.memory": "1g"}, Path("build/job.log"))
    newest, approaches = read_batches(spark, select_batches(1, 200))

    def counted(times):
        rows = metrics(newest, approaches.crossJoin(spark.range(times)), 0.2).collect()
        return [list(row) for row in rows]

    result = {"times": MANY, "metrics": counted(MANY)}
    result["lost"] = len(executors(spark, active=False)) - len(executors(spark))
    until = time.monotonic() + RETURN_SECONDS
    while len(executors(spark)) < 2 and time.monotonic() < until:
        time.sleep(0.5)
    result["again"] = counted(1)
    newest_executor = max(executors(spark), key=int)
    result["tasks_of_the_new"] = executors(spark)[newest_executor].completedTasks()
    return result


if __name__ == "__main__":
    print(json.dumps(main()))
