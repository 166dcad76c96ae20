import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from neo_utils.cli import main
from neo_utils.cluster import local_cluster, processes
from neo_utils.cluster.daemons import daemon
from neo_utils.cluster.health import master_state
from neo_utils.cluster.local_cluster import down
from neo_utils.cluster.processes import is_running, read_pid, start, terminate
from neo_utils.errors import ClusterFailure, WrongParameter
from tests.cluster import KEY_OF_MAKE, cluster_at
from tests.driver import await_result
from tests.faulty_service import http, serve_faults


def start_process(tmp_path, code):
    process = start(tmp_path / "pid", [sys.executable, "-c", code], os.environ, tmp_path / "log")
    await_result((tmp_path / "log").read_text)
    return process


@pytest.mark.slow
def test_starting_twice_changes_nothing(cluster):
    before = cluster.daemons()
    output = cluster.up()
    assert output.startswith("0 processes started")
    assert cluster.environment["MASTER"] in output
    assert cluster.daemons() == before


@pytest.mark.parametrize("name", ["SPARK_MASTER_PORT", "SPARK_MASTER_WEBUI_PORT"])
def test_port_in_use_is_reported_before_anything_starts(tmp_path, name):
    ours = cluster_at(tmp_path)
    port = int(ours.environment[name])
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ClusterFailure, match=f"port {port} is in use.*{name}="),
    ):
        ours.up()
    assert list(tmp_path.glob("*.pid")) == []


def test_second_start_at_the_same_time_fails(tmp_path):
    with (tmp_path / "master.pid").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # as a command that checks it
        with pytest.raises(ClusterFailure, match="another command is starting or stopping"):
            cluster_at(tmp_path).up()


@pytest.mark.slow
def test_failed_daemon_is_reported_with_its_log(tmp_path):
    ours = cluster_at(tmp_path)
    ours.environment["SPARK_WORKER_CORES"] = "none"
    with pytest.raises(ClusterFailure, match=r"^worker-\d exited with status 1\. See .*\.log$"):
        ours.up()
    assert not is_running(tmp_path / "master.pid")


START_IN_FOLDER = """
import sys
from functools import partial
from pathlib import Path
from neo_utils.cli import main
from neo_utils.cluster import local_cluster
local_cluster.up = partial(local_cluster.up, Path(sys.argv[1]))
sys.exit(main(["local-cluster-up"]))
"""


@pytest.mark.slow
def test_ctrl_c_during_start_stops_all_daemons(tmp_path):
    process = subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", START_IN_FOLDER, str(tmp_path)],
        env=os.environ | cluster_at(tmp_path).environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    await_result(lambda: is_running(tmp_path / "master.pid"))
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert output.startswith("\nlocal-cluster-up: interrupted. ")
    assert not any(is_running(file) for file in tmp_path.glob("*.pid"))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_waits_until_the_new_process_is_noted(ending):
    noted, handler = [], signal.getsignal(ending)
    with pytest.raises(KeyboardInterrupt), processes.ctrl_c_delayed():
        signal.raise_signal(ending)
        noted.append("process")
    assert noted == ["process"]
    assert signal.getsignal(ending) is handler


