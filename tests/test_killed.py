"""A run that is killed, or whose disk fails, loses no data, as ``tests.kill_points`` measures."""

import re
import signal
import subprocess
import sys

import pytest

from neo_utils.settings.folders import PROJECT
from tests import summary

KILLED = ("first fetch", "backfill", "refresh", "four connections")


@pytest.fixture(
    scope="module",
    params=[
        # `make test` takes every 20th point, always the same ones.
        pytest.param(20, id="every 20th", marks=pytest.mark.part),
        pytest.param(1, id="every point", marks=pytest.mark.slow),
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
        for name in (*KILLED, "failing disk")
    }
    yield started
    for harness in started.values():
        harness.send_signal(signal.SIGINT)  # a running one then removes its folder
        harness.communicate()


def figures_of(harness):
    """Report the harness's line, and return its first and last number."""
    line, failure = harness.communicate()
    assert harness.returncode == 0, failure
    summary.LINES.append(line.strip())
    numbers = [int(number) for number in re.findall(r"\d+", line)]
    return numbers[0], numbers[-1]


@pytest.mark.parametrize("scenario", KILLED)
def test_run_killed_anywhere_resumes_and_loses_no_data(harnesses, every, scenario):
    points, requests_saved = figures_of(harnesses[scenario])
    # Three pages, each with a request and at least three files: opened, written, synced, renamed.
    assert (points - 1) * every > (3 * (1 + 3 * 4) if scenario != "four connections" else 0)
    assert requests_saved > 0


def test_failing_disk_gives_one_line_at_any_step_and_loses_no_data(harnesses, every):
    steps, _ = figures_of(harnesses["failing disk"])
    assert (steps - 1) * every > 2 * 2 * 3 * 4
