"""Fixtures and options that the tests share."""

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path, PurePath
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession
from xdist.scheduler import LoadScopeScheduling

from neo_utils.cluster.local_cluster import down
from neo_utils.engines.spark_session import connect
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.neows import rate_limit
from tests import summary
from tests.cluster import Cluster, cluster_at

# "quick" is deterministic; "long", for `make fuzz`, tries different values each time.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", _PATIENT, max_examples=50, derandomize=True)
settings.register_profile("long", _PATIENT, max_examples=3_000, database=None)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # Once for all tests: a start takes longer than most of them together.
    session = connect("local[2]", {}, tmp_path_factory.mktemp("spark") / "spark.log")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a cluster of processes on its own ports, and always shut it down."""
    started = cluster_at(tmp_path_factory.mktemp("cluster"))
    try:
        started.up()
        yield started
    finally:
        down(started.folder)


@pytest.fixture(scope="module")
def pristine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output of the positions up to the END of the tests' module, which no test changes."""
    output = tmp_path_factory.mktemp("pristine")
    fetch(plan_fetch(1, request.module.END, "sample", output_dir=str(output)))
    return output


@pytest.fixture
def output(pristine: Path, tmp_path: Path) -> Path:
    """A writable copy of `pristine` for one test."""
    return shutil.copytree(pristine, tmp_path / "output")


class FakeClock:
    """A clock that only advances while waiting; ``waits`` records every wait."""

    def __init__(self):
        self.now, self.waits = 0.0, []

    def event(self):
        clock = self

        class Event(threading.Event):
            def wait(self, timeout=None):
                clock.waits.append(timeout)
                clock.now += timeout
                return self.is_set()

        return Event()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Skip all waits of the rate limit, and record them."""
    fake = FakeClock()
    names = SimpleNamespace(Event=fake.event, Lock=threading.Lock)
    monkeypatch.setattr(rate_limit, "threading", names)
    return fake


# The tests of a group share what takes seconds to prepare, or are counted together, so one process
# runs them all.
GROUPS = (
    {"population", "segments", "spark_session", "sql", "statistics"},  # a Spark session
    {"cluster", "local_cluster"},  # a cluster of processes
    {"fetch.ipynb", "aggregate.ipynb", "explore.ipynb"},  # the first one's output
    *({"answers"}, {"class_archive"}, {"cleaning"}, {"compose_cluster"}, {"explore"}, {"export"}),
    *({"in_browser"}, {"killed"}, {"pipeline"}, {"report"}, {"single_container"}),
    *({"spark_connect"}, {"faults"}, {"fuzz"}, {"set_up"}, {"no_key_anywhere"}),
)


class GroupScheduling(LoadScopeScheduling):
    """Starts the groups with most tests first, and then the tests outside any group, one by one.

    The marker xdist_group of pytest-xdist 3.8 has no effect with pytest 9.2.
    """

    def _split_scope(self, nodeid):
        name = PurePath(nodeid.partition("::")[0]).name.removeprefix("test_").removesuffix(".py")
        return next((min(group) for group in GROUPS if name in group), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return GroupScheduling(config, log)


LEFT_OUT = pytest.StashKey[list[pytest.Item]]()
WORKERS_LINES = pytest.StashKey[list[str]]()


def pytest_deselected(items):
    """Remember the slow tests that `make test` leaves out; other selections are the user's."""
    if "not slow" not in items[0].config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("live"):
            item.config.stash.setdefault(LEFT_OUT, []).append(item)


def summary_lines(config):
    """Return the figures that docs/trust.md quotes, and how many slow tests were left out."""
    names = ["test_faults", "test_live"]
    if config.getoption("--hypothesis-profile") == "long":
        names.append("test_fuzz")
    modules = filter(None, (sys.modules.get(f"tests.{name}") for name in names))
    lines = [*summary.LINES, *(line for module in modules for line in module.summary())]
    if left_out := config.stash.get(LEFT_OUT, []):
        names = sorted({item.path.stem.removeprefix("test_") for item in left_out})
        what = ", ".join(names).replace("_", " ")
        lines.append(f"left out: {len(left_out)} slow tests ({what}): make test-all runs them")
    return lines


# pytest-xdist runs the tests in worker processes, which send their lines to the main one.
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["lines"] = summary_lines(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    lines = getattr(node, "workeroutput", {}).get("lines", [])
    node.config.stash.setdefault(WORKERS_LINES, []).extend(lines)


def pytest_terminal_summary(terminalreporter, config):
    lines = [*summary_lines(config), *config.stash.get(WORKERS_LINES, [])]
    for line in dict.fromkeys(lines):  # each worker counts all tests that are left out
        terminalreporter.write_line(line)