def test_uncreatable_folder_gives_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setattr(local_cluster, "up", partial(local_cluster.up, tmp_path / "file/cluster"))
    assert main(["local-cluster-up"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("local-cluster-up: [Errno 20] Not a directory")


def test_does_not_stop_a_process_with_a_reused_pid(tmp_path):
    with subprocess.Popen(["sleep", "60"]) as stranger:  # noqa: S607
        (tmp_path / "master.pid").write_text(f"{stranger.pid} {time.time() - 3_600}")
        assert down(tmp_path) == "no local cluster is running"
        assert stranger.poll() is None
        stranger.kill()


def test_stops_a_process_with_its_children(tmp_path):
    process = start_process(
        tmp_path,
        "import subprocess; child = subprocess.Popen(['sleep', '60']);"
        "print(child.pid, flush=True); child.wait()",
    )
    child = psutil.Process(int((tmp_path / "log").read_text()))
    assert is_running(tmp_path / "pid")
    terminate(tmp_path / "pid")
    assert not is_running(tmp_path / "pid")
    assert process.wait(5) == -signal.SIGTERM
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_refused_second_start_keeps_the_pid_of_the_running_process(tmp_path):
    process = start_process(tmp_path, "import time; print('ready', flush=True); time.sleep(60)")
    with pytest.raises(BlockingIOError):
        start_process(tmp_path, "")
    assert read_pid(tmp_path / "pid") == process.pid
    terminate(tmp_path / "pid")
    assert process.wait(5) == -signal.SIGTERM


def test_kills_a_process_that_ignores_sigterm(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_STOP_SECONDS", 0.5)
    process = start_process(
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); time.sleep(60)",
    )
    terminate(tmp_path / "pid")
    assert process.wait(5) == -signal.SIGKILL


@pytest.mark.slow
def test_daemon_stops_on_sigterm(tmp_path):
    ours = cluster_at(tmp_path)
    port = ours.environment["SPARK_MASTER_WEBUI_PORT"]
    options = f"-Dspark.history.fs.logDirectory={tmp_path.as_uri()} -Dspark.history.ui.port={port}"
    given = {"SPARK_HISTORY_OPTS": options, "SPARK_LOCAL_IP": "127.0.0.1", "TMPDIR": str(tmp_path)}
    server = subprocess.Popen(
        [sys.executable, "-m", "neo_utils.cluster.daemons", "history-server"],
        env=os.environ | given,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            assert server.poll() is None
            time.sleep(0.1)
        server.terminate()
        assert server.wait(10) == 128 + signal.SIGTERM  # Java's own status
    finally:
        server.kill()
        server.wait()


def test_daemon_requires_a_secret_and_a_worker_a_master(tmp_path):
    with pytest.raises(WrongParameter, match="CLUSTER_SECRET_FILE is not set"):
        daemon("master", {}, tmp_path)
    shared = {"CLUSTER_SECRET_FILE": str(tmp_path / "secret")}
    with pytest.raises(WrongParameter, match="cannot read the cluster secret .*Copy it"):
        daemon("worker", {**shared, "MASTER": "spark://127.0.0.1:7077"}, tmp_path)
    daemon("master", shared, tmp_path)
    with pytest.raises(WrongParameter, match="not a Spark master"):
        daemon("worker", shared, tmp_path)


@pytest.mark.slow
def test_daemon_settings_folder_is_private_and_reused(tmp_path):
    environment = os.environ | {
        "TMPDIR": str(tmp_path),
        "CLUSTER_SECRET_FILE": str(tmp_path / "secret"),
        "SPARK_MASTER_PORT": "none",  # it ends at once
    }
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-m", "neo_utils.cluster.daemons", "master"],
            env=environment,
            capture_output=True,
        )
    (settings,) = tmp_path.rglob("spark-defaults.conf")
    assert settings.stat().st_mode & 0o777 == 0o600
    assert settings.parent.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_all_daemons_listen_only_on_loopback(cluster):
    listed = [c for daemon in cluster.daemons() for c in daemon.net_connections("tcp")]
    addresses = [c.laddr.ip for c in listed if c.status == psutil.CONN_LISTEN]
    assert len(addresses) >= 6  # a port and a web page for each daemon
    assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    # Spark's REST server, on port 6066 by default, accepts jobs without the secret.
    assert "REST server" not in (cluster.folder / "logs/master.log").read_text()


def test_daemon_environment_has_neither_key_nor_secret(tmp_path):
    file = tmp_path / "secret"
    kept = {"CLUSTER_SECRET_FILE": str(file), "SPARK_WORKER_CORES": "1", "PATH": "/bin"}
    others = {**KEY_OF_MAKE, "MFLAGS": "canary", "ANYTHING_ELSE": "canary"}
    command, given = daemon("master", kept | others, tmp_path)
    passed = " ".join([*command, *given, *given.values()])
    assert "canary" not in passed
    assert file.read_text() not in passed
    assert (given["SPARK_WORKER_CORES"], given["PATH"]) == ("1", "/bin")


@pytest.mark.slow
def test_cluster_processes_do_not_inherit_the_key(cluster):
    for process in cluster.daemons():
        environment = process.environ()
        assert "SPARK_MASTER_PORT" in environment
        assert KEY_OF_MAKE["API_KEY"] not in str(environment)


def health(*arguments):
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "neo_utils.cluster.health", *arguments],
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_health_counts_alive_workers(cluster):
    enough = health("--ui", cluster.ui, "--workers", "2")
    assert (enough.returncode, enough.stderr) == (0, "")
    assert "2 ALIVE: 2 of 2 cores free, 1,024 of 1,024 MB free" in enough.stdout
    assert "applications  0 running" in enough.stdout
    assert health("--ui", cluster.ui, "--workers", "3").returncode == 1


def test_health_reports_a_missing_master_in_one_line(tmp_path):
    ran = health("--ui", cluster_at(tmp_path).ui)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1


def test_other_web_page_is_not_a_master():
    with (
        serve_faults(lambda *_: [http(b"[]")]) as other,
        pytest.raises(OSError, match="not from a Spark master"),
    ):
        master_state(other.address)


def test_health_imports_only_the_standard_library():
    code = "import sys, neo_utils.cluster.health; print(*sys.modules)"
    modules = subprocess.run(  # noqa: S603 - our own Python and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pyspark", "pyarrow", "pandas", "yaml", "requests"} & set(modules)
