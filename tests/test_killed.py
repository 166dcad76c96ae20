"""A run killed at any point loses no data, as ``tests.kill_points`` measures."""

import re
import signal
import subprocess
import sys

import pytest

from neo_utils.settings.folders import PROJECT

SCENARIOS = ("first fetch", "backfill", "four connections")
# `make test` takes every 11th point, always the same ones.
PART, ALL = 11, 1


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(PART, id="every 11th"),
        pytest.param(ALL, id="every point", marks=pytest.mark.slow),
    ],
)
def every(request):
    return request.param


@pytest.fixture(scope="module")
def harnesses(every):
    """Start all scenarios at once: each keeps one processor busy."""
    started = {
        name: subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.kill_points", "--every", str(every), name],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in SCENARIOS
    }
    yield started
    for harness in started.values():
        harness.send_signal(signal.SIGINT)  # a running one then removes its folder
        harness.communicate()


def figures_of(harness, capsys):
    """Print the harness's line; return the number of kill points and of requests saved."""
    line, failure = harness.communicate()
    assert harness.returncode == 0, failure
    with capsys.disabled():
        print(f"\n{line.strip()}", end=" ")
    points, saved = re.search(r"killed at (\d+) points .*, (\d+) requests saved", line).groups()
    return int(points), int(saved)


def test_fetch_killed_anywhere_resumes_to_the_same_bytes(harnesses, every, capsys):
    points, saved = figures_of(harnesses["first fetch"], capsys)
    # Three pages, each with a request and at least three files: opened, written, synced, renamed.
    assert points * every > 3 * (1 + 3 * 4)
    assert saved > 0


def test_backfill_killed_anywhere_leaves_old_or_new_batches(harnesses, every, capsys):
    points, saved = figures_of(harnesses["backfill"], capsys)
    assert points * every > 3 * (1 + 3 * 4)
    assert saved > 0  # by a plain fetch after it: the backfill asks for everything again


def test_kill_with_four_connections_loses_no_data(harnesses, capsys):
    points, saved = figures_of(harnesses["four connections"], capsys)
    assert points > 0
    assert saved > 0
