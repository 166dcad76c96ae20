import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from neo_utils.errors import ClusterFailure, WrongParameter
from neo_utils.spark import processes
from neo_utils.spark.health import master_state
from neo_utils.spark.local_cluster import down
from neo_utils.spark.processes import end, runs, start
from neo_utils.spark.standalone import daemon
from tests.cluster import cluster_at
from tests.cluster import processes as all_processes


def started(tmp_path, code):
    process = start(tmp_path / "pid", [sys.executable, "-c", code], os.environ, tmp_path / "log")
    while not (tmp_path / "log").read_text():
        time.sleep(0.05)
    return process


def test_starting_it_twice_starts_nothing_twice(cluster):
    before = [cluster.process_of(name) for name in ("master", "worker-1", "worker-2")]
    said = cluster.up()
    assert said.startswith("0 processes started")
    assert cluster.environment["MASTER"] in said
    assert [cluster.process_of(name) for name in ("master", "worker-1", "worker-2")] == before


def test_it_listens_on_loopback_alone_and_takes_no_job_without_the_secret(cluster):
    # Spark's REST port, 6066 by default, runs what anybody sends.
    (told,) = [line for line in cluster.up().splitlines() if line.startswith("master")]
    assert "spark://127.0.0.1:" in told
    log = (cluster.folder / "logs/master.log").read_text()
    assert "Bound MasterWebUI to 127.0.0.1" in log
    assert "REST server" not in log


@pytest.mark.parametrize("name", ["SPARK_MASTER_PORT", "SPARK_MASTER_WEBUI_PORT"])
def test_a_port_that_is_taken_is_named_and_nothing_is_started(tmp_path, name):
    ours = cluster_at(tmp_path)
    port = int(ours.environment[name])
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ClusterFailure, match=f"port {port} .* is taken.*{name}="),
    ):
        ours.up()
    assert list(tmp_path.glob("*.pid")) == []


def test_a_daemon_that_ends_is_named_with_its_log_and_the_others_are_ended(tmp_path):
    ours = cluster_at(tmp_path)
    ours.environment["SPARK_WORKER_CORES"] = "none"
    with pytest.raises(ClusterFailure, match=r"worker-\d of .* ended with status 1: .*\.log tells"):
        ours.up()
    assert not runs(tmp_path / "master.pid")


def test_a_process_that_has_the_number_of_an_ended_one_is_left_alone(tmp_path):
    stranger = subprocess.Popen(["sleep", "60"])  # noqa: S607
    (tmp_path / "master.pid").write_text(str(stranger.pid))
    assert down(tmp_path) == "no local cluster runs"
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_process_is_ended_with_its_children(tmp_path):
    process = started(
        tmp_path,
        "import subprocess; child = subprocess.Popen(['sleep', '60']);"
        "print(child.pid, flush=True); child.wait()",
    )
    child = int((tmp_path / "log").read_text())
    assert runs(tmp_path / "pid")
    end(tmp_path / "pid")
    assert not runs(tmp_path / "pid")
    assert process.wait(5) == -signal.SIGTERM
    # Nobody may have asked yet how it ended: its number is then taken, its command gone.
    assert [p for p in all_processes() if p.number == child and p.command == "sleep 60"] == []


def test_a_process_that_does_not_want_to_end_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_STOP_SECONDS", 0.5)
    process = started(
        tmp_path,
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); time.sleep(60)",
    )
    end(tmp_path / "pid")
    assert process.wait(5) == -signal.SIGKILL


def test_a_daemon_in_a_container_ends_by_the_signal_that_its_container_gets(tmp_path):
    ours = cluster_at(tmp_path)
    port = ours.environment["SPARK_MASTER_WEBUI_PORT"]
    options = f"-Dspark.history.fs.logDirectory={tmp_path.as_uri()} -Dspark.history.ui.port={port}"
    server = subprocess.Popen(
        [sys.executable, "-m", "neo_utils.spark.standalone", "history-server"],
        env={**os.environ, "SPARK_HISTORY_OPTS": options, "SPARK_LOCAL_IP": "127.0.0.1"},
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
        assert server.wait(10) == 128 + signal.SIGTERM  # as Java ends by it
    finally:
        server.kill()
        server.wait()


def test_a_daemon_without_a_secret_or_a_worker_without_a_master_is_not_started(tmp_path):
    with pytest.raises(WrongParameter, match="CLUSTER_SECRET_FILE is not set"):
        daemon("master", {}, tmp_path)
    with pytest.raises(WrongParameter, match="no Spark master"):
        daemon("worker", {"CLUSTER_SECRET_FILE": str(tmp_path / "secret")}, tmp_path)


def test_a_daemon_is_told_neither_the_key_nor_the_secret(tmp_path):
    file = tmp_path / "secret"
    environment = {"CLUSTER_SECRET_FILE": str(file), "API_KEY": "canary", "SPARK_WORKER_CORES": "1"}
    command, given = daemon("master", environment, tmp_path)
    told = " ".join([*command, *given, *given.values()])
    assert "canary" not in told
    assert file.read_text() not in told
    assert given["SPARK_WORKER_CORES"] == "1"


def health(*arguments):
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "neo_utils.spark.health", *arguments], capture_output=True, text=True
    )


def test_health_counts_the_workers_that_are_alive(cluster):
    enough = health("--ui", cluster.ui, "--workers", "2")
    assert (enough.returncode, enough.stderr) == (0, "")
    assert "2 ALIVE: 2 of 2 cores free, 1,024 of 1,024 MB free" in enough.stdout
    assert "applications  0 running" in enough.stdout
    assert health("--ui", cluster.ui, "--workers", "3").returncode == 1


def test_health_says_in_one_line_that_no_master_is_there(tmp_path):
    nobody = health("--ui", cluster_at(tmp_path).ui)
    assert nobody.returncode == 1
    assert nobody.stdout == ""
    assert len(nobody.stderr.splitlines()) == 1


def test_another_web_page_is_no_master():
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(OSError, match="no master"):
            master_state(f"127.0.0.1:{server.server_port}")
        server.shutdown()


def test_health_is_light():
    code = "import sys, neo_utils.spark.health; print(*sys.modules)"
    modules = subprocess.run(  # noqa: S603 - our own Python and code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pyspark", "pyarrow", "pandas", "yaml", "requests"} & set(modules)
