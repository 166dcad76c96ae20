"""What docker-compose-cluster.yml allows, as Compose itself reads it. No engine is needed."""

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
every_service = pytest.mark.parametrize("name", PORTS)


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Return what Compose makes of the file, beside a .env and in an environment with a key."""
    if not shutil.which("docker") or run(PROJECT, *COMPOSE[:2], "version").returncode:
        pytest.skip("no docker with its plugin compose")
    clone = clone_into(tmp_path_factory.mktemp("clone"))
    (clone / ".env").write_text(f"API_KEY={KEY}\n")
    environment = {name: "" for name in os.environ if name.endswith("_PORT")}
    environment |= {"API_KEY": KEY, "EXTRA_WORKERS": "1"}
    ran = run(clone, *COMPOSE, "config", "--format", "json", **environment)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_the_services_are_the_known_ones(config):
    assert config["services"].keys() == PORTS.keys()


@every_service
def test_every_port_is_published_on_loopback_alone(config, name):
    service = config["services"][name]
    ports = service.get("ports", [])
    assert {port["host_ip"] for port in ports} <= {"127.0.0.1"}
    assert {port["published"] for port in ports} == PORTS[name]
    assert service.get("network_mode") is None


@every_service
def test_every_service_is_bounded_in_memory_and_processors(config, name):
    service = config["services"][name]
    assert 0 < int(service["mem_limit"]) <= 4 * GIB
    assert 0 < service["cpus"] <= 2
    assert 0 < service["pids_limit"] <= 1000
    assert service["logging"]["options"]["max-size"]


@every_service
def test_every_service_has_a_check_of_its_health_and_comes_back_by_itself(config, name):
    service = config["services"][name]
    assert "neo_utils.cluster.health" in service["healthcheck"]["test"][-1]
    assert service["restart"] == "unless-stopped"


@every_service
def test_no_service_has_a_right_that_it_can_do_without(config, name):
    service = config["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    for grant in ("cap_add", "privileged", "user", "devices", "pid", "ipc", "userns_mode"):
        assert not service.get(grant), grant
    assert {mount["type"] for mount in service["volumes"]} == {"volume"}  # no folder of the host


def test_no_secret_stands_in_it(config):
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


def test_the_output_is_the_same_folder_wherever_it_is_used(config):
    mounts = {
        name: [m["target"] for m in service["volumes"] if m["source"] == "output"]
        for name, service in config["services"].items()
    }
    assert mounts == {name: ["/neo/output"] * (name in OUTPUT_USERS) for name in PORTS}


def test_worker_can_change_neither_the_output_nor_the_secret(config):
    for name in filter(re.compile("spark-worker").match, PORTS):
        mounts = config["services"][name]["volumes"]
        writable = {mount["source"] for mount in mounts if not mount.get("read_only")}
        assert writable == {"scratch"}


def test_the_driver_waits_for_the_wanted_workers(config):
    services = config["services"]
    assert services["jupyter"]["depends_on"]["spark-master"]["condition"] == "service_healthy"
    assert services["spark-master"]["healthcheck"]["test"][-1].endswith("--workers $$((2 + 1))")


@pytest.mark.parametrize("name", [name for name in PORTS if name.startswith("spark-worker")])
def test_each_worker_offers_two_cores_and_two_gigabytes(config, name):
    environment = config["services"][name]["environment"]
    assert environment["SPARK_WORKER_CORES"] == "2"
    assert environment["SPARK_WORKER_MEMORY"] == "2g"


def test_a_third_worker_is_one_word(config):
    assert config["services"]["spark-worker-extra"]["scale"] == 1
    ran = run(PROJECT, *COMPOSE, "config", "--format", "json")
    assert json.loads(ran.stdout)["services"]["spark-worker-extra"]["scale"] == 0


@pytest.mark.parametrize("target", ["up", "run", "status", "logs", "down"])
def test_without_docker_one_line_tells_what_is_missing_and_what_needs_none(tmp_path, target):
    ran = run(PROJECT, shutil.which("make"), f"cluster-{target}", PATH=str(tmp_path))
    said, made = ran.stderr.splitlines()
    assert re.search("needs Docker with .*Compose.*local-cluster-up", said)
    assert made.endswith("Error 2")
    assert ran.stdout == ""


def test_without_an_engine_one_line_tells_so(config, tmp_path):
    assert config
    ran = run(PROJECT, "make", "cluster-up", DOCKER_HOST=f"unix://{tmp_path}/none")
    said, made = ran.stderr.splitlines()
    assert re.search("no Docker engine answers.*local-cluster-up", said)
    assert made.endswith("Error 2")


def test_the_images_base_is_named_once_and_its_packages_are_held_to_their_hashes():
    dockerfile = (PROJECT / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG BASE=(\S+)", dockerfile, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\S*-bookworm(@sha256:\S+)?", base)
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)) == {"$BASE"}
    installs = re.findall(r"(?:pip install|uv pip sync)(?:[^&\n]|\\\n)*", dockerfile)
    assert len(installs) == 3
    assert all("--require-hashes" in install for install in installs)
