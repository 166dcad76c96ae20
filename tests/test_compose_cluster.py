"""The cluster of Docker Compose as its user meets it: make, web pages, a container killed."""

import hashlib
import http.client
import io
import json
import os
import re
import shlex
import subprocess
import tarfile
import time
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from neo_utils.sample.catalogue import page_body
from neo_utils.settings.folders import PROJECT
from neo_utils.statistics.computation import metrics, read_batches, yearly_statistics
from neo_utils.store.selection import select_batches
from tests.clones import clone_into, run
from tests.cluster import free_ports
from tests.docker_engine import need_engine
from tests.oracle import metrics_of, with_approaches_repeated, yearly_of

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
PAGES = [page_body(number, 20, "k") for number in range(10)]
SERVICES = ("spark-master", "spark-worker-1", "spark-worker-2", "jupyter", "history-server")
PORTS = (
    *("MASTER_UI_PORT", "WORKER_1_UI_PORT", "WORKER_2_UI_PORT"),
    *("JUPYTER_PORT", "DRIVER_UI_PORT", "HISTORY_PORT"),
)
SECRETS = {"cluster": "/var/lib/neo/secret/cluster", "token": "/var/lib/neo/lab/token"}
SECONDS = 300  # for anything that takes seconds on a quiet machine


class Cluster(NamedTuple):
    clone: Path
    environment: dict[str, str]

    def make(self, target, *words, **environment):
        return run(self.clone, "make", target, *words, **self.environment | environment)

    def docker(self, *words):
        ran = run(self.clone, "docker", *words, **self.environment)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def compose(self, *words):
        return self.docker("compose", "--file", "docker-compose-cluster.yml", *words)

    def start(self, *words):
        """Start a command in the service jupyter."""
        return subprocess.Popen(  # noqa: S603
            ["docker", "compose", "--file", "docker-compose-cluster.yml", "exec", "-T", *words],  # noqa: S607
            cwd=self.clone,
            env=os.environ | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def secret(self, name):
        return self.compose("exec", "-T", "jupyter", "cat", SECRETS[name])

    def page(self, port, path, headers=None):
        """Return status and text of a web page, as a browser on this machine gets it."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.environment[port]), 30)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def containers(self):
        return self.compose("ps", "--all", "--quiet").split()


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a cluster of our own, beside any other on this machine."""
    need_engine()
    environment = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    environment["COMPOSE_PROJECT_NAME"] = f"neo-data-recaller-test-{os.getpid()}"
    cluster = Cluster(clone_into(tmp_path_factory.mktemp("clone")), environment)
    try:
        up = cluster.make("cluster-up")
        assert up.returncode == 0, up.stderr
        yield cluster
        down = cluster.make("cluster-down")
        assert (down.returncode, down.stdout) == (0, "")
        assert cluster.containers() == []
    finally:
        cluster.compose("down", "--volumes")


@pytest.fixture(scope="module")
def first_run(cluster):
    """Run with a key, against a service that repeats it in every answer."""
    service = cluster.start("jupyter", "python", "-m", "neo_utils.sample.service")
    url = service.stdout.readline().decode().strip().removeprefix("API_URL=")
    ran = cluster.make("cluster-run", "START=1", "END=200", f"API_URL={url}", API_KEY=KEY)
    service.kill()
    service.communicate()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def copy(cluster, first_run):
    """Copy the output by the command that the run printed."""
    command = first_run.stdout.splitlines()[-1].removeprefix("a copy of them")
    cluster.docker(*shlex.split(command)[1:])
    return cluster.clone / "copy"


@pytest.fixture(scope="module")
def disturbed_job(cluster, first_run):
    """Kill a worker's container in the middle of a job, and bring it back as the docs say."""
    assert first_run
    with io.BytesIO() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(PROJECT / "tests", "tests", filter=lambda m: None if "cache" in m.name else m)
        unpack = cluster.start("jupyter", "tar", "--extract", "--directory", "/tmp")  # noqa: S108
        unpack.communicate(archive.getvalue())
    job = cluster.start(
        "--env", "PYTHONPATH=/neo:/tmp", "jupyter", "python", "-m", "tests.compose_job"
    )
    await_busy_workers(cluster, job)
    commands = "".join(cluster.docker("top", name, "-ef") for name in cluster.containers())
    cluster.docker("kill", cluster.compose("ps", "--quiet", "spark-worker-1").strip())
    up = cluster.make("cluster-up")
    assert up.returncode == 0, up.stderr
    told, _ = job.communicate(timeout=2 * SECONDS)
    return {**json.loads(told), "commands": commands}


def await_busy_workers(cluster, job):
    """Wait until two executors have work, by the web page of the running job."""
    until = time.monotonic() + SECONDS
    busy = []
    while len(busy) < 2 and job.poll() is None and time.monotonic() < until:
        time.sleep(0.5)
        try:
            (application,) = json.loads(cluster.page("DRIVER_UI_PORT", "/api/v1/applications/")[1])
            path = f"/api/v1/applications/{application['id']}/executors/"
            busy = [
                e for e in json.loads(cluster.page("DRIVER_UI_PORT", path)[1]) if e["activeTasks"]
            ]
        except (OSError, http.client.HTTPException, ValueError):
            continue  # the page comes with the job
    assert len(busy) == 2


def lists(rows):
    return [list(row) for row in rows]


def test_cluster_embedded_and_plain_python_count_the_same_rows(spark, copy):
    selection = select_batches(1, 200, output_dir=str(copy))
    newest, approaches = read_batches(spark, selection)
    embedded = {
        "aggregations": metrics(newest, approaches, 0.2),
        "yearly_statistics": yearly_statistics(approaches, 0.2),
    }
    counted = {
        name: pq.read_table(copy / name / "batches-1-200/part-0.parquet", partitioning=None)
        for name in embedded
    }
    counted = {name: lists(r.values() for r in t.to_pylist()) for name, t in counted.items()}
    assert counted == {name: lists(frame.collect()) for name, frame in embedded.items()}
    assert dict(counted["aggregations"]) == metrics_of(PAGES, "0.2")
    fetched_on = f"{selection.fetched[1]:%Y-%m-%d}"
    assert counted["yearly_statistics"] == lists(yearly_of(PAGES, "0.2", fetched_on))


def test_both_workers_ran_tasks_and_the_notebook_tells_so(copy):
    notebook = (copy / "runs/batches-1-200/aggregate.ipynb").read_text()
    assert re.search(
        r"\d+ tasks: [1-9]\d* on worker localhost:8081, [1-9]\d* on worker localhost:8082", notebook
    )


def test_a_key_in_env_is_used_and_what_is_counted_is_not_counted_again(cluster, first_run):
    assert "with your API_KEY" in first_run.stdout
    (cluster.clone / ".env").write_text(f"API_KEY={KEY}\nOUTPUT_DIR=/of/the/host\n")
    again = cluster.make("cluster-run", "START=1", "END=200", "API_URL=http://127.0.0.1:1")
    (cluster.clone / ".env").unlink()
    assert again.returncode == 0, again.stderr
    assert "with your API_KEY" in again.stdout
    assert "up to date" in again.stdout


def test_a_wrong_parameter_is_one_line_and_the_runners_status(cluster):
    ran = cluster.make("cluster-run", "START=5")
    said, made = ran.stderr.splitlines()
    assert said.startswith("run: START=5 is not the start of a batch of 20")
    assert made.endswith("Error 2")


def test_a_service_that_is_down_gives_the_runners_status(cluster):
    ran = cluster.make("cluster-run", "START=201", "END=220", "API_URL=http://127.0.0.1:1")
    assert ran.stderr.splitlines()[-1].endswith("Error 4")


def test_another_master_is_refused(cluster):
    ran = cluster.make("cluster-run", "MASTER=local[2]")
    assert ran.returncode == 2
    assert ran.stderr.startswith("MASTER is this cluster's own")


def test_the_logs_are_those_of_every_service(cluster):
    logs = cluster.make("cluster-logs").stdout
    assert [name for name in SERVICES if name not in logs] == []


def test_a_notebook_runs_by_hand_with_its_own_values_and_a_copy_can_be_kept(cluster):
    papermill = ("papermill", "--no-progress-bar", "notebooks/fetch.ipynb", "work/mine.ipynb")
    cluster.compose("exec", "-T", "jupyter", *papermill)
    assert "mine.ipynb" in cluster.compose("exec", "-T", "jupyter", "ls", "work")


def test_status_tells_workers_cores_and_memory(cluster):
    status = cluster.make("cluster-status").stdout
    assert "2 ALIVE: 4 of 4 cores free, 4,096 of 4,096 MB free" in status
    assert "0 running" in status


def test_the_history_server_lists_the_run(cluster, first_run):
    assert first_run
    until = time.monotonic() + SECONDS
    listed = []
    while not listed and time.monotonic() < until:
        listed = json.loads(cluster.page("HISTORY_PORT", "/api/v1/applications/")[1])
        time.sleep(1)
    assert listed[0]["name"] == "NEO Data Recaller"
    assert listed[0]["attempts"][0]["completed"] is True


def test_every_page_answers_and_jupyterlab_asks_for_its_token(cluster):
    for port in ("MASTER_UI_PORT", "WORKER_1_UI_PORT", "WORKER_2_UI_PORT", "HISTORY_PORT"):
        assert cluster.page(port, "/")[0] == 200
    path = "/api/contents/notebooks"
    assert cluster.page("JUPYTER_PORT", path)[0] == 403
    token = {"Authorization": f"token {cluster.secret('token')}"}
    status, listing = cluster.page("JUPYTER_PORT", path, token)
    assert status == 200
    assert "aggregate.ipynb" in listing
    assert cluster.page("JUPYTER_PORT", path, {**token, "Host": "elsewhere.example"})[0] == 403


def test_a_job_outlives_a_container_that_is_killed_in_its_middle(disturbed_job):
    assert disturbed_job["lost"] == 1
    expected = with_approaches_repeated(metrics_of(PAGES, "0.2"), disturbed_job["times"])
    assert dict(disturbed_job["metrics"]) == expected


def test_a_container_that_comes_back_is_used_again(disturbed_job):
    assert disturbed_job["tasks_of_the_new"] > 0
    assert dict(disturbed_job["again"]) == metrics_of(PAGES, "0.2")


def test_neither_secret_nor_token_nor_key_can_be_listed(cluster, disturbed_job, copy):
    secrets = [cluster.secret("cluster"), cluster.secret("token"), KEY]
    assert [len(secret) for secret in secrets[:2]] == [64, 64]
    assert disturbed_job["commands"].count("CoarseGrainedExecutorBackend") >= 2
    shown = {
        "ps": disturbed_job["commands"],
        "inspect": cluster.docker("inspect", *cluster.containers()),
        "image": cluster.docker("inspect", "neo-data-recaller")
        + cluster.docker("history", "--no-trunc", "neo-data-recaller"),
        "logs": cluster.compose("logs"),
    }
    files = [path for path in copy.rglob("*") if path.is_file()]
    shown |= {str(path): path.read_bytes().decode("latin-1") for path in files}
    assert len(files) > 8
    found = [name for name, text in shown.items() for secret in secrets if secret in text]
    assert found == []
    search = cluster.start(
        *("jupyter", "grep", "--recursive", "--files-with-matches", "--fixed-strings", "--file=-"),
        *("/neo", "/var/lib/neo", "/etc", "/opt/neo-data-recaller"),
    )
    holders, _ = search.communicate("\n".join(secrets).encode())
    assert set(holders.decode().split()) == set(SECRETS.values())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_without_rights_on_a_file_system_that_it_cannot_change(cluster, service):
    look = "id -u; grep -E 'CapBnd|NoNewPrivs' /proc/1/status; touch /neo/file 2>&1 || true"
    told = cluster.compose("exec", "-T", service, "sh", "-c", look)
    assert told.splitlines() == [
        "10001",
        f"CapBnd:\t{0:016}",
        "NoNewPrivs:\t1",
        "touch: cannot touch '/neo/file': Read-only file system",
    ]


def test_the_secrets_can_be_read_by_their_owner_alone(cluster):
    for file in map(Path, SECRETS.values()):
        paths = (str(file.parent), str(file))
        listed = cluster.compose("exec", "-T", "jupyter", "stat", "--format=%a %u", *paths)
        assert listed.splitlines() == ["700 10001", "600 10001"]


ASK_FOR_A_KERNEL = """
import urllib.error, urllib.request
request = urllib.request.Request(
    "http://jupyter:8888/api/kernels", b"{}", {"Host": "localhost:8888"}, method="POST"
)
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def test_worker_can_read_neither_token_nor_key_and_starts_no_kernel(cluster, first_run):
    (cluster.clone / ".env").write_text(f"API_KEY={KEY}\n")
    ran = cluster.make("cluster-run", "START=1", "END=200", "SOURCE=sample", "OUTPUT_DIR=output/2")
    assert (first_run.returncode, ran.returncode) == (0, 0), ran.stderr
    (cluster.clone / ".env").unlink()
    search = cluster.start(
        *("spark-worker-1", "grep", "--recursive", "--files-with-matches", "--fixed-strings"),
        *("--no-messages", "--file=-", "/neo", "/var/lib/neo", "/tmp", "/etc"),  # noqa: S108
    )
    holders, _ = search.communicate("\n".join([cluster.secret("token"), KEY]).encode())
    assert holders == b""
    answer = cluster.compose("exec", "-T", "spark-worker-1", "python", "-c", ASK_FOR_A_KERNEL)
    assert answer.strip() == "403"


def test_key_file_is_removed_after_a_run(cluster, first_run):
    assert first_run.returncode == 0
    assert "/tmp/.env" not in cluster.compose("exec", "-T", "jupyter", "find", "/tmp")  # noqa: S108


def test_a_third_worker_joins_a_master_that_was_replaced_and_the_counts_are_the_same(cluster, copy):
    # The last test: its master is another container, since it waits for another number of workers.
    up = cluster.make("cluster-up", "EXTRA_WORKERS=1")
    assert up.returncode == 0, up.stderr
    assert "3 ALIVE: 6 of 6 cores free" in cluster.make("cluster-status").stdout
    result = "aggregations/batches-1-200/part-0.parquet"
    cluster.compose("exec", "-T", "jupyter", "rm", f"output/{result}")
    ran = cluster.make("cluster-run", "START=1", "END=200", "API_URL=http://127.0.0.1:1")
    assert ran.returncode == 0, ran.stderr
    counted = cluster.compose("exec", "-T", "jupyter", "sha256sum", f"output/{result}").split()[0]
    assert counted == hashlib.sha256((copy / result).read_bytes()).hexdigest()
