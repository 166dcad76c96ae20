"""A disk that fails, Ctrl-C, two runs at once: one line each, and stored data is kept."""

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pyarrow.parquet as pq
import pytest

from neo_utils.errors import OutputBusy, OutputUnwritable, RunFailure
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.sample import service
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
SETTINGS = ("START", "END", "SOURCE", "API_KEY", "API_URL", "OUTPUT_DIR", "LOG_LEVEL", "WAIT")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(7, id="every 7th"),
        pytest.param(1, id="every step", marks=pytest.mark.slow),
    ],
)
def every(request):
    return request.param


@pytest.fixture(scope="module")
def failing_disk(every):
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.kill_points", "--every", str(every), "failing disk"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as harness:
        yield harness
        harness.send_signal(signal.SIGINT)  # if it still runs, it then clears its folder away


def tree_of(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".run-lock"
    }


def stored_in(output):
    """Name the batches that are stored: those with a file under ``raw``, says the design."""
    return {path.parent.name for path in output.glob("raw/*/[!.]*")}


def batches_in(tree):
    return {name.split("/")[1] for name in tree if re.fullmatch(r"raw/[^/]+/[^./][^/]*", name)}


def fetch_range(output, end=200, **more):
    return fetch(plan_fetch(1, end, "sample", output_dir=str(output), **more))


def files_of(batch, tree):
    found = {name: content for name, content in tree.items() if f"/{batch}/" in name}
    return {name: content for name, content in found.items() if "/." not in name}


# --- a failing disk -------------------------------------------------------------------------------


def outcome(output, end=200):
    """Return what a fetch says, None where it succeeds, and what is there afterwards."""
    try:
        fetch_range(output, end)
    except OutputUnwritable as failure:
        return str(failure), tree_of(output)
    return None, tree_of(output)


def remount(output, options):
    subprocess.run(["mount", "-o", f"remount,{options}", output], check=True)  # noqa: S603, S607


def on_a_disk_that_fills_up(output):
    outcomes = [outcome(output), outcome(output)]
    remount(output, "size=40m")
    return [*outcomes, outcome(output)]


def on_a_disk_that_turns_read_only(output):
    outcomes = [outcome(output, end=40)]
    remount(output, "ro")
    outcomes += [outcome(output)]
    remount(output, "rw")
    return [*outcomes, outcome(output)]


