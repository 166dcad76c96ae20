"""The archive of Spark's classes: used where it is there, never needed, never wrong."""

import fcntl
import subprocess
import sys

import pytest

from neo_utils import warm_start
from neo_utils.spark.class_archive import archive_option, archive_path
from neo_utils.spark.java import java_home
from tests.driver import run_python

SESSION = """
spark = connect("local[1]", {}, LOG)
java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
maps = Path(f"/proc/{java}/maps").read_text().splitlines()
print(*{line.split()[-1] for line in maps if ".jsa" in line}, sep="\\n")
assert spark.range(3).count() == 3
"""
QUERY = "spark.range(3).groupBy('id').count().orderBy('id')"
BROKEN = """
from neo_utils.spark import class_archive
from neo_utils.spark.java import java_home
good = class_archive.archive_path(java_home()).read_bytes()
class_archive._FOLDER = Path.cwd()
class_archive.archive_path(java_home()).write_bytes(damaged(good))
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells what a process has mapped")


@pytest.fixture(scope="module")
def archive():
    subprocess.run([sys.executable, "-m", "neo_utils.warm_start"], check=True)
    return archive_path(java_home())


@linux
def test_a_session_maps_the_archive_that_was_made(archive, tmp_path):
    ran = run_python(SESSION, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert str(archive) in ran.stdout.splitlines()


@linux
def test_a_folder_of_any_name_will_do(archive, tmp_path):
    folder = tmp_path / "my 'old' projects"
    folder.mkdir()
    (folder / archive.name).symlink_to(archive)
    moved = f"""
from neo_utils.spark import class_archive
class_archive._FOLDER = Path({str(folder)!r})
"""
    ran = run_python(moved + SESSION, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert str(archive) in ran.stdout.splitlines()


@linux
def test_a_profiler_may_look_on(archive, tmp_path):
    assert archive.exists()
    conf = {"spark.driver.extraJavaOptions": "-XX:StartFlightRecording"}
    session = SESSION.replace("{}", repr(conf), 1).replace("spark.range(3)", QUERY)
    ran = run_python(session, tmp_path)
    assert ran.returncode == 0, ran.stderr


@linux
@pytest.mark.parametrize(
    "damaged",
    ["lambda good: good[:1_000_000]", "lambda good: good[:64] + b'?' * 64 + good[128:]"],
    ids=["cut short", "another Java's"],
)
def test_an_archive_that_is_of_no_use_is_left_aside(archive, tmp_path, damaged):
    assert archive.exists()
    ran = run_python(f"damaged = {damaged}\n{BROKEN}{SESSION}", tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert str(tmp_path) not in ran.stdout


def test_another_java_has_another_archive(tmp_path):
    (tmp_path / "release").write_text('JAVA_VERSION="99"')
    ours, theirs = archive_path(java_home()), archive_path(tmp_path)
    assert ours != theirs
    assert archive_option(tmp_path) == ""
    (tmp_path / "release").write_text('JAVA_VERSION="100"')
    assert archive_path(tmp_path) != theirs


def test_of_two_that_would_make_it_the_second_leaves_it_to_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(warm_start, "_note_classes", lambda *_: pytest.fail("it began, too"))
    with (tmp_path / "spark.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        warm_start.make(tmp_path / "spark.jsa")
    assert not (tmp_path / "spark.jsa").exists()
