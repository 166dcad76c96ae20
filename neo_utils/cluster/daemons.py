"""Start a daemon of a standalone cluster, in a container or as a local process.

``python -m neo_utils.cluster.daemons master|worker|history-server`` runs that daemon. Configure it
in the environment: ``CLUSTER_SECRET_FILE`` (created by the master), ``MASTER`` (for a worker) and
Spark's own variables, such as ``SPARK_MASTER_HOST``, ``SPARK_WORKER_CORES``,
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
from neo_utils.settings.spark import SECRET_SETTING, check_master

CLASSES = {
    "master": "org.apache.spark.deploy.master.Master",
    "worker": "org.apache.spark.deploy.worker.Worker",
    "history-server": "org.apache.spark.deploy.history.HistoryServer",
}
_MASTER_SETTINGS: Mapping[str, str] = {
    # The REST server accepts jobs without the secret.
    "spark.master.rest.enabled": "false",
    # Workers and drivers could not find a master on the next free port.
    "spark.port.maxRetries": "0",
    # A worker with a full disk fails ten times before another worker's first executor runs, and
    # Spark would then end the job: https://github.com/apache/spark/pull/23437
    "spark.deploy.maxExecutorRetries": "100",
    # Lets a restarted master read its workers and applications from disk. Otherwise it does not
    # recognise the applications and makes the workers end their executors.
    "spark.deploy.recoveryMode": "FILESYSTEM",
    # How long a restarted master waits for workers and applications that have gone. Those that
    # still run respond within a second.
    "spark.deploy.recoveryTimeout": "15",
}


def daemon(
    role: str, environment: Mapping[str, str], folder: Path
) -> tuple[list[str], dict[str, str]]:
    """Write a daemon's settings to ``folder``; return its command and environment.

    The secret is stored only in that settings file, which has mode 0600. (Spark's workers pass it
    to their executors in the environment, which only the same user can read.)

    Parameters
    ----------
    role
        "master", "worker" or "history-server".
    environment
        The variables listed in the module docstring, among others.
    folder
        A folder that only this user can open.

    Raises
    ------
    WrongParameter, JavaMissing
        If the secret or the master's address is invalid, or no usable Java is found.
    """
    settings: dict[str, str] = {}
    command = [str(SPARK_HOME / "bin" / "spark-class"), CLASSES[role]]
    if role != "history-server":  # it only reads files
        settings |= {**AUTHENTICATION, SECRET_SETTING: _secret(role, environment)}
    if role == "master":
        recovery = environment.get("SPARK_RECOVERY_DIR", str(folder / "recovery"))
        settings |= {**_MASTER_SETTINGS, "spark.deploy.recoveryDirectory": recovery}
    if role == "worker":
        master = environment.get("MASTER", "")
        check_master(master)
        command.append(master)
    _write_settings(settings, folder / "spark-defaults.conf")
    ours = {"SPARK_HOME": SPARK_HOME, "SPARK_CONF_DIR": folder, "JAVA_HOME": java_home()}
    # Executors inherit the daemon's environment, so it must not contain the API key, either in
    # API_KEY or in MAKEFLAGS, which contains make's command line.
    spark_variables = [name for name in environment if name.startswith("SPARK_")]
    kept = chosen_environment(environment, also=spark_variables)
    return command, kept | {name: str(path) for name, path in ours.items()}


def _secret(role: str, environment: Mapping[str, str]) -> str:
    file = named_secret(environment)
    if not file:
        raise WrongParameter(
            "CLUSTER_SECRET_FILE is not set. Set it to the path of the cluster secret, which the"
            " master creates"
        )
    if role == "master":  # a secret created by a worker would not match the master's
        make_secret(file)
    return read_secret(file)


def _write_settings(settings: Mapping[str, str], path: Path) -> None:
    lines = [f"{name} {value}".replace("\\", "\\\\") for name, value in settings.items()]
    # Write a temporary file with mode 0600 and rename it, because a daemon of the same role that
    # starts at the same time reads this file.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as new:
        new.write("\n".join([*lines, ""]))
    Path(new.name).replace(path)


def _settings_folder(role: str, environment: Mapping[str, str]) -> Path:
    """Return a folder that only this user can open, reused at every start so none accumulate."""
    cluster = sha256(str(named_secret(environment)).encode()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"neo-data-recaller-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise WrongParameter(
            f"other users own or can open {folder}. Remove it, or set TMPDIR to another folder"
        )
    ours = folder / f"{role}-{cluster}"
    ours.mkdir(exist_ok=True)
    return ours


def main(role: str) -> NoReturn:
    """Replace this process by the daemon, so signals reach its Java."""
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
