"""Jobs on a real standalone cluster: a master and two workers as processes of this machine."""

import json
import re
import shutil
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from neo_utils.cluster.health import alive_workers, master_state
from neo_utils.interface import select
from neo_utils.sample.catalogue import AS_OF, page_body
from neo_utils.statistics.computation import read_batches, statistic
from tests.clones import stored_rows
from tests.cluster_jobs import LIGHT, MANY, rows
from tests.driver import await_result
from tests.oracle import metrics_of, with_approaches_repeated, yearly_of

END = 200
PAGES = [page_body(number, 20, "k") for number in range(10)]
RESULT = "aggregations/batches-1-200/part-0.parquet"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first_job(cluster, pristine):
    return cluster.job("count", pristine)


@pytest.fixture(scope="module")
def disturbed_job(cluster, pristine):
    return cluster.job("lose_a_worker", pristine)


@pytest.fixture(scope="module")
def killed_job(cluster, pristine, first_job):
    """Kill a driver in mid-job, on a cluster of which one worker cannot make its folders."""
    assert first_job["metrics"], "an earlier result"
    before = (pristine / RESULT).read_bytes()
    work = cluster.folder / "work" / "worker-2"
    shutil.rmtree(work)
    work.touch()
    try:
        result = cluster.job("count_and_be_killed", pristine, status=-signal.SIGKILL)
    finally:
        work.unlink()
        work.mkdir(exist_ok=True)  # the worker may have created it again
    return {**result, "result_before": before}


@pytest.fixture(scope="module")
def refusals(cluster, pristine):
    return cluster.job("be_refused", pristine)


def multiplied(times):
    """Return the metrics of the ten pages with every approach counted so many times."""
    return with_approaches_repeated(metrics_of(PAGES, "0.2"), times)


def events_of(cluster, job):
    """Return Spark's event log of a job."""
    (log,) = (cluster.folder / "events").glob(f"*{job['application']}*/events_*")
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_cluster_equals_embedded_spark_and_plain_python(spark, pristine, first_job):
    newest, approaches = read_batches(spark, select(1, 200, "sample", str(pristine)))
    assert first_job["metrics"] == rows(statistic("metrics", newest, approaches, 0.2))
    assert first_job["yearly_statistics"] == rows(
        statistic("yearly_statistics", newest, approaches, 0.2)
    )
    assert dict(first_job["metrics"]) == metrics_of(PAGES, "0.2")
    assert first_job["yearly_statistics"] == [
        *map(list, yearly_of(PAGES, "0.2", f"{AS_OF:%Y-%m-%d}"))
    ]


def test_reports_the_tasks_of_both_workers(cluster, first_job):
    share = r"([1-9]\d*) on worker (\S+)"
    reported = re.fullmatch(rf"(\d+) tasks: {share}, {share}", first_job["tasks"])
    total, first, one, second, other = reported.groups()
    assert int(total) == int(first) + int(second)
    workers = {urlsplit(w["webuiaddress"]).netloc for w in master_state(cluster.ui)["workers"]}
    assert one != other
    assert {one, other} <= workers


def test_splits_a_small_file_for_every_core(cluster, first_job):
    reads = [
        stage["Number of Tasks"]
        for event in events_of(cluster, first_job)
        if event["Event"] == "SparkListenerJobStart"
        and event["Properties"].get("spark.job.description") == "one file"
        for stage in event["Stage Infos"]
        if any(rdd["Name"] == "FileScanRDD" for rdd in stage["RDD Info"])
    ]
    assert reads
    assert min(reads) >= 2
    listed = metrics_of(PAGES[:1], "0.2")["total_close_approaches"]
    assert first_job["approaches_of_one_file"] == listed


def test_workers_start_no_python(first_job):
    executors = {n for n, _, line in first_job["processes"] if "CoarseGrainedExecutor" in line}
    assert len(executors) >= 2
    assert not [line for _, parent, line in first_job["processes"] if parent in executors]


def test_secret_is_only_in_private_files(cluster, first_job):
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
        assert any(path.match(part) for path in files), "the search misses this file"


def test_file_that_a_worker_cannot_read_is_named_in_one_line(first_job):
    assert re.fullmatch(
        r"a worker could not read /\S+/segments/\w+/positions=1-2000\.parquet \(file not exist\)\. "
        r".*OUTPUT_DIR must be the same folder, under the same path, on every machine.*",
        first_job["unseen"],
    )


