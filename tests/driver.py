"""Run Spark drivers in separate processes, where they may start, stop or break Spark."""

import os
import subprocess
import sys
import textwrap

START = """
import logging, os, sys
from pathlib import Path
from neo_utils.errors import SparkUnavailable, WrongParameter
from neo_utils.engines.spark_session import connect
LOG = Path("runs/spark.log")
"""


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
