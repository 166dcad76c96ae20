"""Interrupt a real fetch at every request and every write step; check that no data is lost.

``python -m tests.kill_points [--every N] [SCENARIO ...]`` prints one line of figures for each
scenario. With ``--every``, only every N-th point is disturbed: always the same ones.

A fetch of source ``nasa`` requests pages from a loopback service and stores them. At its n-th
point, the process sends itself SIGKILL, or the disk fails. There are points before and after every
request and every step of a write: create a folder; open, half write, write, sync, rename, remove or
lock a file. The same command then runs to its end in a new process, and its output is compared byte
by byte with that of an uninterrupted run. A batch counts as stored if its file under ``raw``
exists; this rule comes from the design, not from the package.

A killed process keeps the system's cache, so this does not simulate a power cut. ``test_atomic``
checks that files are synced before their rename, and folders after it.

Every run is a fork of this process, which has loaded the slow libraries and starts no threads.
"""

import argparse
import builtins
import datetime as dt
import errno
import fcntl
import gc
import importlib
import io
import itertools
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from email.utils import formatdate
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from socketserver import StreamRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import requests
from requests.adapters import HTTPAdapter

import neo_utils.fetch.fetching
import neo_utils.neows.transport
from neo_utils.errors import RunFailure
from neo_utils.fetch.fetching import FetchPlan
from neo_utils.fetch.refreshing import plan_refresh
from neo_utils.interface import plan_fetch
from neo_utils.neows.service import Service
from neo_utils.positions import Batch, PositionRange
from neo_utils.sample import SAMPLE_URL, service
from neo_utils.store.batches import batches_with
from neo_utils.store.page_archive import body_of
from neo_utils.store.verification import verify

_TODAY = formatdate(usegmt=True)  # one plausible Date for every answer

# Calls that change the disk, with the index of the argument that names the file.
_CALLS = [
    *((os, name, 0) for name in ("mkdir", "unlink", "remove", "rmdir", "truncate")),
    *((os, name, 1) for name in ("replace", "rename", "link", "symlink")),
    *((os, name, 0) for name in ("fsync", "fdatasync", "ftruncate")),
    (fcntl, "flock", 0),
]
_LONGEST_FORK_S = 60
_UNEXPECTED_ERROR = 70  # exit status after an exception other than RunFailure

Tree = dict[str, bytes]  # content by name; names of folders end with a slash


class DataLost(Exception):
    """A guarantee of the fetch was broken; the message states where and how."""


class Fetch(NamedTuple):
    """One fetch command: positions 1 to 20 * ``pages`` of the listing at ``url``."""

    url: str
    pages: int = 3
    refetch: bool = False
    refresh: bool = False
    connections: int = 1  # with one connection, the order of points is the same in every run

    def __call__(self, output: Path) -> None:
        neo_utils.neows.transport.CONNECTIONS = neo_utils.fetch.fetching.CONNECTIONS = (
            self.connections
        )
        end = 20 * self.pages
        if self.refresh:
            now, service = dt.datetime.now(dt.UTC), Service("nasa", self.url)
            plan: FetchPlan = plan_refresh(output, service, dt.timedelta(0), None, now)
        else:
            plan = plan_fetch(1, end, "nasa", self.url, str(output), refetch=self.refetch)
        neo_utils.fetch.fetching.fetch(plan)


class Run(NamedTuple):
    """How a run ended: ``status`` is the exit status, or the negative number of the signal."""

    status: int
    points: list[str]
    requests: Counter[int]  # requests per page
    error: str  # the error message, if it failed


# --- points in a run ------------------------------------------------------------------------------