def test_job_survives_a_killed_worker(cluster, disturbed_job):
    assert disturbed_job["left"] == 1
    ends = [e for e in events_of(cluster, disturbed_job) if e["Event"] == "SparkListenerTaskEnd"]
    assert "ExecutorLostFailure" in {e["Task End Reason"]["Reason"] for e in ends}
    assert disturbed_job["seconds_after"] > 1
    assert dict(disturbed_job["metrics"]) == multiplied(disturbed_job["times"])


def test_uses_a_restarted_worker(disturbed_job):
    assert disturbed_job["tasks_of_the_new"] > 0
    assert dict(disturbed_job["again"]) == multiplied(1)


def test_job_survives_a_full_disk(disturbed_job):
    if "without_disk" not in disturbed_job:
        pytest.skip("this system does not limit the files of a running process")
    assert disturbed_job["failed_without_disk"] > 0
    assert dict(disturbed_job["without_disk"]) == multiplied(2)


@pytest.fixture(scope="module")
def job_without_master(cluster, pristine):
    return cluster.job("lose_the_master", pristine)


def test_job_survives_a_restart_of_the_master(job_without_master):
    assert "metrics" in job_without_master, job_without_master["failures"]
    assert dict(job_without_master["metrics"]) == multiplied(MANY)
    assert dict(job_without_master["again"]) == multiplied(1)


def test_master_does_not_store_the_secret_for_its_recovery(job_without_master):
    assert job_without_master["states"] >= 3  # an application and two workers
    assert job_without_master["states_with_secret"] == 0


def test_job_without_workers_fails_with_one_line_and_the_next_one_succeeds(cluster, pristine):
    result = cluster.job("lose_all_workers", pristine)
    assert re.fullmatch(
        r"Spark job failed: Job \d+ cancelled because spark://\S+ provided no executor for 3 s\."
        r" Start its workers, .* run the same command again\. Stored data is unchanged",
        result["message"],
    )
    assert dict(result["again"]) == multiplied(1)


def test_ignores_a_worker_that_cannot_create_folders(killed_job):
    assert re.fullmatch(r"\d+ tasks: \d+ on worker 127\.0\.0\.1:\d+", killed_job["tasks"])
    assert dict(killed_job["metrics"]) == multiplied(1)


def test_killed_driver_keeps_the_result_and_frees_the_workers(cluster, pristine, killed_job):
    assert killed_job["result_before"] == (pristine / RESULT).read_bytes()
    assert {path.name for path in (pristine / RESULT).parent.iterdir()} == {"part-0.parquet"}
    await_result(lambda: not master_state(cluster.ui)["coresused"], 20)
    assert master_state(cluster.ui)["activeapps"] == []


def test_notebook_uses_both_workers_after_a_restart_of_the_master(cluster, pristine):
    cluster.kill("master")
    cluster.up()
    assert len(alive_workers(master_state(cluster.ui))) == 2
    parameters = cluster.folder / "light.yaml"
    parameters.write_text(yaml.safe_dump({"spark_conf": LIGHT}))
    (pristine / RESULT).unlink(missing_ok=True)
    ran = cluster.run(
        *("neo_utils", "aggregate", "--parameters", str(parameters)),
        OUTPUT_DIR=str(pristine),
        SOURCE="sample",
        LOG_LEVEL="DEBUG",
        START="1",
        END="200",
    )
    assert ran.returncode == 0, ran.stderr
    notebook = (pristine / "runs/batches-1-200/aggregate.ipynb").read_text()
    assert re.search(r"\d+ tasks: [1-9]\d* on worker \S+, [1-9]\d* on worker ", notebook)
    assert "spark.authenticate.secret = ***" in ran.stderr + notebook
    assert cluster.secret not in ran.stdout + ran.stderr + notebook
    assert dict(stored_rows(pristine)) == multiplied(1)


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ("wrong secret", r"not a Spark master with this secret \(.*wrong-secret\)"),
        ("no secret", "not a Spark master with this secret"),
        ("no master", "not a Spark master with this secret"),
        ("too much memory", r"no worker .* within 5 s.* 64g of free memory"),
        ("no workers", r"no worker .* within 5 s.* ALIVE with a free core"),
    ],
)
def test_unusable_cluster_fails_with_one_line_within_30_s(refusals, cause, message):
    line, seconds = refusals[cause]
    assert re.search(message, line)
    assert len(line.splitlines()) == 1
    assert seconds < 30
