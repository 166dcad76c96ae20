"""Run a master and two workers as local processes that listen only on loopback.

``neo local-cluster-up`` and ``neo local-cluster-down`` do it. Spark's environment variables
(``SPARK_MASTER_PORT``, ``SPARK_MASTER_WEBUI_PORT``, ``SPARK_WORKER_CORES``,
``SPARK_WORKER_MEMORY``, ...) override the defaults below.
"""

import os
import shutil
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen

from neo_utils.cluster.daemons import daemon
from neo_utils.cluster.health import alive_workers, master_state, state_text
from neo_utils.cluster.processes import ctrl_c_delayed, is_running, start, terminate
from neo_utils.engines.cluster_secret import named_secret
from neo_utils.errors import ClusterFailure
from neo_utils.settings.folders import PROJECT

FOLDER = PROJECT / ".cluster"
WORKERS = ("worker-1", "worker-2")
UP_SECONDS = 90.0  # took 11 s on two idle cores, 40 s with four processes per core
_LOOPBACK = "127.0.0.1"
_DEFAULTS: Mapping[str, str] = {
    "SPARK_MASTER_PORT": "7077",
    "SPARK_MASTER_WEBUI_PORT": "8080",
    "SPARK_WORKER_WEBUI_PORT": "8081",  # the second worker uses the next free port
    "SPARK_WORKER_CORES": "1",
    "SPARK_WORKER_MEMORY": "1g",
    # The daemons do little work; executors have their own memory and compilers.
    "SPARK_DAEMON_MEMORY": "256m",
    "SPARK_DAEMON_JAVA_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}


def up(folder: Path = FOLDER, environment: Mapping[str, str] = os.environ) -> str:
    """Start the missing daemons, wait until both workers are ALIVE, and return a summary.

    Raises
    ------
    ClusterFailure
        If a port is in use, a daemon exits, or `UP_SECONDS` pass. The daemons started by this call
        are stopped.
    """
    began = time.monotonic()
    env = _environment(folder, environment)
    ui = f"{_LOOPBACK}:{env['SPARK_MASTER_WEBUI_PORT']}"
    folder.mkdir(mode=0o700, exist_ok=True)
    started: dict[Path, Popen[bytes]] = {}
    try:
        if not is_running(_pid_file(folder, "master")):
            _check_ports(env)
        # Start the master first: a worker that finds none retries only after ten seconds.
        for names, workers in ((["master"], 0), (WORKERS, len(WORKERS))):
            for file in (_pid_file(folder, name) for name in names):
                if not is_running(file):
                    with ctrl_c_delayed():
                        started[file] = _start(file, env)
            while not _has_workers(ui, workers):
                _check_progress(folder, started, began)
                time.sleep(0.2)
    except BaseException:
        for file in started:
            terminate(file)
        raise
    return (
        f"{len(started)} processes started in {time.monotonic() - began:.0f} s. Run a job with"
        f" `make run MASTER={env['MASTER']}`\n{state_text(master_state(ui))}\n"
        f"web page      http://{ui}\nlogs          {folder / 'logs'}"
    )


def down(folder: Path = FOLDER) -> str:
    """Stop the processes that `up` started and remove their files, except for the logs."""
    files = [_pid_file(folder, name) for name in (*WORKERS, "master")]
    running = [file for file in files if is_running(file)]
    for file in running:
        terminate(file)
    for name in ("conf", "work"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for file in (*files, folder / "secret"):
        file.unlink(missing_ok=True)
    return f"{len(running)} processes stopped" if running else "no local cluster is running"


def _environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    secret = named_secret(environment) or folder / "secret"
    env = {**_DEFAULTS, **environment}
    return env | {
        "CLUSTER_SECRET_FILE": str(secret),
        "MASTER": f"spark://{_LOOPBACK}:{env['SPARK_MASTER_PORT']}",
        "SPARK_MASTER_HOST": _LOOPBACK,
        "SPARK_LOCAL_IP": _LOOPBACK,
    }


def _start(pid_file: Path, env: Mapping[str, str]) -> Popen[bytes]:
    folder, name = pid_file.parent, pid_file.stem
    conf, work, logs = folder / "conf" / name, folder / "work" / name, folder / "logs"
    for path in (conf, work, logs):
        path.mkdir(parents=True, exist_ok=True)
    places = {"SPARK_WORKER_DIR": str(work), "SPARK_LOCAL_DIRS": str(work / "local")}
    command, environment = daemon(name.partition("-")[0], {**env, **places}, conf)
    try:
        return start(pid_file, command, environment, logs / f"{name}.log")
    except BlockingIOError:  # the file is locked
        raise ClusterFailure(
            "another command is starting or stopping the cluster. Try again when it is done"
        ) from None


def _has_workers(ui: str, number: int) -> bool:
    try:
        return len(alive_workers(master_state(ui))) >= number
    except OSError:  # the master has not started yet
        return False


def _check_progress(folder: Path, started: Mapping[Path, Popen[bytes]], began: float) -> None:
    for file, process in started.items():
        if process.poll() is not None:
            raise ClusterFailure(
                f"{file.stem} exited with status {process.returncode}. See"
                f" {folder / 'logs' / file.stem}.log"
            )
    if time.monotonic() - began > UP_SECONDS:
        raise ClusterFailure(
            f"fewer than {len(WORKERS)} workers are ALIVE after {UP_SECONDS:.0f} s. Run"
            f" `make local-cluster-down`, then try again. Logs are in {folder / 'logs'}"
        )


def _check_ports(env: Mapping[str, str]) -> None:
    for name in ("SPARK_MASTER_PORT", "SPARK_MASTER_WEBUI_PORT"):
        try:
            socket.create_server((_LOOPBACK, int(env[name]))).close()
        except (OSError, OverflowError, ValueError):
            raise ClusterFailure(
                f"port {env[name]} is in use or invalid. Stop the program that uses it, or run"
                f" `{name}=... make local-cluster-up` with another port"
            ) from None


def _pid_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.pid"
