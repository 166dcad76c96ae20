"""Constrained machines: few open files, a full or noexec TMPDIR, a user without name or home."""

import os
import sys

import pytest

from neo_utils.engines import jvm, spark_failures
from neo_utils.engines.spark_failures import diagnose_machine
from neo_utils.settings.folders import PROJECT
from tests.clones import run
from tests.driver import run_python


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("java.io.IOException: No space left on device", "set TMPDIR"),
        ("java.io.IOException: Disk quota exceeded", "set TMPDIR"),
        ("java.net.SocketException: Too many open files", "ulimit -n"),
        ("the master did not accept the application", None),
    ],
)
def test_diagnoses_the_cause_from_java_output(output, remedy):
    cause = diagnose_machine(output)
    assert (cause is None) == (remedy is None)
    assert remedy is None or (remedy in cause and "\n" not in cause)


@pytest.mark.parametrize("forbidden", [True, False])
def test_reports_a_noexec_temporary_folder_only_if_it_is_one(tmp_path, monkeypatch, forbidden):
    status = os.statvfs(tmp_path)
    flags = [*status]
    flags[8] = os.ST_NOEXEC if forbidden else 0
    monkeypatch.setattr(spark_failures.os, "statvfs", lambda _: os.statvfs_result(flags))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cause = diagnose_machine("java.lang.UnsatisfiedLinkError: libzstd-jni.so") or ""
    assert (f"{tmp_path} does not allow running programs" in cause) == forbidden


def test_too_few_open_files_gives_one_line_with_the_limit(tmp_path):
    code = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        connect("local[1]", {}, LOG)
    except SparkUnavailable as failure:
        print(failure)
    """
    ran = run_python(code, tmp_path)
    assert ran.stdout.startswith("Spark did not start: only 64 open files are allowed. Raise the")
    assert len(ran.stdout.splitlines()) == 1


def test_java_gets_a_fallback_user_name_and_home(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a folder"))
    named = jvm._machine_options()
    monkeypatch.setattr(jvm.os, "getuid", lambda: 4_000_000_000)
    assert [*named, "-Duser.name=neo", *jvm._machine_options()[-1:]] == jvm._machine_options()
    assert jvm._machine_options()[-1] == f"-Duser.home={tmp_path}/a\\ folder"


@pytest.mark.parametrize("home", [None, pytest.param("/proc/none", marks=pytest.mark.slow)])
def test_runs_without_a_writable_home(tmp_path, monkeypatch, home):
    monkeypatch.delenv("HOME")
    ours = {"END": "20", "SOURCE": "sample", "MASTER": "duckdb", "OUTPUT_DIR": str(tmp_path)}
    ours |= {"HOME": home} if home else {}
    ran = run(PROJECT, sys.executable, "-I", "-m", "neo_utils", "run", **ours)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "runs/batches-1-20/report.html").exists()