class Points:
    """The points of this process: ``at(point)`` is called at each, from now on."""

    def __init__(self, output: Path, at: Callable[[str], None]) -> None:
        self._output, self.at = output, at
        self._names: dict[int, str] = {}  # by descriptor
        self._opened, self._os_open = io.open, os.open
        io.open = builtins.open = self._open
        os.open = self._open_descriptor
        for module, name, place in _CALLS:
            setattr(module, name, self._with_points(name, getattr(module, name), place))
        self._watch_requests()

    @contextmanager
    def around(self, step: str) -> Iterator[None]:
        self.at(f"before {step}")
        yield
        self.at(f"after {step}")

    def _with_points(self, name, call, place):
        def call_with_points(*args, **kwargs):
            what = self._name(args[place])
            if what is None:
                return call(*args, **kwargs)
            with self.around(f"{name} {what}"):
                return call(*args, **kwargs)

        return call_with_points

    def _open(self, file, mode="r", *args, **kwargs):
        name = self._name(file)
        if name is None or not set(mode) & set("wax+"):
            return self._opened(file, mode, *args, **kwargs)
        with self.around(f"open {name}"):
            opened = self._opened(file, mode, *args, **kwargs)
        self._names[opened.fileno()] = name
        return _TornFile(opened, name, self)

    def _open_descriptor(self, path, *args, **kwargs):
        descriptor = self._os_open(path, *args, **kwargs)
        self._names[descriptor] = self._name(path)
        return descriptor

    def _name(self, file) -> str | None:
        """Return the relative name of a path or open file in the output; None for any other."""
        if hasattr(file, "fileno"):
            file = file.fileno()
        if isinstance(file, int):
            return self._names.get(file)
        path = Path(os.fsdecode(file))
        if not path.is_relative_to(self._output):
            return None
        return path.relative_to(self._output).as_posix()

    def _watch_requests(self) -> None:
        send, getresponse, close = (
            HTTPAdapter.send,
            HTTPConnection.getresponse,
            requests.Response.close,
        )

        def send_with_points(adapter, request, **options):
            with self.around(f"request {urlsplit(request.url).query}"):
                return send(adapter, request, **options)

        def getresponse_with_points(connection):
            self.at("between request and answer")
            return getresponse(connection)

        def close_with_points(response):
            self.at("after the whole answer to a request")
            close(response)

        HTTPAdapter.send = send_with_points
        HTTPConnection.getresponse = getresponse_with_points
        requests.Response.close = close_with_points


class _TornFile:
    """A file open for writing that writes in two halves, with a point between them."""

    def __init__(self, file, name, points):
        self._file, self._name, self._points = file, name, points

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._file.close()

    def write(self, content):
        half = len(content) // 2
        with self._points.around(f"write {self._name}"):
            self._file.write(content[:half])
            self._file.flush()
            self._points.at(f"within write {self._name}")
            self._file.write(content[half:])
            self._file.flush()
        return len(content)

    def truncate(self, size=None):
        with self._points.around(f"truncate {self._name}"):
            return self._file.truncate(size)


# --- runs -----------------------------------------------------------------------------------------


