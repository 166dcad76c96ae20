"""Run Spark drivers in separate processes, and wait for what other processes do."""

import os
import subprocess
import sys
import textwrap
import time

START = """
import logging, os, sys
from pathlib import Path
from neo_utils.errors import SparkUnavailable, WrongParameter
from neo_utils.engines.spark_session import connect
LOG = Path("runs/spark.log")
"""


def await_result(function, seconds=50):
    """Call a function until its result is true, and return the result or assert."""
    until = time.monotonic() + seconds
    while not (result := function()):
        assert time.monotonic() < until, "this takes too long"
        time.sleep(0.05)
    return result


def run_python(code: str, folder, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the code in ``folder``."""
    return subprocess.run(  # noqa: S603 - our own Python and code
        [sys.executable, "-c", START + textwrap.dedent(code)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,  # three Java starts took 97 s with nine processes on two cores
    )
