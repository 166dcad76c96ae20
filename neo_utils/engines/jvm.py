"""The Java process behind a Spark session: started quietly, bounded in time, ended with ours."""

import os
import pwd
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyspark.java_gateway import launch_gateway

from neo_utils.engines.class_archive import archive_option, as_one_word
from neo_utils.engines.java import SPARK_HOME, java_home
from neo_utils.environment import chosen_environment

_NAMELESS = "neo"  # for a uid without an entry in the password file
_STOP_SECONDS = 10.0  # Java needs about 0.3 s to delete its temporary folders


def start_java(
    shown_settings: Mapping[str, str], own_address: str, log_path: Path, answer: Path
) -> subprocess.Popen[bytes]:
    """Start Java as `pyspark.java_gateway.launch_gateway` does, except for what is told here.

    That function waits without limit for a Java that hangs, or ends with status 0, and keeps the
    process to itself meanwhile, so that nobody can end it.

    Parameters
    ----------
    shown_settings
        Spark settings for the command line, which everybody on the machine can read.
    own_address
        The address of this machine at which Spark listens, its web page included.
    log_path
        File that what Java prints is appended to; its folder is made.
    answer
        File that Java writes when it is ready.
    """
    home = java_home()
    environment = {
        **chosen_environment(),  # without NASA's key, and without another Spark's or Hadoop's names
        "JAVA_HOME": str(home),
        "SPARK_SUBMIT_OPTS": " ".join(
            [
                *_machine_options(),
                # Mapped in place of parsed, Spark's classes take 4 s off the 15 of a small run.
                archive_option(home),
                os.environ.get("SPARK_SUBMIT_OPTS", ""),
            ]
        ),
        "SPARK_LAUNCHER_OPTS": " ".join(_machine_options()),
        # Spark's scripts use this variable. Unset, they would search with PYSPARK_DRIVER_PYTHON.
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_CONNECT_MODE": "0",
        "SPARK_API_MODE": "classic",
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(answer),
        "SPARK_LOCAL_IP": own_address,  # no look-up of this machine's name
    }
    settings = [f"--conf={name}={value}" for name, value in shown_settings.items()]
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the installed PySpark's own script, no shell
            [str(SPARK_HOME / "bin" / "spark-submit"), *settings, "pyspark-shell"],
            stdin=subprocess.PIPE,  # closed by the system when we end, however: Java ends then
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C is for Python, which tells Java what to do
        )


def _machine_options() -> list[str]:
    """Return the options that let Java work with TMPDIR and with a user who has no name or home."""
    temporary = as_one_word(Path(tempfile.gettempdir()))  # Java itself ignores TMPDIR
    # Its performance counters are a file in /tmp, whatever TMPDIR: on a full disk Java crashes.
    options = [f"-Djava.io.tmpdir={temporary}", "-XX:-UsePerfData"]
    if _is_nameless():
        options += [f"-Duser.name={_NAMELESS}", f"-Duser.home={temporary}"]
    return options


def _is_nameless() -> bool:
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return True
    return False


def reach_java(java: subprocess.Popen[bytes], answer: Path) -> Any:  # noqa: ANN401 - py4j is untyped
    """Return the gateway to a Java that was started, once it is ready."""
    while not answer.exists():
        if java.poll() is not None:
            raise RuntimeError(f"Java ended with status {java.returncode}")
        time.sleep(0.05)
    told = answer.read_bytes()
    port, length = struct.unpack_from("!ii", told)
    secret = told[8 : 8 + length].decode()
    with _environment(PYSPARK_GATEWAY_PORT=str(port), PYSPARK_GATEWAY_SECRET=secret):
        gateway = launch_gateway()  # type: ignore[no-untyped-call]
    gateway.proc = java
    if _is_nameless():  # Hadoop would ask the system for a name, and fail
        users = gateway.jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(_NAMELESS))
    return gateway


def end(java: subprocess.Popen[bytes]) -> None:
    """End Java in good order, or by force if that takes too long."""
    assert java.stdin is not None  # noqa: S101 - for the type checker
    java.stdin.close()  # Spark's gateway ends when this does
    try:
        java.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        kill(java)
        java.wait()


def kill(java: subprocess.Popen[bytes]) -> None:
    """End Java at once."""
    with suppress(ProcessLookupError):  # ended by itself meanwhile
        os.killpg(java.pid, signal.SIGKILL)  # the scripts that start Java have children


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
