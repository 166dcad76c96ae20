"""Permissions and limits in docker-compose-cluster.yml, as parsed by Compose without an engine."""

import json
import os
import re
import shutil

import pytest

from neo_utils.settings.folders import PROJECT
from tests.clones import clone_into, run

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
COMPOSE = ("docker", "compose", "--file", "docker-compose-cluster.yml")

# The services, with the ports of their web pages.
PORTS = {
    "spark-master": {"8080"},
    "spark-worker-1": {"8081"},
    "spark-worker-2": {"8082"},
    "spark-worker-extra": set(),
    "jupyter": {"8888", "4040"},
    "history-server": {"18080"},
}
OUTPUT_USERS = ("spark-worker-1", "spark-worker-2", "spark-worker-extra", "jupyter")
GIB = 2**30


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Return the parsed file; .env and the environment contain a key."""
    if not shutil.which("docker") or run(PROJECT, *COMPOSE[:2], "version").returncode:
        pytest.skip("no Docker with Compose")
    clone = clone_into(tmp_path_factory.mktemp("clone"))
    (clone / ".env").write_text(f"API_KEY={KEY}\n")
    environment = {name: "" for name in os.environ if name.endswith("_PORT")}
    environment |= {"API_KEY": KEY, "EXTRA_WORKERS": "1"}
    ran = run(clone, *COMPOSE, "config", "--format", "json", **environment)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(params=PORTS)
def service(config, request):
    assert config["services"].keys() == PORTS.keys()
    return {"name": request.param, **config["services"][request.param]}


def test_publishes_ports_only_on_loopback(service):
    ports = service.get("ports", [])
    assert {port["host_ip"] for port in ports} <= {"127.0.0.1"}
    assert {port["published"] for port in ports} == PORTS[service["name"]]
    assert service.get("network_mode") is None


def test_limits_memory_processors_and_logs(service):
    assert 0 < int(service["mem_limit"]) <= 4 * GIB
    assert 0 < service["cpus"] <= 2
    assert 0 < service["pids_limit"] <= 1000
    assert service["logging"]["options"]["max-size"]


def test_checks_health_and_restarts(service):
    assert "neo_utils.cluster.health" in service["healthcheck"]["test"][-1]
    assert service["restart"] == "unless-stopped"


def test_grants_no_unnecessary_permission(service):
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    for grant in ("cap_add", "privileged", "user", "devices", "pid", "ipc", "userns_mode"):
        assert not service.get(grant), grant
    assert {mount["type"] for mount in service["volumes"]} == {"volume"}  # no folder of the host


def test_contains_no_secret(config):
    assert KEY not in json.dumps(config)
    for service in config["services"].values():
        for name, value in service["environment"].items():
            if re.search("key|secret|token|password", name, re.IGNORECASE):
                assert value.startswith(("/var/lib/neo/secret/", "/var/lib/neo/lab/")), name


def test_only_jupyter_mounts_the_volume_with_its_token(config):
    users = {
        name
        for name, service in config["services"].items()
        if any(mount["source"] == "lab" for mount in service["volumes"])
    }
    assert users == {"jupyter"}
    token = config["services"]["jupyter"]["environment"]["JUPYTER_TOKEN_FILE"]
    assert token.startswith("/var/lib/neo/lab/")


def test_output_has_the_same_path_in_every_service(config):
    mounts = {
        name: [m["target"] for m in service["volumes"] if m["source"] == "output"]
        for name, service in config["services"].items()
    }
    assert mounts == {name: ["/neo/output"] * (name in OUTPUT_USERS) for name in PORTS}


def test_workers_have_two_cores_and_cannot_change_output_or_secret(config):
    for name in filter(re.compile("spark-worker").match, PORTS):
        worker = config["services"][name]
        writable = {mount["source"] for mount in worker["volumes"] if not mount.get("read_only")}
        assert writable == {"scratch"}
        assert worker["environment"]["SPARK_WORKER_CORES"] == "2"
        assert worker["environment"]["SPARK_WORKER_MEMORY"] == "2g"


def test_driver_waits_for_all_workers(config):
    services = config["services"]
    assert services["jupyter"]["depends_on"]["spark-master"]["condition"] == "service_healthy"
    assert services["spark-master"]["healthcheck"]["test"][-1].endswith("--workers $$((2 + 1))")


def test_extra_worker_starts_only_on_request(config):
    assert config["services"]["spark-worker-extra"]["scale"] == 1
    ran = run(PROJECT, *COMPOSE, "config", "--format", "json")
    assert json.loads(ran.stdout)["services"]["spark-worker-extra"]["scale"] == 0


@pytest.mark.parametrize("target", ["up", "run", "status", "logs", "down"])
def test_missing_docker_gives_one_line_with_an_alternative(tmp_path, target):
    ran = run(PROJECT, shutil.which("make"), f"cluster-{target}", PATH=str(tmp_path))
    message, made = ran.stderr.splitlines()
    assert re.search("Docker with Compose is not installed.*local-cluster-up", message)
    assert made.endswith("Error 2")
    assert ran.stdout == ""


def test_missing_engine_gives_one_line_with_an_alternative(config, tmp_path):
    assert config
    ran = run(PROJECT, "make", "cluster-up", DOCKER_HOST=f"unix://{tmp_path}/none")
    message, made = ran.stderr.splitlines()
    assert re.search("Docker is not running.*local-cluster-up", message)
    assert made.endswith("Error 2")


def test_image_has_one_base_a_user_and_packages_with_hashes():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG BASE=(\S+)", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\S*-bookworm(@sha256:\S+)?", base)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"$BASE"}
    installs = re.findall(r"(?:pip install|uv pip sync)(?:[^&\n]|\\\n)*", dockerfile)
    assert re.search("^USER 10001:10001$", dockerfile, re.MULTILINE)
    assert len(installs) == 3
    assert all("--require-hashes" in install for install in installs)