def on_a_disk_of_its_own(experiment, output, size):
    """Do an experiment in a process that alone sees a small file system at ``output``."""
    mount = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh", size, str(output)]
    if subprocess.run([*own, "true"], capture_output=True).returncode:  # noqa: S603
        pytest.skip("this system lets no test mount a disk of its own (unshare, mount)")
    code = (
        "import json, pathlib, sys; import tests.test_write_faults as here;"
        f"print(json.dumps(here.{experiment.__name__}(pathlib.Path(sys.argv[1]))))"
    )
    ran = subprocess.run(  # noqa: S603
        [*own, sys.executable, "-c", code, str(output)], cwd=PROJECT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    output = tmp_path_factory.mktemp("whole")
    fetch_range(output)
    return tree_of(output)


def test_a_full_disk_is_named_with_what_stays_and_the_rest_comes_once_there_is_room(
    tmp_path, whole
):
    full, still_full, with_room = on_a_disk_of_its_own(on_a_disk_that_fills_up, tmp_path, "640k")
    before = 0
    for said, left in (full, still_full):
        assert "\n" not in said
        assert f"{tmp_path} cannot be written (No space left on device)" in said
        stored = batches_in(left)
        assert f"Stored before that: {len(stored) - before} of {10 - before} pages" in said
        before = len(stored)
        # What is stored is whole: the same bytes as where there was room.
        for batch in stored:
            assert files_of(batch, left) == files_of(batch, whole)
    assert 0 < len(batches_in(full[1])) < 10
    assert with_room == [None, whole]


def test_a_read_only_disk_is_named_and_the_rest_comes_once_it_can_be_written(tmp_path, whole):
    before, read_only, after = on_a_disk_of_its_own(on_a_disk_that_turns_read_only, tmp_path, "9m")
    said, left = read_only
    assert said.startswith(f"{tmp_path} cannot be written (Read-only file system). ")
    assert "\n" not in said
    assert "Stored data is kept" in said
    assert left == before[1]
    assert len(batches_in(left)) == 2
    assert after == [None, whole]


def test_a_leftover_of_a_killed_run_that_cannot_be_removed_is_named(tmp_path, monkeypatch, whole):
    leftover = tmp_path / "raw/batch-number=1-20/.neo_partition_1-20.parquet.tmp"
    leftover.parent.mkdir(parents=True)
    leftover.touch()

    def failing(*_args, **_kwargs):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing)
        with pytest.raises(OutputUnwritable) as failure:
            fetch_range(tmp_path)
    said = str(failure.value)
    assert said.startswith(
        f"{tmp_path} cannot be written (Input/output error). Stored data is kept"
    )
    assert "\n" not in said
    assert stored_in(tmp_path) == set()
    fetch_range(tmp_path)
    assert tree_of(tmp_path) == whole


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to any folder, whatever its mode")
def test_a_folder_without_the_right_to_write_is_named(tmp_path, whole):
    fetch_range(tmp_path, 40)
    folders = [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    (tmp_path / ".lock").chmod(0o444)
    with pytest.raises(OutputUnwritable, match=r"cannot be written \(Permission denied\): "):
        fetch_range(tmp_path)
    for folder in folders:
        folder.chmod(0o755)
    (tmp_path / ".lock").chmod(0o644)
    fetch_range(tmp_path)
    assert tree_of(tmp_path) == whole


# --- the command ----------------------------------------------------------------------------------


def start(command, output, **settings):
    """Start a command as a shell does: leader of a group of its own, with the terminal's keys."""
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
        # A shell lets what it starts in the background ignore Ctrl-C, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(command, output, **settings):
    process = start(command, output, **settings)
    out, err = process.communicate()
    return process.returncode, out, err


def wait_until(happened, seconds=60):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def processes():
    """Return the parent of every process that runs, by process id; the dead do not count."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = (line.split() for line in listed.splitlines())
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}


def children_of(parents):
    return {pid for pid, parent in processes().items() if parent in parents}


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_status_130_and_the_same_command_goes_on(tmp_path):
    settings = {"SOURCE": "sample", "START": "1", "END": "2000"}
    process = start("fetch", tmp_path, **settings)
    wait_until(lambda: len(stored_in(tmp_path)) >= 10)
    kernels = children_of({process.pid})
    assert kernels
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (
        err.strip()
        == "fetch: interrupted. Stored data is kept. Run the same command again to resume"
    )
    assert "Traceback" not in out
    wait_until(lambda: not kernels & processes().keys(), seconds=5)

    stored = stored_in(tmp_path)
    assert 10 <= len(stored) < 100
    written = {}
    for batch in stored:
        paths = [path for path in tmp_path.glob(f"*/{batch}/[!.]*") if path.is_file()]
        assert len(paths) == 3
        tables = [pq.read_table(p, partitioning=None) for p in paths if p.suffix == ".parquet"]
        assert len({table.schema.metadata[b"page_sha256"] for table in tables}) == 1
        written |= {path: path.stat().st_mtime_ns for path in paths}

    status, _, err = run("fetch", tmp_path, **settings)
    assert status == 0, err
    assert len(stored_in(tmp_path)) == 100
    assert {path.name for path in tmp_path.rglob(".*")} == {".lock", ".run-lock"}
    assert {path: path.stat().st_mtime_ns for path in written} == written


@pytest.mark.slow
def test_ctrl_c_while_spark_counts_is_one_line_and_no_java_stays(tmp_path):
    settings = {"SOURCE": "sample", "START": "1", "END": "40"}
    assert run("fetch", tmp_path, **settings)[0] == 0
    process = start("aggregate", tmp_path, **settings)
    # Spark reads these files: from now on Python waits for what Java does.
    packed = tmp_path / "runs/batches-1-40/packed"
    wait_until(lambda: len([*packed.glob("*.parquet")]) == 2)
    kernels = children_of({process.pid})
    javas = children_of(kernels)
    assert javas
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (
        err.strip()
        == "aggregate: interrupted. Stored data is kept. Run the same command again to resume"
    )
    wait_until(lambda: not (kernels | javas) & processes().keys(), seconds=15)


HOLDER = """
import sys
from neo_utils.fetch.plan import plan_fetch
from neo_utils.fetch.fetching import fetch
fetch(plan_fetch(1, 80, "nasa", sys.argv[1], sys.argv[2]))
"""


class Held:
    """A service that answers two pages at once, the others only when they are asked for again."""

    def __init__(self):
        self.asked, self.let_go = Counter(), threading.Event()

    def __call__(self, url, headers):
        page = int(url.partition("page=")[2].partition("&")[0])
        self.asked[page] += 1
        if page >= 2 and self.asked[page] == 1:
            self.let_go.wait()
        return service.answer(url, headers)


@pytest.mark.slow
def test_a_second_run_says_who_holds_the_output_and_goes_on_once_that_one_is_killed(
    tmp_path, monkeypatch
):
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

            monkeypatch.setenv("API_KEY", KEY)
            plan = plan_fetch(1, 80, "nasa", url, str(tmp_path))
            with pytest.raises(OutputBusy, match=rf"another run \(process {holder.pid}\)"):
                fetch(plan)
            status, _, err = run("fetch", tmp_path, **settings)
            assert status == 1
            assert f"{tmp_path} is in use by another run (process {holder.pid})" in err
            assert "Traceback" not in err
            assert tree_of(tmp_path) == before
            assert held.asked == asked
        finally:
            holder.kill()  # by SIGKILL: it cannot tidy up
            holder.wait()
            held.let_go.set()

        status, _, err = run("fetch", tmp_path, **settings)
        assert status == 0, err
    assert held.asked == {0: 1, 1: 1, 2: 2, 3: 2}
    assert len(stored_in(tmp_path)) == 4
    assert (tmp_path / ".lock").read_bytes() == b""


@pytest.mark.parametrize(
    "half",
    [b"", b'{"cells": [', '{"cells": ["\u2026'.encode()[:-1], b'{"metadata": {"papermill": 5}}'],
    ids=["nothing", "half", "half a character", "another's"],
)
def test_half_an_executed_notebook_that_a_killed_run_left_is_executed_anew(
    tmp_path, monkeypatch, half
):
    from neo_utils.run import runner  # slow to import, and the processes above do without

    fetch_range(tmp_path, 40)
    executed = tmp_path / "runs/batches-1-40/aggregate.ipynb"
    executed.parent.mkdir(parents=True)
    executed.write_bytes(half)

    def execute(*_args, **_kwargs):
        raise RunFailure("here it would be executed")

    monkeypatch.setattr("papermill.execute_notebook", execute)
    settings = parse_settings({"source": "sample", "end": 40, "output_dir": str(tmp_path)})
    with pytest.raises(RunFailure, match="here it would be executed"):
        runner.run("run", ["aggregate"], settings)


# --- every step -----------------------------------------------------------------------------------


def test_at_any_step_an_error_of_the_disk_is_one_line_and_loses_nothing(
    failing_disk, every, capsys
):
    line, failure = failing_disk.communicate()
    assert failing_disk.returncode == 0, failure
    with capsys.disabled():
        print(f"\n{line.strip()}", end=" ")
    assert int(re.search(r"failed at (\d+) steps", line)[1]) * every > 2 * 2 * 3 * 4
