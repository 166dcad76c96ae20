import shutil
import socket
import time
from contextlib import suppress

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.engines.engine import engine_of, one_line_failures
from neo_utils.engines.spark import SparkEngine
from neo_utils.engines.spark_session import connect
from neo_utils.errors import JobFailed, SparkUnavailable
from tests.driver import await_result, run_python


def await_end(process: int, seconds: float) -> None:
    with suppress(psutil.NoSuchProcess):
        psutil.Process(process).wait(seconds)


def test_session_time_zone_is_utc(spark):
    assert spark.sql("SELECT cast(timestamp_seconds(0) AS string)").first()[0] == (
        "1970-01-01 00:00:00"
    )


def test_same_settings_reuse_the_running_session(spark, tmp_path):
    again = connect("local[2]", {}, tmp_path / "spark.log")
    assert again.sparkContext.applicationId == spark.sparkContext.applicationId


@pytest.mark.parametrize("name", ["spark.a.password", "spark.hadoop.fs.azure.account.key.x"])
def test_logs_settings_but_masks_secrets(spark, tmp_path, caplog, name):
    spark.sparkContext._jsc.sc().conf().set(name, "hush")
    with caplog.at_level("DEBUG"):
        connect("local[2]", {}, tmp_path / "spark.log")
    assert f"{name} = ***" in caplog.messages
    assert "spark.sql.session.timeZone = UTC" in caplog.messages
    assert "hush" not in caplog.text


PAUSE = "coalesce(reflect('java.lang.Thread', 'sleep', 100L), '') <> 'never'"
SLOW = f"SELECT count(*) FROM range(100) WHERE {PAUSE}"  # noqa: S608 - fixed text


def test_a_failed_query_ends_those_that_run_at_the_same_time(spark, monkeypatch):
    tracker = spark.sparkContext.statusTracker()
    earlier = set(tracker.getJobIdsForGroup())
    table_of = SparkEngine._table_of

    def delayed(engine, query):
        if query != SLOW:
            await_result(lambda: len(tracker.getActiveJobsIds()) == 2)
        return table_of(engine, query)

    monkeypatch.setattr(SparkEngine, "_table_of", delayed)
    with pytest.raises(JobFailed, match="no_such_column"), one_line_failures():
        engine_of(spark).tables_of(
            {"slow": SLOW, "slower": SLOW, "failing": "SELECT no_such_column", "last": SLOW}
        )
    started = [tracker.getJobInfo(job) for job in set(tracker.getJobIdsForGroup()) - earlier]
    assert len(started) >= 2  # the last query may have started, too
    assert {job.status for job in started} == {"FAILED"}


@pytest.mark.slow
def test_ctrl_c_ends_all_queries_that_run_at_the_same_time(tmp_path):
    code = f"""
    import signal, threading
    from neo_utils.engines.engine import engine_of
    from neo_utils.engines.spark_session import connect_in_background
    from tests.driver import await_result
    # As a run does; then PySpark itself handles no Ctrl-C.
    connect_in_background("local[2]", {{}}, LOG)
    spark = connect("local[2]", {{}}, LOG)
    tracker = spark.sparkContext.statusTracker()
    def interrupt():
        await_result(lambda: len(tracker.getActiveJobsIds()) == 3)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        engine_of(spark).tables_of(dict.fromkeys("abcd", {SLOW!r}))
    except KeyboardInterrupt:
        print([tracker.getJobInfo(job).status for job in tracker.getJobIdsForGroup()])
    """
    done = run_python(code, tmp_path)
    assert done.stdout == "['FAILED', 'FAILED', 'FAILED']\n", done.stderr


def test_unreachable_master_fails_fast_with_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(SparkUnavailable) as failure:
        connect(f"spark://127.0.0.1:{port}", {}, tmp_path / "spark.log")
    assert time.monotonic() - started < 10
    assert f"spark://127.0.0.1:{port}" in str(failure.value)
    assert len(str(failure.value).splitlines()) == 1


def test_java_start_failure_names_the_log_in_one_line(tmp_path):
    ran = run_python(
        """
        try:
            connect("local[1]", {"spark.driver.memory": "much"}, LOG)
        except SparkUnavailable as error:
            print(error)
        """,
        tmp_path,
    )
    assert ran.stderr == ""
    assert len(ran.stdout.splitlines()) == 1
    assert "runs/spark.log" in ran.stdout
    assert (tmp_path / "runs" / "spark.log").stat().st_size > 0


