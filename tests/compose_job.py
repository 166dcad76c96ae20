"""The driver of ``test_compose_cluster``, run in the cluster. It prints its results as JSON."""

import json
import os
from pathlib import Path

from neo_utils.engines.spark_session import connect
from tests.cluster_jobs import counted, executors, newest_of
from tests.driver import await_result

MANY, PAUSE_MS = 200, 200  # ten seconds on the cluster's four cores
RETURN_SECONDS = 300


def main():
    spark = connect(os.environ["MASTER"], {"spark.executor.memory": "1g"}, Path("build/job.log"))
    result = {"times": MANY, "metrics": counted(spark, "output", MANY, "auto", PAUSE_MS)}
    result["lost"] = len(executors(spark, active=False)) - len(executors(spark))
    await_result(lambda: len(executors(spark)) == 2, RETURN_SECONDS)
    result["again"] = counted(spark, "output", source="auto")
    result["tasks_of_the_new"] = executors(spark)[newest_of(spark)].completedTasks()
    return result


if __name__ == "__main__":
    print(json.dumps(main()))