class Bench:
    """A folder and a service for consecutive runs."""

    def __init__(self, folder: Path) -> None:
        self._requests, self._trace, self._error = (
            folder / name for name in ("requests", "trace", "error")
        )
        self._requests.mkdir()
        self._keys = (f"key-of-the-kill-points-{number}" for number in itertools.count())
        self.folder, self.output = folder, folder / "output"

    def run(self, fetch: Fetch, act: Callable[[int], None] | None = None) -> Run:
        """Run a command in a new process; ``act(n)`` is called at its n-th point."""
        key = next(self._keys)
        self._error.write_text("")

        def command() -> int:
            os.environ["API_KEY"] = key
            trace, count = self._trace.open("wb", buffering=0), itertools.count()

            def at(point: str) -> None:
                trace.write(f"{point}\n".encode())
                if act:
                    act(next(count))

            Points(self.output, at)
            try:
                fetch(self.output)
            except RunFailure as failure:
                self._error.write_text(str(failure))
                return failure.exit_status
            except BaseException:
                self._error.write_text(traceback.format_exc())
                return _UNEXPECTED_ERROR
            return 0

        status = in_child(command)
        file = self._requests / key
        pages = map(int, file.read_text().split()) if file.exists() else ()
        points = self._trace.read_text().splitlines()
        return Run(status, points, Counter(pages), self._error.read_text())

    @contextmanager
    def serving(self, *listings: dict[int, bytes]) -> Iterator[list[str]]:
        """Serve listings (pages by number) from another process; yield their addresses."""
        ours, theirs = socket.socketpair()

        def serve_until_closed() -> None:
            ours.close()
            StreamRequestHandler.disable_nagle_algorithm = True  # saves 40 ms per answer
            with ExitStack() as stack:
                services = [service.serve(answer=self._answer_from(pages)) for pages in listings]
                theirs.sendall(" ".join(map(stack.enter_context, services)).encode())
                theirs.recv(1)  # returns when the other process closes its end or exits

        pid = forked(serve_until_closed)
        theirs.close()
        try:
            yield ours.recv(1000).decode().split()
        finally:
            ours.close()
            os.waitpid(pid, 0)

    def _answer_from(self, pages: dict[int, bytes]) -> Callable[..., service.Answer]:
        def answer(url, headers):
            key, number = headers["X-Api-Key"], int(parse_qs(urlsplit(url).query)["page"][0])
            with (self._requests / key).open("a") as file:
                file.write(f"{number}\n")
            body = pages[number].replace(b"api_key=", b"api_key=" + key.encode())
            head = {"Content-Type": "application/json", "Date": _TODAY}
            return service.Answer(200, head, body)

        return answer


