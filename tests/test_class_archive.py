"""The class archive is used if it exists, is never required, and is ignored if unusable."""

import fcntl
import os
import shutil
import subprocess
import sys

import pytest

from neo_utils.engines import class_archive
from neo_utils.engines.class_archive import archive_option, archive_path, failure_marker
from neo_utils.engines.java import java_home
from neo_utils.run import warm_start
from tests.driver import run_python

SESSION = """
spark = connect("local[1]", {}, LOG)
java = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
maps = Path(f"/proc/{java}/maps").read_text().splitlines()
print(*{line.split()[-1] for line in maps if ".jsa" in line}, sep="\\n")
assert spark.range(3).count() == 3
"""
QUERY = "spark.range(3).groupBy('id').count().orderBy('id')"
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/PID/maps")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Return a copy of this environment's archive; create one if there is none."""
    folder = tmp_path_factory.mktemp("archive")
    existing = archive_path(java_home())
    archive = folder / existing.name
    if existing.exists():
        shutil.copyfile(existing, archive)
    else:
        ran = run_python(
            f"from neo_utils.run import warm_start; warm_start.make(Path({str(archive)!r}))", folder
        )
        assert ran.returncode == 0, ran.stderr
    return archive


def maps_of_session(tmp_path, folder, session=SESSION):
    """Start a session with its archives in a folder; return the archives that it maps."""
    look_there = f"class_archive._FOLDER = Path({str(folder)!r})"
    code = f"from neo_utils.engines import class_archive\n{look_there}\n{session}"
    ran = run_python(code, tmp_path)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.slow
@linux
def test_session_maps_the_archive_whatever_the_folder_name(archive, tmp_path):
    folder = tmp_path / "my 'old' projects"
    folder.mkdir()
    (folder / archive.name).symlink_to(archive)
    assert str(archive) in maps_of_session(tmp_path, folder)


@pytest.mark.slow
@linux
def test_archive_works_with_a_profiler(archive, tmp_path):
    conf = {"spark.driver.extraJavaOptions": "-XX:StartFlightRecording"}
    session = SESSION.replace("{}", repr(conf), 1).replace("spark.range(3)", QUERY)
    maps_of_session(tmp_path, archive.parent, session)


@pytest.mark.slow
@linux
@pytest.mark.parametrize(
    "damaged",
    [lambda good: good[:1_000_000], lambda good: good[:64] + b"?" * 64 + good[128:]],
    ids=["cut short", "another Java's"],
)
def test_ignores_an_unusable_archive(archive, tmp_path, damaged):
    (tmp_path / archive.name).write_bytes(damaged(archive.read_bytes()))
    assert str(tmp_path / archive.name) not in maps_of_session(tmp_path, tmp_path)


def test_each_java_has_its_own_archive(tmp_path):
    (tmp_path / "release").write_text('JAVA_VERSION="99"')
    ours, theirs = archive_path(java_home()), archive_path(tmp_path)
    assert ours != theirs
    assert archive_option(tmp_path) == ""
    (tmp_path / "release").write_text('JAVA_VERSION="100"')
    assert archive_path(tmp_path) != theirs


def test_second_process_does_not_create_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(
        warm_start, "_note_classes", lambda *_: pytest.fail("a second process began")
    )
    with (tmp_path / "spark.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        warm_start.make(tmp_path / "spark.jsa")
    assert not (tmp_path / "spark.jsa").exists()


@pytest.mark.parametrize(("loads", "expected"), [((2.0, 0.9, 0.1), True), ((2.0,) * 200, False)])
def test_waits_for_an_idle_machine_for_a_limited_time(monkeypatch, loads, expected):
    remaining, clock = iter(loads), [0.0]
    monkeypatch.setattr(warm_start.os, "getloadavg", lambda: (next(remaining), 9.0, 9.0))
    monkeypatch.setattr(warm_start.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(
        warm_start.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    )
    assert warm_start.await_idle() is expected
    assert clock[0] == 10 if expected else 600 <= clock[0] <= 610


def fail(*_):
    raise subprocess.CalledProcessError(1, "java", "insufficient memory\n")


def test_does_not_retry_after_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(class_archive, "_FOLDER", tmp_path)
    started = []
    monkeypatch.setattr(
        class_archive.subprocess, "Popen", lambda *given, **_: started.append(given)
    )
    class_archive.create_in_background()
    assert len(started) == 1
    monkeypatch.setattr(warm_start, "_note_classes", fail)
    archive = archive_path(java_home())
    with pytest.raises(subprocess.CalledProcessError):
        warm_start.make(archive)
    note = failure_marker(archive).read_text()
    assert "exit status 1" in note
    assert "insufficient memory" in note
    class_archive.create_in_background()
    assert len(started) == 1


def test_keeps_only_the_newest_old_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(warm_start, "_write", lambda archive, _: archive.write_bytes(b"new"))
    archive = tmp_path / "spark-4.3-java-2.jsa"
    failure_marker(archive).write_text("no room")
    for age, name in enumerate(("spark-4.3-java-1.jsa", "spark-4.2-java-1.jsa", "spark-4.1.jsa")):
        (tmp_path / name).write_bytes(b"old")
        os.utime(tmp_path / name, (9e8 - age, 9e8 - age))
    warm_start.make(archive)
    left = {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"}
    assert left == {archive.name, "spark-4.3-java-1.jsa"}
