"""The drivers of ``test_cluster``: ``python -m tests.cluster_jobs NAME OUTPUT CLUSTER_FOLDER``.

Each prints its results as JSON. A cross join with a range multiplies the approaches. Its rows come
slowly, on machines of any speed, so a job can be disturbed before it ends.
"""

import json
import os
import resource
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import neo_utils.engines.cluster_checks
import neo_utils.engines.executors
from neo_utils.cluster.local_cluster import WORKERS, down, up
from neo_utils.cluster.processes import is_running, read_pid, terminate
from neo_utils.engines.engine import engine_of, one_line_failures
from neo_utils.engines.executors import tasks_text
from neo_utils.engines.spark_session import connect
from neo_utils.errors import RunFailure
from neo_utils.interface import select
from neo_utils.settings.log import set_log_level
from neo_utils.statistics.computation import read_batches, statistic
from neo_utils.statistics.results import read_result
from neo_utils.statistics.saving import compute
from tests.cluster import processes
from tests.driver import await_result

MANY = 200  # times 4,425 approaches
SLOWLY_MS = 60  # between two rows of the range: twelve seconds of one core, six of two
NEVER_MS = 5_000  # for a job that is killed
# Executors for busy test machines.
LIGHT = {
    "spark.executor.memory": "512m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


def session(folder, **conf):
    logged = {
        "spark.eventLog.enabled": True,
        "spark.eventLog.compress": False,
        "spark.eventLog.dir": (folder / "events").as_uri(),
    }
    (folder / "events").mkdir(exist_ok=True)
    return connect(
        os.environ["MASTER"], {**LIGHT, **logged, **conf}, folder / "logs" / "driver.log"
    )


def multiplied(spark, output, times, source="sample", pause_ms=0):
    selection = select(1, 200, source, str(output))
    newest, approaches = read_batches(spark, selection)
    repeated = spark.range(times)
    if pause_ms:
        sleep = f"reflect('java.lang.Thread', 'sleep', {pause_ms}L)"
        # Every row meets this, but Spark does not know that.
        repeated = repeated.where(f"coalesce({sleep}, '') <> 'never'")
    return statistic("metrics", newest, approaches.crossJoin(repeated), 0.2)


def rows(frame):
    return [list(row) for row in frame.collect()]


def counted(spark, output, times=1, source="sample", pause_ms=0):
    return rows(multiplied(spark, output, times, source, pause_ms))


def executors(spark, active=True):
    """Return the summaries of the executors by their ids, from Spark's own status."""
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    listed = spark.sparkContext._jsc.sc().statusStore().executorList(active)
    summaries = {e.id(): e for e in (listed.apply(i) for i in range(listed.size()))}
    return {name: e for name, e in summaries.items() if name != "driver"}


def newest_of(spark):
    """Return the id of the executor that started last."""
    return max(executors(spark), key=int)


def kill_workers(folder, *names):
    for name in names:
        os.kill(read_pid(folder / f"{name}.pid"), signal.SIGKILL)


def in_mid_job(spark, act: Callable[[], None]) -> threading.Thread:
    """Call ``act`` once every executor has been busy for some time, which short stages are not."""
    polls = [False] * 5

    def are_busy():
        polls.append(all(one.activeTasks() for one in executors(spark).values()))
        time.sleep(0.05)
        return all(polls[-5:])

    def watch():
        await_result(are_busy, 120)
        act()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def executor_process(spark, executor):
    # Masters of other clusters may give their applications the same id.
    driver = spark.sparkContext.getConf().get("spark.driver.port")
    (found,) = (
        number
        for number, _, command in processes()
        if f":{driver} --executor-id {executor} " in f"{command} "
    )
    return found


def count(output, folder):
    set_log_level("DEBUG")
    spark = session(folder)
    context = spark.sparkContext
    selection = select(1, 200, "sample", str(output))
    compute(spark, selection, 0.2)
    result = {}
    for name in ("metrics", "yearly_statistics"):
        saved = read_result(name, selection.result_files(0.2))
        result[name] = [list(row.values()) for row in saved.to_pylist()]
    result["processes"] = processes()
    context.setJobDescription("one file")
    _, of_one_file = read_batches(spark, select(1, 20, "sample", str(output)))
    result["approaches_of_one_file"] = of_one_file.count()
    result["tasks"] = tasks_text(spark)
    context.setJobDescription("a missing file")
    private = folder / "private"
    shutil.copytree(output, private)
    selection = select(1, 40, "sample", str(private))
    unseen = statistic("metrics", *read_batches(spark, selection), 0.2)
    shutil.rmtree(private / "segments")
    try:
        with one_line_failures():
            unseen.toArrow()
    except RunFailure as error:
        result["unseen"] = str(error)
    return {**result, "application": context.applicationId}


def lose_a_worker(output, folder):
    spark = session(folder)
    frame = multiplied(spark, output, MANY, pause_ms=SLOWLY_MS)
    killed = []

    def kill():
        kill_workers(folder, "worker-1")
        killed.append(time.monotonic())

    watch = in_mid_job(spark, kill)
    result = {"times": MANY, "metrics": rows(frame)}
    watch.join()
    result["seconds_after"] = time.monotonic() - killed[0]
    result["left"] = len(executors(spark))
    result["application"] = spark.sparkContext.applicationId
    up(folder)
    await_result(lambda: len(executors(spark)) == 2, 60)
    result["again"] = counted(spark, output)
    newest = newest_of(spark)
    result["tasks_of_the_new"] = executors(spark)[newest].completedTasks()
    if hasattr(resource, "prlimit"):
        process = executor_process(spark, newest)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (0, 0))
        # A different job, because Spark reuses shuffle files.
        result["without_disk"] = counted(spark, output, 2)
        result["failed_without_disk"] = executors(spark)[newest].failedTasks()
    return result


