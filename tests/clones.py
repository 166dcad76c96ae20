"""Fresh clones of the project, and commands that a user runs in them."""

import os
import shutil
import subprocess

import pyarrow.parquet as pq

from neo_utils.settings.folders import PROJECT

_PARAMETERS = ("START", "END", "SOURCE", "API_KEY", "API_URL", "OUTPUT_DIR", "MASTER")
_OF_MAKE = ("MAKEFLAGS", "MAKELEVEL")  # under make, another make prints its folder
# What .gitignore names, for a checkout without git, such as an unpacked ZIP download.
_IGNORED = ("__pycache__", ".git", ".venv", "build", "output", ".env", ".cluster")


def clone_into(folder):
    """Copy the files that git tracks or would add, without .venv."""
    for name in filter(lambda name: (PROJECT / name).is_file(), _names()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    return folder


def _names():
    if not (PROJECT / ".git").exists():
        paths = [path.relative_to(PROJECT) for path in PROJECT.rglob("*")]
        return [path for path in paths if not set(path.parts) & set(_IGNORED)]
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(  # noqa: S603 - no shell
        listed, cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def stored_rows(output, table="aggregations", positions="batches-1-200"):
    """Return the rows of a stored result; of "aggregations", pairs of metric and value."""
    path = output / table / positions / "part-0.parquet"
    return [tuple(row.values()) for row in pq.read_table(path, partitioning=None).to_pylist()]


def run(folder, *command, **environment):
    """Run a command in a folder, without the parameters of this process."""
    kept = {k: v for k, v in os.environ.items() if k not in (*_PARAMETERS, *_OF_MAKE)}
    return subprocess.run(  # noqa: S603 - the project's own commands
        command,
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
