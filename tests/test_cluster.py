"""Jobs on a real standalone cluster: a master and two workers as processes of this machine."""

import json
import re
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest
import yaml

from neo_utils.cluster.health import alive_workers, master_state
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.sample.catalogue import AS_OF, page_body
from neo_utils.statistics.computation import metrics, read_batches, yearly_statistics
from neo_utils.store.selection import select_batches
from tests.cluster_jobs import MANY
from tests.oracle import metrics_of, with_approaches_repeated, yearly_of

PAGES = [page_body(number, 20, "k") for number in range(10)]
RESULT = "aggregations/batches-1-200/part-0.parquet"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Return a folder of ten stored batches."""
    folder = tmp_path_factory.mktemp("output")
    fetch(plan_fetch(1, 200, "sample", output_dir=str(folder)))
    return folder


@pytest.fixture(scope="module")
def first_job(cluster, output):
    return cluster.job("count", output)


@pytest.fixture(scope="module")
def events(cluster, first_job):
    return record_of(cluster, first_job)


@pytest.fixture(scope="module")
def disturbed_job(cluster, output):
    return cluster.job("lose_a_worker", output)


@pytest.fixture(scope="module")
def killed_job(cluster, output, first_job):
    """Kill a driver in mid-job, on a cluster of which one worker cannot make its folders."""
    assert first_job["metrics"], "an earlier result"
    result = (output / RESULT).read_bytes()
    work = cluster.folder / "work" / "worker-2"
    shutil.rmtree(work)
    work.touch()
    try:
        told = cluster.job("count_and_be_killed", output, status=-signal.SIGKILL)
    finally:
        work.unlink()
        work.mkdir(exist_ok=True)  # the worker may have created it again
    return {**told, "result_before": result}


@pytest.fixture(scope="module")
def refusals(cluster, output):
    return cluster.job("be_refused", output)


def lists(rows):
    return [list(row) for row in rows]


def multiplied(times):
    """Return the metrics of the ten pages with every approach counted so many times."""
    return with_approaches_repeated(metrics_of(PAGES, "0.2"), times)


def record_of(cluster, job):
    """Return Spark's own record of a job."""
    (log,) = (cluster.folder / "events").glob(f"*{job['application']}*/events_*")
    return [json.loads(line) for line in log.read_text().splitlines()]


def described(events, text):
    """Return the stages of the jobs with this description."""
    return [
        stage
        for e in events
        if e["Event"] == "SparkListenerJobStart"
        and e["Properties"].get("spark.job.description") == text
        for stage in e["Stage Infos"]
    ]


def tasks_by_worker(events):
    """Return how many tasks the worker with this web page has done, without those of a failure."""
    page = {
        e["Executor ID"]: urlsplit(e["Executor Info"]["Log Urls"]["stderr"]).netloc
        for e in events
        if e["Event"] == "SparkListenerExecutorAdded"
    }
    left_out = {stage["Stage ID"] for stage in described(events, "a missing file")}
    return Counter(
        page[e["Task Info"]["Executor ID"]]
        for e in events
        if e["Event"] == "SparkListenerTaskEnd" and e["Stage ID"] not in left_out
    )


def test_cluster_embedded_and_plain_python_count_the_same_rows(spark, output, first_job):
    newest, approaches = read_batches(spark, select_batches(1, 200, "sample", str(output)))
    assert first_job["metrics"] == lists(metrics(newest, approaches, 0.2).collect())
    assert first_job["yearly_statistics"] == lists(yearly_statistics(approaches, 0.2).collect())
    assert dict(first_job["metrics"]) == metrics_of(PAGES, "0.2")
    assert first_job["yearly_statistics"] == lists(yearly_of(PAGES, "0.2", f"{AS_OF:%Y-%m-%d}"))


def test_both_workers_run_tasks_and_the_line_on_it_tells_how_many(cluster, first_job, events):
    tasks = tasks_by_worker(events)
    workers = {urlsplit(w["webuiaddress"]).netloc for w in master_state(cluster.ui)["workers"]}
    assert len(tasks) == 2
    assert tasks.keys() <= workers
    shares = ", ".join(f"{count} on worker {worker}" for worker, count in sorted(tasks.items()))
    assert first_job["tasks"] == f"{tasks.total()} tasks: {shares}"


def test_a_single_small_file_is_cut_for_every_core(first_job, events):
    reads = [
        stage["Number of Tasks"]
        for stage in described(events, "one file")
        if any(rdd["Name"] == "FileScanRDD" for rdd in stage["RDD Info"])
    ]
    assert reads
    assert min(reads) >= 2
    listed = metrics_of(PAGES[:1], "0.2")["total_close_approaches"]
    assert first_job["approaches_of_one_file"] == listed


def test_no_worker_starts_a_python(first_job):
    executors = {n for n, _, line in first_job["processes"] if "CoarseGrainedExecutor" in line}
    assert len(executors) >= 2
    assert not [line for _, parent, line in first_job["processes"] if parent in executors]


def test_the_secret_stands_in_no_command_line_no_log_no_work_folder_and_no_record(
    cluster, first_job
):
    commands = [line for _, _, line in first_job["processes"]]
    assert sum("org.apache.spark.deploy" in line for line in commands) >= 3
    assert not [line for line in commands if cluster.secret in line]
    assert "spark.authenticate.secret = ***" in first_job["log"]
    assert cluster.secret not in first_job["log"]
    files = [path for path in cluster.folder.rglob("*") if path.is_file()]
    holders = {path for path in files if cluster.secret.encode() in path.read_bytes()}
    daemons = ("master", "worker-1", "worker-2")
    assert {path.relative_to(cluster.folder) for path in holders} == {
        Path("secret"),
        *(Path("conf", daemon, "spark-defaults.conf") for daemon in daemons),
    }
    assert {path.stat().st_mode & 0o777 for path in holders} == {0o600}
    for part in ("logs/driver.log", "logs/master.log", "work/worker-1/app-*/*/stderr"):
        assert any(path.match(part) for path in files), "nothing was looked at"