def forked(work: Callable[[], int | None]) -> int:
    """Fork this process, run ``work`` there, and return the process number.

    Python 3.11 may hang in a fork of a process with threads, before its first line runs. That fork
    has done nothing yet, so it is replaced.
    """
    while True:
        reading, writing = os.pipe()
        pid = _fork(work, writing)
        os.close(writing)
        has_begun, *_ = select.select([reading], [], [], _LONGEST_FORK_S)
        os.close(reading)
        if has_begun:
            return pid
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _fork(work: Callable[[], int | None], begun: int) -> int:
    pid = os.fork()
    if pid == 0:
        os.write(begun, b".")
        os.close(begun)
        status = _UNEXPECTED_ERROR
        try:
            status = work() or 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def in_child(work: Callable[[], int | None]) -> int:
    """Run ``work`` in a fork of this process, and return its exit status."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(work), 0)[1])


def listing(
    pages: int, total: int, rejected_on: int, magnitude: float, moved: int = 0
) -> dict[int, bytes]:
    """Return the first pages of the sample, with this H and one invalid object.

    ``moved`` NEOs at the beginning are not listed any more, so all others moved up; if it is
    negative, so many new NEOs are listed first.
    """
    bodies: dict[int, bytes] = {}
    neos: list[dict[str, Any]] = []
    for number in range(pages + bool(moved)):
        answer = service.answer(f"{SAMPLE_URL}?page={number}", {"X-Api-Key": "@"})
        body = json.loads(answer.body.replace(b"api_key=%40", b"api_key="))
        body["page"]["total_elements"] = total
        neos += body["near_earth_objects"]
        for neo in body["near_earth_objects"]:
            del neo["close_approach_data"][5:]  # a small page saves time
            neo["absolute_magnitude_h"] = magnitude
        bodies[number] = json.dumps(body).encode()
    if moved < 0:
        neos = neos[20 * pages :][:-moved] + neos
    for number in range(pages):
        body = json.loads(bodies[number])
        first = 20 * number + max(moved, 0)
        body["near_earth_objects"] = neos[first : first + 20]
        if number == rejected_on:
            body["near_earth_objects"][4]["close_approach_data"] = "none"
        bodies[number] = json.dumps(body).encode()
    return {number: bodies[number] for number in range(pages)}


# --- guarantees -----------------------------------------------------------------------------------


def tree_of(folder: Path) -> Tree:
    """Return the content of an output, without segments: see `check_segments`."""
    return {
        path.relative_to(folder).as_posix() + "/" * path.is_dir(): (
            b"" if path.is_dir() else path.read_bytes()
        )
        for path in folder.rglob("*")
        if not path.is_relative_to(folder / "segments")
    }


def sizes_of_segments(output: Path) -> Tree:
    """Return the size of each file; the content has modification times, which always differ."""
    files = (path for path in output.glob("segments/**/*") if path.is_file())
    return {path.relative_to(output).as_posix(): b"%d" % path.stat().st_size for path in files}


def check_segments(output: Path, *, finished: bool) -> None:
    """Check that each segment is whole and has the rows of the batches that it vouches for.

    It vouches for a batch while the sizes and times that it recorded are those on the disk. After a
    command that ended, segments vouch for all stored batches.
    """
    for table, stored_as in (
        ("neos", "raw"),
        ("neos", "orbits"),
        ("close_approaches", "close_approaches"),
    ):
        vouched = set()
        for path in output.glob(f"segments/{table}/positions=*.parquet"):
            rows = pq.read_table(path, partitioning=None)
            for name, state in json.loads(pq.read_metadata(path).metadata[b"batches"]).items():
                batch = Batch(int(name.partition("-")[0]))
                files = [batch.file(output, one) for one in ("raw", "close_approaches", "orbits")]
                if not all(file.exists() for file in files):
                    continue
                now = [[file.stat().st_size, file.stat().st_mtime_ns] for file in files]
                if state["size_and_mtime_ns"] == now:
                    vouched.add(batch)
                    within = pc.and_(
                        pc.greater_equal(rows["position"], batch.first),
                        pc.less_equal(rows["position"], batch.last),
                    )
                    stored = pq.read_table(batch.file(output, stored_as), partitioning=None)
                    found = rows.filter(within)
                    if stored_as == "orbits":
                        found = found.append_column("neo_id", found["id"])
                    found = found.select(stored.column_names)
                    assert found.to_pydict() == stored.to_pydict(), f"{path}: rows of {name}"
        if finished:
            assert vouched == set(batches_with("raw", output, PositionRange(1, None)))
            assert not [*output.glob("segments/**/.*.tmp")]


def ids_of(tree: Tree) -> set[str]:
    """Return the ids of all NEOs in an output."""
    files = [
        io.BytesIO(content)
        for path, content in tree.items()
        if path.endswith("parquet") and "raw/" in path
    ]
    return {neo_id for file in files for neo_id in pq.read_table(file)["id"].to_pylist()}


def batch_name(page: int) -> str:
    return f"{20 * page + 1}-{20 * page + 20}"


def batch_in(tree: Tree, page: int) -> Tree | None:
    """Return the files of a batch, without temporary ones; None if it is not stored."""
    name = batch_name(page)
    files = {
        path: content
        for path, content in tree.items()
        if f"/batch-number={name}/" in path and not path.endswith("/") and not is_hidden(path)
    }
    return files if f"raw/batch-number={name}/neo_partition_{name}.parquet" in files else None


def is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")


def check_left(left: Tree, versions: list[Tree], pages: int) -> set[int]:
    """Check what an interrupted run left, and return the pages that are stored."""
    for path, content in left.items():
        if path == "history/unlisted.parquet":
            continue  # of the NEOs that have no batch now
        if path.startswith("history/positions="):
            check_history(content, versions[-1][path])
        elif not is_hidden(path) and content not in [tree.get(path) for tree in versions]:
            raise DataLost(f"{path} is neither the old nor the new one")
    batches = {page: batch_in(left, page) for page in range(pages)}
    for page, files in batches.items():
        if files is not None and files not in [batch_in(tree, page) for tree in versions]:
            raise DataLost(f"batch {batch_name(page)} is stored, but not whole: {sorted(files)}")
    return {page for page, files in batches.items() if files is not None}


def check_history(left: bytes, finished: bytes) -> None:
    """Check that an interrupted run left a whole file with some of the changes, each once."""
    rows, expected = (pq.read_table(io.BytesIO(one)).to_pylist() for one in (left, finished))
    if [row for row in expected if row in rows] != rows:
        raise DataLost("the history has rows that the uninterrupted run does not have")


def check_equal(tree: Tree, expected: Tree) -> None:
    if tree != expected:
        names = [n for n in sorted({*tree, *expected}) if tree.get(n) != expected.get(n)]
        raise DataLost(f"the finished output differs from the uninterrupted one in {names}")


def check_requests(run: Run, pages: Collection[int]) -> None:
    if run.status != 0:
        raise DataLost(f"the resumed command ended with {run.status}: {run.error}")
    if run.requests != dict.fromkeys(pages, 1):
        found = sorted(run.requests.elements())
        raise DataLost(f"requested pages {found} instead of {sorted(pages)}")


def check_readable(output: Path, given: dict[int, bytes]) -> None:
    """Check that a finished output contains the pages that the service sent and their tables."""
    for page, body in given.items():
        archived = Batch(20 * page + 1).file(output, "pages").read_bytes()
        assert body_of(archived) == body.replace(b"api_key=", b"api_key=REDACTED")
    positions = PositionRange(1, None)
    assert len(batches_with("raw", output, positions)) == len(given)
    assert verify(output, positions) == {}
    check_segments(output, finished=True)


def check_points(points: list[str], tree: Tree) -> None:
    """Check that the points cover every step of every file's write."""
    others = {".", ".lock", *(path.removesuffix("/") for path in tree if path.endswith("/"))}
    others |= {".segments-lock", "segments", "segments/neos", "segments/close_approaches"}
    files = {path for path in tree if not path.endswith("/") and not is_hidden(path)}
    files |= {
        f"segments/{table}/positions=1-2000.parquet" for table in ("neos", "close_approaches")
    }
    seen = defaultdict(set)
    for _, step, what in (point.split()[:3] for point in points if point.startswith("after ")):
        if what not in others:
            seen[step].add(what)
    assert files <= seen["replace"] | seen["rename"]
    for step in ("open", "write", "fsync"):
        assert len(seen[step]) >= len(files), f"{step}: {seen[step]}"


