"""Create the archive of Spark's classes, which makes later sessions start faster.

``python -m neo_utils.run.warm_start`` does it in a minute on one core: Spark aggregates two batches
of the sample, and Java writes the classes that it loaded to a file. A run with embedded Spark
starts it in the background at its end, with ``--when-idle``.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from neo_utils.engines.class_archive import archive_path, escape_option, failure_marker
from neo_utils.engines.java import java_home
from neo_utils.engines.spark_session import connect
from neo_utils.environment import chosen_environment
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.statistics.saving import compute
from neo_utils.store.locks import try_lock

_GENERATED = "@lambda-form-invoker"
_IDLE_LOAD = 0.5  # mean number of running processes, of the last minute
_CHECK_S = 5.0
_LONGEST_WAIT_S = 600.0
_KEPT = 2  # with two Java versions in turn, each would otherwise recreate its own: a minute


def make(archive: Path, *, when_idle: bool = False) -> None:
    """Create the archive and remove all but one older one, or record why it failed.

    Does nothing if another process is already creating it, or if ``when_idle`` is set and the
    machine is busy for ten minutes.

    Raises
    ------
    OSError, subprocess.CalledProcessError, RunFailure
        If the folder is not writable, this Java cannot write archives, or Spark does not start.
    """
    archive.parent.mkdir(exist_ok=True)
    with archive.with_suffix(".lock").open("w") as lock, TemporaryDirectory() as temporary:
        try:
            try_lock(lock)
        except BlockingIOError:
            return
        if when_idle and not await_idle():
            return
        try:
            _write(archive, Path(temporary))
        except Exception as error:
            archive.with_suffix(".new").unlink(missing_ok=True)
            printed = getattr(error, "stdout", None) or ""
            last = "\n".join(printed.splitlines()[-10:])
            failure_marker(archive).write_text(f"{error}\n{last}\n", encoding="utf-8")
            raise
        failure_marker(archive).unlink(missing_ok=True)
        by_age = sorted(archive.parent.glob("*.jsa"), key=lambda other: other.stat().st_mtime_ns)
        for old in by_age[:-_KEPT]:  # 200 MB; a Java that has mapped it keeps it until it ends
            old.unlink(missing_ok=True)


def _write(archive: Path, folder: Path) -> None:
    classes = folder / "classes"
    jars = _note_classes(classes, folder)
    # Leave out classes that Java generates at run time: with them, Java 17 crashes under a profiler
    # or another agent. They make no start faster.
    noted = classes.read_text(encoding="utf-8").splitlines(keepends=True)
    classes.write_text("".join(line for line in noted if not line.startswith(_GENERATED)))
    # Write to a temporary name and rename, so other sessions see a complete file or none.
    new = archive.with_suffix(".new")
    new.unlink(missing_ok=True)
    dump = ("-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={new}")
    java = str(java_home() / "bin" / "java")
    subprocess.run(  # noqa: S603 - the Java that Spark uses, no shell
        [java, *dump, "-cp", jars],
        env=chosen_environment(),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with new.open("rb") as written:  # Java checks only the header, so the rest must be on disk
        os.fsync(written.fileno())
    new.replace(archive)


def _note_classes(classes: Path, folder: Path) -> str:
    """Aggregate two batches of the sample and return the class path of its Java."""
    output = str(folder / "output")
    fetch(plan_fetch(1, 40, "sample", output_dir=output))
    options = f"-Xshare:off -XX:DumpLoadedClassList={escape_option(classes)}"
    note = {"spark.driver.extraJavaOptions": options}
    spark = connect("local[2]", note, folder / "spark.log")
    compute(spark, select(1, 40, "sample", output), threshold_au=0.2)
    java: Any = spark.sparkContext._jvm
    jars: str = java.java.lang.System.getProperty("java.class.path")
    spark.stop()
    return jars


def await_idle() -> bool:
    """Wait until the machine is idle, so that no later run is slowed down; False if it never is."""
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while os.getloadavg()[0] > _IDLE_LOAD:
        if time.monotonic() > deadline:
            return False
        time.sleep(_CHECK_S)
    return True


def _yield_to_others() -> None:
    """Take the lowest priority."""
    os.nice(19)
    # Linux shares the processors between sessions first; nice counts within a session only.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")


if __name__ == "__main__":
    _yield_to_others()
    path = archive_path(java_home())
    if not path.exists():
        make(path, when_idle="--when-idle" in sys.argv)
