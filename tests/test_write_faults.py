"""A failing disk, Ctrl-C and two concurrent runs give one line each; stored data is kept."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import psutil
import pyarrow.parquet as pq
import pytest

from neo_utils.errors import OutputUnwritable, RunFailure
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.sample import service
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from tests.files import files_in

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
SETTINGS = ("START", "END", "SOURCE", "API_KEY", "API_URL", "OUTPUT_DIR", "LOG_LEVEL", "WAIT")


def tree_of(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_in(folder)
        if path.name != ".run-lock"
    }


def stored_in(output):
    """Return the names of the stored batches: those with a file under ``raw``, by the design."""
    return {path.parent.name for path in output.glob("raw/*/[!.]*")}


def batches_in(tree):
    return {name.split("/")[1] for name in tree if re.fullmatch(r"raw/[^/]+/[^./][^/]*", name)}


def fetch_range(output, end=200):
    fetch(plan_fetch(1, end, "sample", output_dir=str(output)))


def files_of(batch, tree):
    found = {name: content for name, content in tree.items() if f"/{batch}/" in name}
    return {name: content for name, content in found.items() if "/." not in name}


# --- a failing disk -------------------------------------------------------------------------------


def outcome(output, end, remount):
    """Fetch after a remount; return the error message, if any, and the files that are left."""
    if remount:
        subprocess.run(["mount", "-o", f"remount,{remount}", output], check=True)  # noqa: S603, S607
    try:
        fetch_range(output, end)
    except OutputUnwritable as failure:
        return str(failure), tree_of(output)
    return None, tree_of(output)


def outcomes_on_own_disk(output, size, *steps):
    """Return the outcomes in a process that alone sees a small file system at ``output``."""
    mount = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", size, str(output)]
    if subprocess.run([*own, "true"], capture_output=True).returncode:  # noqa: S603
        pytest.skip("tests cannot mount a file system on this machine (unshare, mount)")
    code = (
        "import json, pathlib, sys; from tests.test_write_faults import outcome;"
        "path, steps = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]);"
        "print(json.dumps([outcome(path, *step) for step in steps]))"
    )
    command = [sys.executable, "-c", code, str(output), json.dumps(steps)]
    ran = subprocess.run([*own, *command], cwd=PROJECT, capture_output=True, text=True)  # noqa: S603
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    output = tmp_path_factory.mktemp("whole")
    fetch_range(output)
    return tree_of(output)


def test_full_disk_keeps_stored_batches_and_fetch_resumes_once_there_is_space(tmp_path, whole):
    steps = [(200, ""), (200, ""), (200, "size=40m")]
    full, still_full, with_room = outcomes_on_own_disk(tmp_path, "640k", *steps)
    before = 0
    for message, left in (full, still_full):
        assert "\n" not in message
        assert f"{tmp_path} cannot be written (No space left on device)" in message
        stored = batches_in(left)
        assert f"Stored before that: {len(stored) - before} of {10 - before} pages" in message
        before = len(stored)
        # Stored batches are complete: the same bytes as with enough space.
        for batch in stored:
            assert files_of(batch, left) == files_of(batch, whole)
    assert 0 < len(batches_in(full[1])) < 10
    assert with_room == [None, whole]


def test_read_only_disk_keeps_stored_batches_and_fetch_resumes_once_it_is_writable(tmp_path, whole):
    steps = [(40, ""), (200, "ro"), (200, "rw")]
    before, read_only, after = outcomes_on_own_disk(tmp_path, "9m", *steps)
    message, left = read_only
    assert message.startswith(f"{tmp_path} cannot be written (Read-only file system). Stored data")
    assert "\n" not in message
    assert left == before[1]
    assert len(batches_in(left)) == 2
    assert after == [None, whole]


def test_leftover_that_cannot_be_removed_is_an_error(tmp_path, monkeypatch, whole):
    leftover = tmp_path / "raw/batch-number=1-20/.neo_partition_1-20.parquet.tmp"
    leftover.parent.mkdir(parents=True)
    leftover.touch()

    def failing(*_args, **_kwargs):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing)
        with pytest.raises(OutputUnwritable) as failure:
            fetch_range(tmp_path)
    expected = f"{tmp_path} cannot be written (Input/output error). Stored data is kept"
    assert str(failure.value).startswith(expected)
    assert stored_in(tmp_path) == set()
    fetch_range(tmp_path)
    assert tree_of(tmp_path) == whole


# --- the command ----------------------------------------------------------------------------------


def start(command, output, **settings):
    """Start a command as a shell does: as the leader of its own process group."""
    inherited = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "neo_utils", command],
        cwd=PROJECT,
        env=inherited | {"OUTPUT_DIR": str(output)} | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A background job of a shell ignores Ctrl-C, and processes that it starts inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(command, output, status=0, **settings):
    """Run a command, check its exit status, and return what it prints to stderr."""
    process = start(command, output, **settings)
    _, err = process.communicate()
    assert process.returncode == status, err
    return err


def wait_until(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def interrupt(process, command, started):
    """Send Ctrl-C to a command; check its message, and that the processes it started end."""
    assert started
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    message = "interrupted. Stored data is kept. Run the same command again to resume"
    assert err.strip() == f"{command}: {message}"
    assert "Traceback" not in out
    assert not psutil.wait_procs(started, timeout=15)[1]


@pytest.mark.slow
def test_interrupted_fetch_prints_one_line_and_resumes(tmp_path):
    settings = {"SOURCE": "sample", "START": "1", "END": "2000"}
    process = start("fetch", tmp_path, **settings)
    wait_until(lambda: len(stored_in(tmp_path)) >= 10)
    interrupt(process, "fetch", psutil.Process(process.pid).children())

    stored = stored_in(tmp_path)
    assert 10 <= len(stored) < 100
    written = {}
    for batch in stored:
        paths = [path for path in tmp_path.glob(f"*/{batch}/[!.]*") if path.is_file()]
        assert len(paths) == 4
        tables = [pq.read_table(p, partitioning=None) for p in paths if p.suffix == ".parquet"]
        assert len({table.schema.metadata[b"page_sha256"] for table in tables}) == 1
        written |= {path: path.stat().st_mtime_ns for path in paths}

    run("fetch", tmp_path, **settings)
    assert len(stored_in(tmp_path)) == 100
    assert {path.name for path in tmp_path.rglob(".*")} == {".lock", ".run-lock", ".segments-lock"}
    assert {path: path.stat().st_mtime_ns for path in written} == written


@pytest.mark.slow
def test_interrupted_aggregate_prints_one_line_and_stops_java(tmp_path):
    settings = {"SOURCE": "sample", "START": "1", "END": "40"}
    run("fetch", tmp_path, **settings)
    segments = tmp_path / "segments"
    shutil.rmtree(segments)
    process = start("aggregate", tmp_path, **settings)
    # Spark reads these files: once they exist again, Python waits for Java.
    wait_until(lambda: len([*segments.glob("*/*.parquet")]) == 2)
    kernels = psutil.Process(process.pid).children()
    javas = [java for kernel in kernels for java in kernel.children()]
    assert javas
    interrupt(process, "aggregate", [*kernels, *javas])


HOLDER = """
import sys
import neo_utils as neo
neo.fetch_neos(neo.plan_fetch(1, 80, "nasa", sys.argv[1], sys.argv[2]))
"""


class Held:
    """A service that answers the first two pages at once, others only to a second request."""

    def __init__(self):
        self.asked, self.let_go = Counter(), threading.Event()

    def __call__(self, url, headers):
        page = int(url.partition("page=")[2].partition("&")[0])
        self.asked[page] += 1
        if page >= 2 and self.asked[page] == 1:
            self.let_go.wait()
        return service.answer(url, headers)


@pytest.mark.slow
def test_second_run_names_the_first_and_resumes_once_that_is_killed(tmp_path):
    held = Held()
    with service.serve(answer=held) as url:
        settings = {"API_KEY": KEY, "SOURCE": "nasa", "API_URL": url, "START": "1", "END": "80"}
        holder = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", HOLDER, url, tmp_path],
            cwd=PROJECT,
            env=os.environ | {"API_KEY": KEY},
        )
        try:
            wait_until(lambda: len(stored_in(tmp_path)) == 2 and len(held.asked) == 4)
            before, asked = tree_of(tmp_path), held.asked.copy()

            err = run("fetch", tmp_path, status=1, **settings)
            assert f"{tmp_path} is in use by another run (process {holder.pid})" in err
            assert "Traceback" not in err
            assert tree_of(tmp_path) == before
            assert held.asked == asked
        finally:
            holder.kill()  # by SIGKILL: it cannot clean up
            holder.wait()
            held.let_go.set()

        run("fetch", tmp_path, **settings)
    assert held.asked == {0: 1, 1: 1, 2: 2, 3: 2}
    assert len(stored_in(tmp_path)) == 4
    assert (tmp_path / ".lock").read_bytes() == b""


@pytest.mark.parametrize(
    "half",
    [b"", b'{"cells": [', '{"cells": ["\u2026'.encode()[:-1], b'{"metadata": {"papermill": 5}}'],
    ids=["nothing", "half", "half a character", "another program's"],
)
def test_incomplete_executed_notebook_of_a_killed_run_is_executed_again(
    tmp_path, monkeypatch, half
):
    from neo_utils.run import runner  # slow to import, and most tests do not need it

    fetch_range(tmp_path, 40)
    executed = tmp_path / "runs/batches-1-40/aggregate.ipynb"
    executed.parent.mkdir(parents=True)
    executed.write_bytes(half)

    def execute(*_args, **_kwargs):
        raise RunFailure("executed")

    monkeypatch.setattr("papermill.execute_notebook", execute)
    settings = parse_settings({"source": "sample", "end": 40, "output_dir": str(tmp_path)})
    with pytest.raises(RunFailure, match="executed"):
        runner.run("run", ["aggregate"], settings)
