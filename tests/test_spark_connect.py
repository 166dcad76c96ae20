"""A Spark Connect server runs the same SQL, and its failures are one line."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections import namedtuple
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pyarrow.parquet as pq
import pytest

from neo_utils.answers.views import sql
from neo_utils.engines import spark_connect
from neo_utils.engines.engine import (
    connect,
    describe_engine,
    describe_tasks,
    engine_of,
    one_line_failures,
)
from neo_utils.engines.java import SPARK_HOME, java_home
from neo_utils.errors import JobFailed, SparkUnavailable, StoredDataChanged
from neo_utils.interface import select
from neo_utils.positions import PositionRange
from neo_utils.run.runner import run
from neo_utils.sample.catalogue import AS_OF, page_body
from neo_utils.settings.run_settings import parse_settings
from neo_utils.statistics.computation import read_batches, statistic
from neo_utils.statistics.definitions import sql_text
from neo_utils.statistics.results import read_result
from neo_utils.statistics.saving import compute
from neo_utils.store.result_files import ResultFiles
from tests.driver import await_result
from tests.oracle import metrics_of, yearly_of
from tests.test_sql import VIEWS

pytestmark = pytest.mark.slow

END = 60
PAGES = [page_body(number, 20, "k") for number in range(END // 20)]
Server = namedtuple("Server", "address process")


def is_listening(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def start_server(tmp_path_factory):
    """Return a function that starts a server of the installed PySpark."""
    started = []

    def start():
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        conf = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": port,
            "spark.ui.enabled": "false",
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        }
        folder = tmp_path_factory.mktemp("connect")
        command = [SPARK_HOME / "bin/spark-submit", "--master", "local[2]"]
        command += [f"--conf={name}={value}" for name, value in conf.items()]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        environment = os.environ | {"SPARK_HOME": SPARK_HOME, "JAVA_HOME": java_home()}
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(  # noqa: S603 - the installed PySpark's script
                [*command, "spark-internal"],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        await_result(lambda: is_listening(port), 60)
        return Server(f"sc://127.0.0.1:{port}", process)

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def server(start_server):
    return start_server()


@pytest.fixture
def session(server):
    return connect(server.address, {"spark.sql.shuffle.partitions": 2})


def rows(frame):
    return [tuple(row) for row in frame.collect()]


def test_counts_equal_plain_python(session, pristine):
    selection = select(1, END, "sample", str(pristine))
    counts = compute(session, selection, 0.2)["metrics"]
    assert dict(counts.to_numpy()) == metrics_of(PAGES, "0.2")
    newest, approaches = read_batches(session, selection)
    yearly = rows(statistic("yearly_statistics", newest, approaches, 0.2))
    assert yearly == yearly_of(PAGES, "0.2", f"{AS_OF:%Y-%m-%d}")


def test_views_for_sql_have_the_same_rows_as_on_duckdb(session, pristine):
    selection = select(1, END, "sample", str(pristine))
    for view in VIEWS:
        query = f"SELECT count(*), min(neo_id) FROM {view}"  # noqa: S608 - our own names
        query = query.replace("neo_id", "nearest_neo_id") if view == "yearly" else query
        by_server, by_duckdb = (rows(sql(query, selection, one)) for one in (session, None))
        assert by_server == by_duckdb


def test_notebooks_run_on_the_server(server, tmp_path):
    given = {"end": END, "source": "sample", "output_dir": str(tmp_path), "master": server.address}
    run("run", ["fetch", "aggregate"], parse_settings(given))
    counts = read_result("metrics", ResultFiles(tmp_path, PositionRange(1, END), 0.2))
    assert dict(zip(*counts.to_pydict().values(), strict=True)) == metrics_of(PAGES, "0.2")
    report = (tmp_path / f"runs/batches-1-{END}/report.html").read_text()
    assert "on the Spark Connect server 127.0.0.1" in report


def test_describes_the_server(session):
    described = describe_engine(session)
    assert described == f"Spark {session.version} on the Spark Connect server 127.0.0.1"
    assert describe_tasks(session) == "all tasks ran on the Spark Connect server"
    assert session.conf.get("spark.sql.session.timeZone") == "UTC"
    assert session.conf.get("spark.sql.shuffle.partitions") == "2"


def test_address_may_have_parameters(server):
    there = connect(f"{server.address}/;user_id=ada;x-cluster-id=1")
    assert there.client._user_id == "ada"
    assert rows(there.sql("SELECT 6 * 7")) == [(42,)]


def test_segments_may_have_another_address_on_the_server(server, output):
    selection = select(1, END, "sample", str(output))
    read_batches(connect(server.address), selection)  # builds them
    elsewhere = output.rename(output.with_name("on the server")) / "segments"
    there = connect(server.address, {"spark.neo.segments": f"file://{elsewhere}"})
    elsewhere.parent.rename(output)
    elsewhere.parent.symlink_to(output)
    newest, approaches = read_batches(there, selection)
    assert dict(rows(statistic("metrics", newest, approaches, 0.2))) == metrics_of(PAGES, "0.2")


def test_outdated_copy_of_the_segments_is_reported_in_one_line(server, output, tmp_path):
    read_batches(connect(server.address), select(1, END, "sample", str(output)))  # builds them
    shutil.copytree(output / "segments", tmp_path / "copy")
    for path in (tmp_path / "copy").glob("*/*.parquet"):
        table = pq.ParquetFile(path).read()
        pq.write_table(table.slice(0, table.num_rows - 1), path)
    there = connect(server.address, {"spark.neo.segments": f"file://{tmp_path / 'copy'}"})
    with pytest.raises(StoredDataChanged, match="stored_neos that Spark reads are not") as error:
        read_batches(there, select(1, END, "sample", str(output)))
    assert len(str(error.value).splitlines()) == 1


def test_segments_that_the_server_does_not_see_are_named_in_one_line(server, pristine, tmp_path):
    there = connect(server.address, {"spark.neo.segments": tmp_path.as_uri()})
    with pytest.raises(JobFailed, match=r"neos/positions=1-2000\.parquet.*Stored data is") as error:
        read_batches(there, select(1, END, "sample", str(pristine)))
    assert len(str(error.value).splitlines()) == 1


def test_value_that_the_server_refuses_is_named_in_one_line(server):
    name = "spark.sql.shuffle.partitions"
    with pytest.raises(SparkUnavailable, match=f"does not accept this value of {name}") as error:
        connect(server.address, {name: "many"})
    assert len(str(error.value).splitlines()) == 1


def test_settings_of_the_servers_start_are_named_as_ignored(server):
    there = connect(server.address, {"spark.driver.memory": "3g"})
    ignored = "; ignored, because only its start can set them: spark.driver.memory"
    assert describe_engine(there).endswith(ignored)


def test_missing_server_is_reported_in_one_line():
    for address in ("sc://127.0.0.1:1", "sc://no-such-host.invalid:15002"):
        with pytest.raises(SparkUnavailable, match=f"no server is listening at {address}"):
            connect(address)


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_another_kind_of_server_is_reported_in_one_line(monkeypatch):
    monkeypatch.setattr(spark_connect, "_FIRST_ATTEMPTS", 1)
    with HTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        with pytest.raises(SparkUnavailable, match="does not answer as a Spark Connect") as error:
            connect(f"sc://127.0.0.1:{other.server_port}")
        other.shutdown()
    assert len(str(error.value).splitlines()) == 1


def test_server_that_ends_during_a_job_is_reported_in_one_line(start_server, pristine, monkeypatch):
    monkeypatch.setattr(spark_connect, "_ATTEMPTS", 1)
    server = start_server()
    selection = select(1, END, "sample", str(pristine))
    session = connect(server.address)
    read_batches(session, selection)
    os.killpg(server.process.pid, signal.SIGKILL)
    with (
        pytest.raises(JobFailed, match="Spark job failed: .*Stored data is") as error,
        one_line_failures(),
    ):
        engine_of(session).tables_of(dict.fromkeys("abcd", sql_text("metrics")))
    assert len(str(error.value).splitlines()) == 1