def test_kills_a_java_that_hangs(tmp_path):
    java = tmp_path / "home" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho $$ > started\nexec sleep 600\n")
    java.chmod(0o755)
    (tmp_path / "home" / "release").write_text('JAVA_VERSION="17.0.1"\n')
    ran = run_python(
        """
        import neo_utils.engines.spark_session
        neo_utils.engines.spark_session.START_SECONDS = 2.0
        try:
            connect("local[1]", {}, LOG)
        except SparkUnavailable as error:
            print(error)
        """,
        tmp_path,
        JAVA_HOME=str(tmp_path / "home"),
    )
    assert "no response in 2 s" in ran.stdout
    await_end(int((tmp_path / "started").read_text()), seconds=5)


@pytest.mark.slow
def test_bundled_java_reads_parquet_and_prints_nothing(tmp_path):
    pq.write_table(pa.table({"speed_km_s": [7.5, None, 20.25]}), tmp_path / "approaches.parquet")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "sh", "env", "dirname", "ps"):
        if found := shutil.which(name, path="/usr/bin:/bin"):
            (programs / name).symlink_to(found)
    ran = run_python(
        """
        spark = connect("local[1]", {}, LOG)
        version = spark.sparkContext._jvm.java.lang.System.getProperty("java.specification.version")
        rows = spark.read.parquet("approaches.parquet").where("speed_km_s > 1").count()
        Path("result").write_text(f"Java {version}: {rows} rows")
        """,
        tmp_path,
        JAVA_HOME=str(tmp_path / "nothing"),
        PATH=str(programs),
        SPARK_HOME=str(tmp_path / "another-spark"),
        PYSPARK_DRIVER_PYTHON="jupyter",
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (tmp_path / "result").read_text() == "Java 25: 2 rows"
    # No files remain in the working directory.
    assert {path.name for path in tmp_path.iterdir()} == {
        *("approaches.parquet", "programs", "result", "runs")
    }


@pytest.mark.slow
def test_replaces_a_stopped_lost_or_different_session(tmp_path):
    ran = run_python(
        """
        def open_files():
            return len(os.listdir("/dev/fd"))

        spark = connect("local[1]", {"spark.a.secret": "hush"}, LOG)
        java = spark.sparkContext._gateway.proc
        assert not any("hush" in part for part in java.args), "a secret on the command line"
        assert spark.sparkContext.getConf().get("spark.a.secret") == "hush"
        assert spark.range(10).count() == 10
        spark.stop()
        spark = connect("local[1]", {}, LOG)
        assert java.poll() is not None, "the first Java is left"
        assert spark.range(10).count() == 10
        files = open_files()
        spark.sparkContext._gateway.proc.kill()
        spark.sparkContext._gateway.proc.wait()
        spark = connect("local[2]", {"spark.sql.shuffle.partitions": "3"}, LOG)
        assert spark.sparkContext.master == "local[2]"
        assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
        assert spark.range(10).count() == 10
        print(open_files() - files, spark.sparkContext._gateway.proc.pid)
        """,
        tmp_path,
    )
    assert ran.stderr == ""
    more_files, java = map(int, ran.stdout.split())
    assert more_files <= 0
    await_end(java, seconds=1)  # when Python ended


@pytest.mark.slow
def test_java_ends_when_python_is_killed(tmp_path):
    ran = run_python(
        """
        import signal
        print(connect("local[1]", {}, LOG).sparkContext._gateway.proc.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert ran.returncode == -9
    await_end(int(ran.stdout), seconds=20)


def test_connect_reports_a_failure_of_the_background_start(tmp_path):
    ran = run_python(
        """
        from neo_utils.engines.spark_session import connect_in_background
        conf = {"spark.driver.memory": "1k"}
        connect_in_background("local[1]", conf, LOG)
        try:
            connect("local[1]", conf, LOG)
        except SparkUnavailable as failure:
            print(failure)
        """,
        tmp_path,
    )
    assert ran.stdout.startswith("Spark did not start on local[1]")
    assert ran.stderr == ""