# --- scenarios ------------------------------------------------------------------------------------


class Scenario:
    """A command, the output before it, and the output after an uninterrupted run."""

    def __init__(self, bench: Bench, fetch: Fetch, older: Fetch | None = None) -> None:
        self.bench, self.fetch = bench, fetch
        self.before = bench.folder / ("older" if older else "nothing")
        self.requests_saved = 0
        self.states: set[frozenset[tuple[str, bytes]]] = set()  # outputs that were resumed from
        shutil.rmtree(bench.output, ignore_errors=True)
        if older:
            check_requests(bench.run(older), range(older.pages))
            bench.output.rename(self.before)
        self.old = tree_of(self.before)
        self.restore(self.before)
        uninterrupted = bench.run(fetch)
        check_requests(uninterrupted, range(fetch.pages))
        self.points, self.new = uninterrupted.points, tree_of(bench.output)
        if older:  # H of every NEO in both changed
            changed = self.new["history/positions=1-2000.parquet"]
            both = ids_of(self.old) & ids_of(self.new)
            assert pq.read_table(io.BytesIO(changed))["neo_id"].to_pylist() == sorted(both)
        check_points(self.points, self.new)
        # No file is equal before and after, so the checks can distinguish them.
        assert not {path for path in self.old.items() & self.new.items() if path[1]}
        given = listing(fetch.pages, **(MOVED if fetch.refresh else NEW))
        assert in_child(partial(check_readable, bench.output, given)) == 0

    def restore(self, before: Path) -> None:
        """Replace the output by a copy of ``before``."""
        shutil.rmtree(self.bench.output, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, self.bench.output)

    def kill(self, nth: int) -> None:
        """Kill the command at its n-th point, and check that it resumes."""

        def act(count: int) -> None:
            if count == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        self.restore(self.before)
        run = self.bench.run(self.fetch, act)
        if run.status != -signal.SIGKILL:
            raise DataLost(f"ended with {run.status} instead of being killed: {run.error}")
        if self.fetch.connections == 1 and run.points != self.points[: nth + 1]:
            raise DataLost(f"a point that the uninterrupted run does not have: {run.points[-1]}")
        self.requests_saved += len(self.resume())

    def fail(self, nth: int, code: int) -> None:
        """Let the disk fail at the n-th point; check the one-line message, and that it resumes."""

        def act(count: int) -> None:
            if count == nth:
                raise OSError(code, os.strerror(code))

        self.restore(self.before)
        run = self.bench.run(self.fetch, act)
        needed = (str(self.bench.output), os.strerror(code), "kept", "the same command")
        one_line = "\n" not in run.error and all(words in run.error for words in needed)
        # Failing to create an existing folder, or to write the process number, is harmless.
        harmless = run.status == 0 and self.points[nth].endswith((" .lock", " mkdir ."))
        if not harmless and not (run.status == 1 and one_line):
            raise DataLost(f"ended with {run.status}: {run.error}")
        stored = self.resume()
        if harmless and len(stored) < self.fetch.pages:
            raise DataLost("ended with 0, but not everything was stored")

    def resume(self) -> set[int]:
        """Run the same command again, check its output, and return the pages stored before it.

        This is done once per state of the output: if two points leave the same bytes, the command
        does the same.
        """
        left, pages = tree_of(self.bench.output), set(range(self.fetch.pages))
        stored = check_left(left, [self.old, self.new], len(pages))
        assert in_child(partial(check_segments, self.bench.output, finished=False)) == 0
        without_pid = left | {".lock": b""} if ".lock" in left else left
        state = frozenset((without_pid | sizes_of_segments(self.bench.output)).items())
        if state not in self.states:
            if self.fetch.refetch:
                self.check_plain_fetch(pages - stored)
            check_requests(
                self.bench.run(self.fetch), pages if self.fetch.refetch else pages - stored
            )
            check_equal(tree_of(self.bench.output), self.new)
            assert in_child(partial(check_segments, self.bench.output, finished=True)) == 0
            self.states.add(state)
        return stored

    def check_plain_fetch(self, missing: set[int]) -> None:
        """Check that a plain fetch also resumes after a backfill; then restore the output."""
        interrupted = self.bench.folder / "interrupted"
        shutil.rmtree(interrupted, ignore_errors=True)
        shutil.copytree(self.bench.output, interrupted)
        check_requests(self.bench.run(self.fetch._replace(refetch=False, refresh=False)), missing)
        fetched = tree_of(self.bench.output)
        leftovers = {path for path in fetched if is_hidden(path)} - {".lock", ".segments-lock"}
        stored = check_left(fetched, [self.old, self.new], self.fetch.pages)
        if leftovers or len(stored) < self.fetch.pages:
            raise DataLost(f"a fetch after the backfill stored {sorted(stored)}, left {leftovers}")
        self.restore(interrupted)


