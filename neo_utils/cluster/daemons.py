"""How a daemon of a standalone cluster is started, in a container or as a process of this machine.

``python -m neo_utils.cluster.daemons master|worker|history-server`` becomes that daemon. It is set
by the environment: ``CLUSTER_SECRET_FILE`` (a master makes it), ``MASTER`` (for a worker),
and Spark's own names, such as ``SPARK_MASTER_HOST``, ``SPARK_WORKER_CORES``,
``SPARK_WORKER_MEMORY``, ``SPARK_LOCAL_IP`` or ``SPARK_HISTORY_OPTS``:
https://spark.apache.org/docs/latest/spark-standalone.html
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from neo_utils.engines.cluster_secret import make_secret, named_secret, read_secret
from neo_utils.engines.java import SPARK_HOME, java_home
from neo_utils.engines.spark_conf import AUTHENTICATION
from neo_utils.environment import chosen_environment
from neo_utils.errors import RunFailure, WrongParameter
from neo_utils.settings.spark import check_master

CLASSES = {
    "master": "org.apache.spark.deploy.master.Master",
    "worker": "org.apache.spark.deploy.worker.Worker",
    "history-server": "org.apache.spark.deploy.history.HistoryServer",
}
_MASTER_SETTINGS: Mapping[str, str] = {
    # It runs what anybody sends: Spark does not ask for the secret there.
    "spark.master.rest.enabled": "false",
    # A master on the next free port is one that nobody finds.
    "spark.port.maxRetries": "0",
    # A worker without a disk fails ten times before another's first executor runs, after which
    # Spark would end the job: https://github.com/apache/spark/pull/23437
    "spark.deploy.maxExecutorRetries": "100",
    # A master that is restarted reads its workers and applications from disk. Without that it does
    # not know the applications, and has the workers end their executors.
    "spark.deploy.recoveryMode": "FILESYSTEM",
    # For that long it waits for workers and applications that have ended meanwhile; those that are
    # still there answered within a second.
    "spark.deploy.recoveryTimeout": "15",
}


def daemon(
    role: str, environment: Mapping[str, str], folder: Path
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the environment of a daemon, and write its settings to ``folder``.

    The secret stands in that file alone, which has mode 0600. (A worker hands it to its executors
    in their environment, which only the same user can read: so Spark does it.)

    Parameters
    ----------
    role
        "master", "worker" or "history-server".
    environment
        What the module's text names, among others.
    folder
        A folder that only we can open.

    Raises
    ------
    WrongParameter
        If the secret or the master's address cannot be used.
    JavaMissing
        If there is no Java.
    """
    settings: dict[str, str] = {}
    command = [str(SPARK_HOME / "bin" / "spark-class"), CLASSES[role]]
    if role != "history-server":  # reads files, talks to nobody
        settings |= {**AUTHENTICATION, "spark.authenticate.secret": _secret(role, environment)}
    if role == "master":
        recovery = environment.get("SPARK_RECOVERY_DIR", str(folder / "recovery"))
        settings |= {**_MASTER_SETTINGS, "spark.deploy.recoveryDirectory": recovery}
    if role == "worker":
        master = environment.get("MASTER", "")
        check_master(master)
        command.append(master)
    _write_settings(settings, folder / "spark-defaults.conf")
    ours = {"SPARK_HOME": SPARK_HOME, "SPARK_CONF_DIR": folder, "JAVA_HOME": java_home()}
    # A daemon's executors inherit its environment, so it must not contain NASA's key: neither in
    # API_KEY nor in MAKEFLAGS, where make puts its command line.
    of_spark = [name for name in environment if name.startswith("SPARK_")]
    kept = chosen_environment(environment, also=of_spark)
    return command, kept | {name: str(path) for name, path in ours.items()}


def _secret(role: str, environment: Mapping[str, str]) -> str:
    file = named_secret(environment)
    if not file:
        raise WrongParameter(
            "CLUSTER_SECRET_FILE is not set: name a file for the cluster's secret, which the master"
            " makes"
        )
    if role == "master":  # a worker that made one of its own would ask why nobody knows it
        make_secret(file)
    return read_secret(file)


def _write_settings(settings: Mapping[str, str], path: Path) -> None:
    lines = [f"{name} {value}".replace("\\", "\\\\") for name, value in settings.items()]
    # Made aside, with mode 0600, and renamed: another daemon that starts now reads the same file.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write("\n".join([*lines, ""]))
    Path(new.name).replace(path)


def _settings_folder(role: str, environment: Mapping[str, str]) -> Path:
    """Return a folder that only we can open, the same at every start: nobody would remove it."""
    cluster = sha256(str(named_secret(environment)).encode()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"neo-data-recaller-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise WrongParameter(f"{folder} is not ours alone: remove it, or set TMPDIR")
    ours = folder / f"{role}-{cluster}"
    ours.mkdir(exist_ok=True)
    return ours


def main(role: str) -> NoReturn:
    """Become the daemon: signals to this process are then signals to its Java."""
    try:
        folder = _settings_folder(role, os.environ)
        command, environment = daemon(role, os.environ, folder)
    except RunFailure as failure:
        print(f"{role}: {failure}", file=sys.stderr)
        sys.exit(failure.exit_status)
    os.execve(command[0], command, environment)  # noqa: S606 - Spark's own script, no shell


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="neo_utils.cluster.daemons", description=__doc__)
    parser.add_argument("role", choices=[*CLASSES])
    main(**vars(parser.parse_args()))
