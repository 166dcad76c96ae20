"""The Docker Compose cluster: make targets, web pages, and a killed container."""

import hashlib
import io
import json
import os
import re
import shlex
import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from neo_utils.interface import select
from neo_utils.sample.catalogue import page_body
from neo_utils.settings.folders import PROJECT
from neo_utils.statistics.computation import read_batches, statistic
from tests.clones import clone_into, run, stored_rows
from tests.cluster import free_ports
from tests.docker_engine import need_engine
from tests.driver import await_result
from tests.oracle import metrics_of, with_approaches_repeated, yearly_of

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
PAGES = [page_body(number, 20, "k") for number in range(10)]
SERVICES = ("spark-master", "spark-worker-1", "spark-worker-2", "jupyter", "history-server")
PORTS = (
    *("MASTER_UI_PORT", "WORKER_1_UI_PORT", "WORKER_2_UI_PORT"),
    *("JUPYTER_PORT", "DRIVER_UI_PORT", "HISTORY_PORT"),
)
SECRETS = {"cluster": "/var/lib/neo/secret/cluster", "token": "/var/lib/neo/lab/token"}
COMPOSE = ("docker", "compose", "--file", "docker-compose-cluster.yml")
SECONDS = 300  # generous: it takes seconds on an idle machine


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
        return self.docker(*COMPOSE[1:], *words)

    def start(self, *words):
        """Start a command in the service jupyter."""
        return subprocess.Popen(  # noqa: S603
            [*COMPOSE, "exec", "-T", *words],
            cwd=self.clone,
            env=os.environ | self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def secret(self, name):
        return self.compose("exec", "-T", "jupyter", "cat", SECRETS[name])

    def page(self, port, path, headers=None):
        """Return status and text of a web page."""
        url = f"http://127.0.0.1:{self.environment[port]}{path}"
        with requests.Session() as session:
            session.trust_env = False  # no proxy
            answer = session.get(url, headers=headers, timeout=30)
        return answer.status_code, answer.text

    def containers(self):
        return self.compose("ps", "--all", "--quiet").split()


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a cluster beside any other on this machine."""
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
    """Run with a key, against a service that repeats the key in every answer."""
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
    command = first_run.stdout.splitlines()[-1].removeprefix("copy results")
    cluster.docker(*shlex.split(command)[1:])
    return cluster.clone / "copy"


@pytest.fixture(scope="module")
def disturbed_job(cluster, first_run):
    """Kill a worker's container during a job, and restart it as the docs recommend."""
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
    printed, _ = job.communicate(timeout=2 * SECONDS)
    return {**json.loads(printed), "commands": commands}


def await_busy_workers(cluster, job):
    """Wait until two executors have tasks, according to the job's web page."""

    def both_are_busy():
        assert job.poll() is None
        try:
            path = "/api/v1/applications/"
            (application,) = json.loads(cluster.page("DRIVER_UI_PORT", path)[1])
            path += f"{application['id']}/executors/"
            executors = json.loads(cluster.page("DRIVER_UI_PORT", path)[1])
            return sum(executor["activeTasks"] > 0 for executor in executors) == 2
        except (OSError, ValueError):
            return False  # the job has not started yet

    await_result(both_are_busy, SECONDS)


def test_cluster_equals_embedded_spark_and_plain_python(spark, copy):
    selection = select(1, 200, output_dir=str(copy))
    newest, approaches = read_batches(spark, selection)
    embedded = {
        "aggregations": statistic("metrics", newest, approaches, 0.2),
        "yearly_statistics": statistic("yearly_statistics", newest, approaches, 0.2),
    }
    counted = {name: stored_rows(copy, name) for name in embedded}
    assert counted == {name: [*map(tuple, frame.collect())] for name, frame in embedded.items()}
    assert dict(counted["aggregations"]) == metrics_of(PAGES, "0.2")
    fetched_on = f"{selection.fetched[1]:%Y-%m-%d}"
    assert counted["yearly_statistics"] == yearly_of(PAGES, "0.2", fetched_on)


def test_notebook_reports_the_tasks_of_both_workers(copy):
    notebook = (copy / "runs/batches-1-200/aggregate.ipynb").read_text()
    assert re.search(
        r"\d+ tasks: [1-9]\d* on worker localhost:8081, [1-9]\d* on worker localhost:8082", notebook
    )


def test_uses_the_key_in_env_file_and_skips_current_results(cluster, first_run):
    assert "with your API_KEY" in first_run.stdout
    (cluster.clone / ".env").write_text(f"API_KEY={KEY}\nOUTPUT_DIR=/of/the/host\n")
    again = cluster.make("cluster-run", "START=1", "END=200", "API_URL=http://127.0.0.1:1")
    (cluster.clone / ".env").unlink()
    assert again.returncode == 0, again.stderr
    assert "with your API_KEY" in again.stdout
    assert "up to date" in again.stdout


def test_reports_the_failure_and_status_of_the_run(cluster):
    ran = cluster.make("cluster-run", "START=201", "END=220", "API_URL=http://127.0.0.1:1")
    assert "127.0.0.1:1" in ran.stderr
    assert ran.stderr.splitlines()[-1].endswith("Error 4")


def test_rejects_another_master(cluster):
    ran = cluster.make("cluster-run", "MASTER=local[2]")
    assert ran.returncode == 2
    assert ran.stderr.startswith("cluster-run sets MASTER itself")


def test_logs_cover_every_service(cluster):
    logs = cluster.make("cluster-logs").stdout
    assert [name for name in SERVICES if name not in logs] == []


def test_notebook_runs_by_hand_and_is_stored(cluster):
    papermill = ("papermill", "--no-progress-bar", "notebooks/fetch.ipynb", "work/mine.ipynb")
    cluster.compose("exec", "-T", "jupyter", *papermill)
    assert "mine.ipynb" in cluster.compose("exec", "-T", "jupyter", "ls", "work")


def test_status_shows_workers_cores_and_memory(cluster):
    status = cluster.make("cluster-status").stdout
    assert "2 ALIVE: 4 of 4 cores free, 4,096 of 4,096 MB free" in status
    assert "0 running" in status


def test_history_server_lists_the_run(cluster, first_run):
    assert first_run
    path = "/api/v1/applications/"
    listed = await_result(lambda: json.loads(cluster.page("HISTORY_PORT", path)[1]), SECONDS)
    assert listed[0]["name"] == "NEO Data Recaller"
    assert listed[0]["attempts"][0]["completed"] is True


def test_pages_respond_and_jupyterlab_requires_its_token(cluster):
    for port in ("MASTER_UI_PORT", "WORKER_1_UI_PORT", "WORKER_2_UI_PORT", "HISTORY_PORT"):
        assert cluster.page(port, "/")[0] == 200
    path = "/api/contents/notebooks"
    assert cluster.page("JUPYTER_PORT", path)[0] == 403
    token = {"Authorization": f"token {cluster.secret('token')}"}
    status, listing = cluster.page("JUPYTER_PORT", path, token)
    assert status == 200
    assert "aggregate.ipynb" in listing
    assert cluster.page("JUPYTER_PORT", path, {**token, "Host": "elsewhere.example"})[0] == 403


def test_jupyterlab_opens_the_start_page_without_a_question_about_news(cluster):
    token = {"Authorization": f"token {cluster.secret('token')}"}
    assert cluster.page("JUPYTER_PORT", "/api/contents/notebooks/README.md", token)[0] == 200
    path = "/lab/api/settings/@jupyterlab/apputils-extension:notification"
    status, text = cluster.page("JUPYTER_PORT", path, token)
    assert status == 200
    assert json.loads(text)["schema"]["properties"]["fetchNews"]["default"] == "false"


def test_job_survives_a_killed_container(disturbed_job):
    assert disturbed_job["lost"] == 1
    expected = with_approaches_repeated(metrics_of(PAGES, "0.2"), disturbed_job["times"])
    assert dict(disturbed_job["metrics"]) == expected


def test_uses_a_restarted_container(disturbed_job):
    assert disturbed_job["tasks_of_the_new"] > 0
    assert dict(disturbed_job["again"]) == metrics_of(PAGES, "0.2")


def test_secrets_are_only_in_their_files(cluster, disturbed_job, copy):
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


def test_only_their_owner_can_read_the_secrets(cluster):
    for file in map(Path, SECRETS.values()):
        paths = (str(file.parent), str(file))
        listed = cluster.compose("exec", "-T", "jupyter", "stat", "--format=%a %u", *paths)
        assert listed.splitlines() == ["700 10001", "600 10001"]


ASK_FOR_A_KERNEL = """
import requests
url, headers = "http://jupyter:8888/api/kernels", {"Host": "localhost:8888"}
print(requests.post(url, json={}, headers=headers).status_code)
"""


def test_worker_cannot_read_token_or_key_or_start_a_kernel(cluster, first_run):
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
    # The run's copy of .env is removed.
    assert "/tmp/.env" not in cluster.compose("exec", "-T", "jupyter", "find", "/tmp")  # noqa: S108
    answer = cluster.compose("exec", "-T", "spark-worker-1", "python", "-c", ASK_FOR_A_KERNEL)
    assert answer.strip() == "403"


def test_extra_worker_joins_a_replaced_master_with_equal_results(cluster, copy):
    # Runs last, because a master that waits for another number of workers is a new container.
    up = cluster.make("cluster-up", "EXTRA_WORKERS=1")
    assert up.returncode == 0, up.stderr
    assert "3 ALIVE: 6 of 6 cores free" in cluster.make("cluster-status").stdout
    result = "aggregations/batches-1-200/part-0.parquet"
    cluster.compose("exec", "-T", "jupyter", "rm", f"output/{result}")
    ran = cluster.make("cluster-run", "START=1", "END=200", "API_URL=http://127.0.0.1:1")
    assert ran.returncode == 0, ran.stderr
    counted = cluster.compose("exec", "-T", "jupyter", "sha256sum", f"output/{result}").split()[0]
    assert counted == hashlib.sha256((copy / result).read_bytes()).hexdigest()