PAGES = 3
OLD = {"total": 40_000, "rejected_on": 0, "magnitude": 20.5}  # the listing before a backfill
NEW = {"total": 41_000, "rejected_on": 1, "magnitude": 20.6}
MOVED = {**NEW, "moved": -1}

# Error codes of failing steps; all other steps fail because the disk is full.
CODES = {"fsync": errno.EIO, "unlink": errno.EIO, "flock": errno.EIO}


def first_fetch(bench: Bench, every: int) -> str:
    """Kill a fetch into an empty output at every point."""
    with bench.serving(listing(PAGES, **NEW)) as (url,):
        scenario = Scenario(bench, Fetch(url, PAGES))
        return killed(scenario, range(0, len(scenario.points), every))


def backfill(bench: Bench, every: int) -> str:
    """Kill a backfill over an older state of the listing at every point."""
    with bench.serving(listing(PAGES, **OLD), listing(PAGES, **NEW)) as (old, new):
        scenario = Scenario(bench, Fetch(new, PAGES, refetch=True), older=Fetch(old, PAGES))
        return killed(scenario, range(0, len(scenario.points), every))


def refresh(bench: Bench, every: int) -> str:
    """Kill a refresh at every point, after a new NEO moved all others by one place."""
    with bench.serving(listing(PAGES, **OLD), listing(PAGES, **MOVED)) as (old, new):
        fetch = Fetch(new, PAGES, refetch=True, refresh=True)
        scenario = Scenario(bench, fetch, older=Fetch(old, PAGES))
        return killed(scenario, range(0, len(scenario.points), every))