def test_a_file_that_a_worker_does_not_see_is_named_in_one_line(first_job):
    assert re.fullmatch(
        r"a worker could not read /\S+/packed/stored_\w+-\w+\.parquet \(file not exist\)\. "
        r".*OUTPUT_DIR must be the same folder, under the same path, on every machine.*",
        first_job["unseen"],
    )


def test_a_job_outlives_a_worker_that_is_killed_in_its_middle(cluster, disturbed_job):
    assert disturbed_job["left"] == 1
    ends = [e for e in record_of(cluster, disturbed_job) if e["Event"] == "SparkListenerTaskEnd"]
    assert "ExecutorLostFailure" in {e["Task End Reason"]["Reason"] for e in ends}
    assert disturbed_job["seconds_after"] > 1
    assert dict(disturbed_job["metrics"]) == multiplied(disturbed_job["times"])


def test_a_worker_that_comes_back_is_used_again(disturbed_job):
    assert disturbed_job["tasks_of_the_new"] > 0
    assert dict(disturbed_job["again"]) == multiplied(1)


def test_a_job_outlives_a_disk_that_takes_no_more(disturbed_job):
    if "without_disk" not in disturbed_job:
        pytest.skip("this system does not limit the files of a running process")
    assert disturbed_job["failed_without_disk"] > 0
    assert dict(disturbed_job["without_disk"]) == multiplied(2)


@pytest.fixture(scope="module")
def job_without_master(cluster, output):
    return cluster.job("lose_the_master", output)


def test_job_survives_a_restart_of_the_master(job_without_master):
    assert "metrics" in job_without_master, job_without_master["failures"]
    assert dict(job_without_master["metrics"]) == multiplied(MANY)
    assert dict(job_without_master["again"]) == multiplied(1)


def test_master_stores_no_secret_for_its_recovery(job_without_master):
    assert job_without_master["states"] >= 3  # an application and two workers
    assert job_without_master["states_with_secret"] == 0


def test_a_job_that_no_worker_is_left_for_is_one_line_and_the_next_one_counts(cluster, output):
    told = cluster.job("lose_all_workers", output)
    assert re.fullmatch(
        r"Spark job failed: Job \d+ cancelled because spark://\S+ provided no executor for 3 s\."
        r" Start its workers, .* run the same command again\. Earlier results are unchanged",
        told["message"],
    )
    assert dict(told["again"]) == multiplied(1)


def test_a_worker_that_cannot_make_its_folders_is_left_aside(killed_job):
    assert re.fullmatch(r"\d+ tasks: \d+ on worker 127\.0\.0\.1:\d+", killed_job["tasks"])
    assert dict(killed_job["metrics"]) == multiplied(1)


def test_a_killed_driver_leaves_the_earlier_result_and_frees_the_workers(
    cluster, output, killed_job
):
    assert killed_job["result_before"] == (output / RESULT).read_bytes()
    assert {path.name for path in (output / RESULT).parent.iterdir()} == {"part-0.parquet"}
    until = time.monotonic() + 20
    while master_state(cluster.ui)["coresused"] and time.monotonic() < until:
        time.sleep(0.2)
    assert master_state(cluster.ui)["activeapps"] == []
    assert master_state(cluster.ui)["coresused"] == 0


def test_after_a_restart_of_the_master_the_notebook_counts_on_both_workers(cluster, output):
    cluster.kill("master")
    cluster.up()
    assert len(alive_workers(master_state(cluster.ui))) == 2
    parameters = cluster.folder / "light.yaml"
    light = {
        "spark.executor.memory": "512m",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    }
    parameters.write_text(yaml.safe_dump({"spark_conf": light}))
    (output / RESULT).unlink(missing_ok=True)
    ran = cluster.run(
        *("neo_utils", "aggregate", "--parameters", str(parameters)),
        OUTPUT_DIR=str(output),
        SOURCE="sample",
        LOG_LEVEL="DEBUG",
        START="1",
        END="200",
    )
    assert ran.returncode == 0, ran.stderr
    notebook = (output / "runs/batches-1-200/aggregate.ipynb").read_text()
    assert re.search(r"\d+ tasks: [1-9]\d* on worker \S+, [1-9]\d* on worker ", notebook)
    assert "spark.authenticate.secret = ***" in ran.stderr + notebook
    assert cluster.secret not in ran.stdout + ran.stderr + notebook
    table = pq.read_table(output / RESULT, partitioning=None).to_pydict()
    assert dict(zip(table["metric"], table["value"], strict=True)) == multiplied(1)


@pytest.mark.parametrize(
    ("what", "said", "seconds"),
    [
        ("wrong secret", r"not a Spark master with this secret \(.*wrong-secret\)", 30),
        ("no secret", r"not a Spark master with this secret", 30),
        ("no master", r"not a Spark master with this secret", 30),
        ("too much memory", r"no worker .* within 5 s.* 64g of free memory", 30),
        ("no workers", r"no worker .* within 5 s.* ALIVE with a free core", 30),
    ],
)
def test_what_keeps_a_job_from_the_cluster_is_one_line_in_time(refusals, what, said, seconds):
    line, took = refusals[what]
    assert re.search(said, line)
    assert len(line.splitlines()) == 1
    assert took < seconds