def count_and_be_killed(output, folder):
    spark = session(folder)
    result = {"metrics": counted(spark, output), "tasks": tasks_text(spark)}
    print(json.dumps(result), flush=True)
    frame = multiplied(spark, output, MANY, pause_ms=NEVER_MS)
    in_mid_job(spark, lambda: os.kill(os.getpid(), signal.SIGKILL))
    frame.toArrow()


def lose_the_master(output, folder):
    result = {"failures": []}

    def restart():
        states = [path.read_bytes() for path in folder.glob("conf/master/recovery/*")]
        result["states"] = len(states)
        result["states_with_secret"] = sum((folder / "secret").read_bytes() in s for s in states)
        os.kill(read_pid(folder / "master.pid"), signal.SIGKILL)
        await_result(lambda: not is_running(folder / "master.pid"))
        up(folder)

    # If workers register again just as a slow master recovers, Spark reuses executor ids, the job
    # fails, and the master may give out no more cores. So try again on a new cluster.
    for _ in range(3):
        spark = session(folder)
        frame = multiplied(spark, output, MANY, pause_ms=SLOWLY_MS)
        watch = in_mid_job(spark, restart)
        try:
            with one_line_failures():
                table = frame.toArrow()
        except RunFailure as failure:
            result["failures"].append(str(failure))
            watch.join()
            spark.stop()
            down(folder)
            up(folder)
            continue
        result["metrics"] = [list(row.values()) for row in table.to_pylist()]
        watch.join()
        break
    # The restarted master still lists the application.
    return {**result, "again": counted(spark, output)}


def lose_all_workers(output, folder):
    spark = session(folder)
    neo_utils.engines.executors.EXECUTOR_SECONDS = 3.0  # after the first executors started
    multiplied(spark, output, MANY, pause_ms=NEVER_MS).createOrReplaceTempView("slow")
    in_mid_job(spark, lambda: kill_workers(folder, *WORKERS))
    result = {}
    try:
        with one_line_failures():
            engine_of(spark).tables_of(dict.fromkeys("abcd", "SELECT * FROM slow"))
    except RunFailure as error:
        result["message"] = str(error)
    up(folder)
    await_result(lambda: executors(spark), 60)
    return {**result, "again": counted(spark, output)}


def be_refused(_, folder):
    neo_utils.engines.executors.EXECUTOR_SECONDS = 5.0
    neo_utils.engines.cluster_checks.HANDSHAKE_SECONDS = 4
    result = {}

    def refused(name, **conf):
        began = time.monotonic()
        try:
            session(folder, **conf)
        except RunFailure as error:
            result[name] = [str(error), time.monotonic() - began]

    wrong = folder / "wrong-secret"
    wrong.touch(mode=0o600)
    wrong.write_text("0123456789abcdef")
    ours = dict(os.environ)
    os.environ["CLUSTER_SECRET_FILE"] = str(wrong)
    refused("wrong secret")
    os.environ["CLUSTER_SECRET_FILE"] = ""
    refused("no secret")
    os.environ.update(ours)
    refused("too much memory", **{"spark.executor.memory": "64g"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        os.environ["MASTER"] = f"spark://127.0.0.1:{silent.getsockname()[1]}"
        refused("no master")
    os.environ.update(ours)
    for worker in WORKERS:
        terminate(folder / f"{worker}.pid")
    refused("no workers")
    up(folder)
    return result


if __name__ == "__main__":
    name, *folders = sys.argv[1:]
    print(json.dumps(globals()[name](*map(Path, folders))))
