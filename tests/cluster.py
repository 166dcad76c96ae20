"""A real local cluster for the tests, and tools to inspect its processes."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from neo_utils.cluster.local_cluster import WORKERS, up
from neo_utils.cluster.processes import is_running, read_pid
from neo_utils.settings.folders import PROJECT
from tests.driver import await_result

# The key as ``make local-cluster-up API_KEY=...`` passes it.
_KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
KEY_OF_MAKE = {
    "API_KEY": _KEY,
    "MAKEFLAGS": f" -- API_KEY={_KEY}",
    "MAKEOVERRIDES": f"API_KEY={_KEY}",
}


class Cluster(NamedTuple):
    folder: Path
    environment: dict[str, str]

    @property
    def secret(self) -> str:
        return (self.folder / "secret").read_text()

    @property
    def ui(self) -> str:
        return f"127.0.0.1:{self.environment['SPARK_MASTER_WEBUI_PORT']}"

    def up(self) -> str:
        return up(self.folder, os.environ | KEY_OF_MAKE | self.environment)

    def process_of(self, daemon: str) -> psutil.Process:
        return psutil.Process(read_pid(self.folder / f"{daemon}.pid"))

    def daemons(self) -> list[psutil.Process]:
        return [self.process_of(daemon) for daemon in ("master", *WORKERS)]

    def kill(self, daemon: str) -> None:
        self.process_of(daemon).kill()
        await_result(lambda: not is_running(self.folder / f"{daemon}.pid"))

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of our modules against the cluster."""
        return subprocess.run(  # noqa: S603 - our own modules
            [sys.executable, "-m", *command],
            cwd=PROJECT,
            env=os.environ | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def job(self, name: str, output: Path, status: int = 0) -> dict[str, Any]:
        """Run a driver of ``tests.cluster_jobs`` and return its results and log."""
        ran = self.run("tests.cluster_jobs", name, str(output), str(self.folder))
        assert ran.returncode == status, ran.stderr
        return {**json.loads(ran.stdout), "log": ran.stderr}


def cluster_at(folder: Path) -> Cluster:
    """Return a cluster on free ports, without starting it."""
    master, ui, worker = free_ports(3)
    environment = {
        "MASTER": f"spark://127.0.0.1:{master}",
        "CLUSTER_SECRET_FILE": str(folder / "secret"),
        "SPARK_MASTER_PORT": master,
        "SPARK_MASTER_WEBUI_PORT": ui,
        "SPARK_WORKER_WEBUI_PORT": worker,
        "SPARK_WORKER_MEMORY": "512m",
    }
    return Cluster(folder, environment)


def free_ports(number: int) -> list[str]:
    """Return ports of this machine that are not in use."""
    with ExitStack() as held:
        servers = (socket.create_server(("127.0.0.1", 0)) for _ in range(number))
        return [str(held.enter_context(server).getsockname()[1]) for server in servers]


def processes() -> list[tuple[int, int, str]]:
    """Return PID, parent and command line of every process."""
    listed = (process.info for process in psutil.process_iter(["pid", "ppid", "cmdline"]))
    return [(p["pid"], p["ppid"], " ".join(p["cmdline"] or ())) for p in listed]