def four_connections(bench: Bench, every: int) -> str:
    """Kill a fetch over four connections at points drawn with a fixed seed."""
    with bench.serving(listing(8, **NEW)) as (url,):
        scenario = Scenario(bench, Fetch(url, 8, connections=4))
        # The number of points varies slightly: two connections may create the same folder.
        certain = range(len(scenario.points) - 10)
        return killed(scenario, Random(20260301).sample(certain, 30)[::every])  # noqa: S311


def failing_disk(bench: Bench, every: int) -> str:
    """Let every step of every write fail once, in a first fetch and in a backfill."""
    count = 0
    with bench.serving(listing(2, **OLD), listing(2, **NEW)) as (old, new):
        for scenario in (
            Scenario(bench, Fetch(new, 2)),
            Scenario(bench, Fetch(new, 2, refetch=True), older=Fetch(old, 2)),
        ):
            steps = [
                (nth, point, what)
                for nth, point in enumerate(scenario.points)
                for when, what in [point.split()[:2]]
                if when in ("before", "within") and what != "request"
            ]
            for nth, point, what in steps[::every]:
                with named(point):
                    scenario.fail(nth, CODES.get(what, errno.ENOSPC))
                count += 1
    return f"failed at {count} steps, each with a one-line message"


def killed(scenario: Scenario, points: Collection[int]) -> str:
    for nth in points:
        with named(scenario.points[nth]):
            scenario.kill(nth)
    return (
        f"killed at {len(points)} points ({len(scenario.states)} different trees left), "
        f"{scenario.requests_saved} requests saved"
    )


@contextmanager
def named(point: str) -> Iterator[None]:
    try:
        yield
    except DataLost as lost:
        raise DataLost(f"interrupted {point}: {lost}") from None


SCENARIOS = {
    scenario.__name__.replace("_", " "): scenario
    for scenario in (first_fetch, backfill, refresh, four_connections, failing_disk)
}


def main(arguments: list[str]) -> int:
    """Print the figures of these scenarios, or of all; return 1 if data was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, metavar="N")
    parser.add_argument("scenarios", nargs="*", default=list(SCENARIOS))
    given = parser.parse_args(arguments)
    for late in ("multiprocessing.synchronize", "netrc", "pandas"):  # loaded only in a run
        importlib.import_module(late)
    pa.array([""])
    gc.freeze()  # otherwise forks copy the memory that the garbage collector touches
    # Syncing costs nothing in memory, and SIGKILL has the same effect there.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    for name in given.scenarios:
        with tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as folder:
            try:
                figures = SCENARIOS[name](Bench(Path(folder)), given.every)
            except DataLost as lost:
                print(f"{name}: {lost}", file=sys.stderr)
                return 1
        print(f"{name}: {figures}, all trees equal", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
