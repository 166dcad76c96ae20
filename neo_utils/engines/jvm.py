"""Start and stop the Java process of a Spark session; it ends with this process."""

import os
import pwd
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyspark.java_gateway import launch_gateway

from neo_utils.engines.class_archive import archive_option, escape_option
from neo_utils.engines.java import SPARK_HOME, java_home
from neo_utils.environment import chosen_environment

_FALLBACK_USER = "neo"  # for a uid without an entry in the password file
_STOP_SECONDS = 10.0  # Java needs about 0.3 s to delete its temporary folders


def start_java(
    shown_settings: Mapping[str, str], own_address: str, log_path: Path, answer: Path
) -> subprocess.Popen[bytes]:
    """Start Java, replacing `pyspark.java_gateway.launch_gateway`.

    That function waits forever for a Java that hangs or exits with status 0, and meanwhile gives
    the caller no access to the process. Java writes the file ``answer`` when it is ready. Every
    user of the machine can read ``shown_settings`` on the command line.
    """
    home, machine = java_home(), _machine_options()
    users_options = os.environ.get("SPARK_SUBMIT_OPTS", "")
    environment = {
        **chosen_environment(),  # without the API key and settings of another Spark or Hadoop
        "JAVA_HOME": str(home),
        "SPARK_SUBMIT_OPTS": " ".join([*machine, archive_option(home), users_options]),
        "SPARK_LAUNCHER_OPTS": " ".join(machine),
        # If it is unset, Spark's scripts search for it with PYSPARK_DRIVER_PYTHON.
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_CONNECT_MODE": "0",
        "SPARK_API_MODE": "classic",
        "_PYSPARK_DRIVER_CONN_INFO_PATH": str(answer),
        "SPARK_LOCAL_IP": own_address,  # avoids looking up the host name
    }
    settings = [f"--conf={name}={value}" for name, value in shown_settings.items()]
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the installed PySpark's own script, no shell
            [str(SPARK_HOME / "bin" / "spark-submit"), *settings, "pyspark-shell"],
            stdin=subprocess.PIPE,  # Java exits when it closes, however this process ends
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C goes to Python alone, which then stops Java
        )


def _machine_options() -> list[str]:
    """Return the options that make Java honour TMPDIR and run for a user without name or home."""
    temporary = escape_option(Path(tempfile.gettempdir()))  # Java itself ignores TMPDIR
    # Java writes performance counters to /tmp, whatever TMPDIR is, and crashes on a full disk.
    options = [f"-Djava.io.tmpdir={temporary}", "-XX:-UsePerfData"]
    if _is_nameless():
        options += [f"-Duser.name={_FALLBACK_USER}", f"-Duser.home={temporary}"]
    return options


def _is_nameless() -> bool:
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return True
    return False


def reach_java(java: subprocess.Popen[bytes], answer: Path) -> Any:  # noqa: ANN401 - py4j is untyped
    """Wait until Java is ready and return the gateway to it."""
    while not answer.exists():
        if java.poll() is not None:
            raise RuntimeError(f"Java ended with status {java.returncode}")
        time.sleep(0.05)
    handshake = answer.read_bytes()
    port, length = struct.unpack_from("!ii", handshake)
    secret = handshake[8 : 8 + length].decode()
    ours = {"PYSPARK_GATEWAY_PORT": str(port), "PYSPARK_GATEWAY_SECRET": secret}
    os.environ.update(ours)
    try:
        gateway = launch_gateway()  # type: ignore[no-untyped-call]
    finally:
        for name in ours:
            del os.environ[name]
    gateway.proc = java
    if _is_nameless():  # Hadoop would look up the user name, and fail
        users = gateway.jvm.org.apache.hadoop.security.UserGroupInformation
        users.setLoginUser(users.createRemoteUser(_FALLBACK_USER))
    return gateway


def end(java: subprocess.Popen[bytes]) -> None:
    """Shut Java down, or kill it if that takes too long."""
    assert java.stdin is not None  # noqa: S101 - for the type checker
    java.stdin.close()  # Spark's gateway ends when this does
    try:
        java.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        kill(java)
        java.wait()


def kill(java: subprocess.Popen[bytes]) -> None:
    """Kill Java."""
    with suppress(ProcessLookupError):  # it has already ended
        os.killpg(java.pid, signal.SIGKILL)  # the scripts that start Java have children
