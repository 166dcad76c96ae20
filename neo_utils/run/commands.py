"""The commands of ``neo``: what each one does and which options it takes."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.variables import setting

_OUTPUT = ("output_dir",)
_RANGE = ("start", "end", *_OUTPUT)
_STORED = ("start", "end", "source", *_OUTPUT)
_ASKED = (*_STORED, "api_url")
_FETCHED = (
    *(*_ASKED, "log_level", "longest_wait_s"),
    *("parquet_compression", "parquet_dictionary"),
)
_COUNTED = (*_STORED, "master", "threshold_au", "spark_conf", "log_level")
# A folder in the user's Jupyter settings would hide the notebooks. The most specific class wins, so
# each one is set.
_LAB = (
    *("ServerApp", "FileContentsManager", "AsyncFileContentsManager"),
    *("LargeFileManager", "AsyncLargeFileManager"),
)
_START_PAGE = "/lab/tree/notebooks/README.md"
# Defaults of JupyterLab: no question about news, no check for updates, rendered Markdown files.
# The user's own settings override them. docker-entrypoint.sh uses the same folder.
_JUPYTER_CONFIG = Path(__file__).with_name("jupyter")


class Command(NamedTuple):
    """A command: what it does, in a line of ``--help``, and the parameters that it takes."""

    function: Callable[[RunSettings, Namespace], None]
    meaning: str
    parameters: tuple[str, ...]


def _notebooks(*names: str) -> Callable[[RunSettings, Namespace], None]:
    def run(settings: RunSettings, options: Namespace) -> None:
        if not (PROJECT / "notebooks").is_dir():
            raise WrongParameter(
                "the notebooks are missing. Run this command in a checkout of the project, or use "
                "`import neo_utils` in a script"
            )
        for name in [name for name in os.environ if name.startswith("JUPYTER_")]:
            del os.environ[name]  # they would change how kernels start
        # The runner loads Jupyter: a wrong parameter is reported before that.
        import_module("neo_utils.run.runner").run(
            options.command, list(names), settings, options.began
        )

    return run


def _lab(_settings: RunSettings, _options: Namespace) -> None:
    """Replace this process by JupyterLab, with the project as its folder and a start page."""
    os.environ.pop("JUPYTER_PATH", None)  # it may name other kernels
    configured = os.environ.get("JUPYTER_CONFIG_PATH")  # the first folder has precedence
    folders = filter(None, [configured, str(_JUPYTER_CONFIG)])
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(folders)
    root = [f"--{cls}.{name}={PROJECT}" for cls in _LAB for name in ("root_dir", "preferred_dir")]
    urls = ["--ServerApp.base_url=/", f"--LabApp.default_url={_START_PAGE}"]
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *root, *urls])  # noqa: S606


def _local_cluster(_settings: RunSettings, options: Namespace) -> None:
    local_cluster = import_module("neo_utils.cluster.local_cluster")
    print(getattr(local_cluster, options.command.removeprefix("local-cluster-"))())


def _printed(module: str, name: str) -> Callable[[RunSettings, Namespace], None]:
    def run(settings: RunSettings, options: Namespace) -> None:
        function = getattr(import_module(f"neo_utils.run.{module}"), name)
        extra = (one.name for one in OPTIONS.get(options.command, ()))
        is_target = options.command in _WITH_VARIABLES
        given = (
            getattr(options, one) or (setting(one.upper()) if is_target else "") for one in extra
        )
        result = function(settings, *given)
        if isinstance(result, bytes):
            sys.stdout.buffer.write(result)
        else:
            print(result.rstrip("\n"))

    return run


COMMANDS = {
    "run": Command(
        _notebooks("fetch", "aggregate"),
        "fetch what is missing, compute the statistics, write the report",
        tuple(dict.fromkeys((*_FETCHED, "refetch", *_COUNTED))),
    ),
    "fetch": Command(_notebooks("fetch"), "fetch what is missing", (*_FETCHED, "refetch")),
    "backfill": Command(_notebooks("fetch"), "fetch a range again and replace it", _FETCHED),
    "aggregate": Command(
        _notebooks("aggregate"), "compute and plot the statistics of stored data", _COUNTED
    ),
    "report": Command(
        _notebooks("aggregate"), "write the report, computing only what is missing", _COUNTED
    ),
    "refresh": Command(
        _printed("refreshing", "refresh_text"),
        "fetch the oldest batches again and show what changed",
        tuple(name for name in _FETCHED if name not in ("start", "end")),
    ),
    "upcoming": Command(
        _printed("questions", "upcoming_text"), "list the next passages, by date", _OUTPUT
    ),
    "top": Command(
        _printed("questions", "top_text"),
        "list the nearest, fastest or slowest passages, or the largest NEOs",
        _OUTPUT,
    ),
    "show": Command(
        _printed("questions", "show_text"), "show what is stored about one NEO", _OUTPUT
    ),
    "sql": Command(
        _printed("questions", "query_text"),
        "query the views neos, passages, orbits, yearly and history",
        (*_OUTPUT, "threshold_au", "spark_conf"),
    ),
    "export": Command(
        _printed("questions", "export_text"),
        "export the tables as CSV, JSON, ECSV or VOTable",
        (*_OUTPUT, "threshold_au"),
    ),
    "plan": Command(
        _printed("terminal", "plan_text"),
        "show what a fetch would request",
        (*_ASKED, "refetch"),
    ),
    "status": Command(_printed("terminal", "status_text"), "show what is stored", _OUTPUT),
    "verify": Command(
        _printed("upkeep", "verify_text"), "check stored data against their checksums", _RANGE
    ),
    "rebuild": Command(
        _printed("upkeep", "rebuild_text"), "rebuild the tables from the archived pages", _RANGE
    ),
    "drift": Command(
        _printed("comparisons", "drift_between"),
        "compare with an older output",
        (*_STORED, "threshold_au"),
    ),
    "reconcile": Command(
        _printed("comparisons", "reconciled_with_cad"),
        "compare Earth approaches with JPL's list (needs a network)",
        _STORED,
    ),
    "lab": Command(_lab, "open JupyterLab on the notebooks", ()),
    "local-cluster-up": Command(
        _local_cluster, "start a Spark master and two workers on this machine", ()
    ),
    "local-cluster-down": Command(_local_cluster, "stop that cluster", ()),
    "clean": Command(
        _printed("upkeep", "clean_text"), "remove computed results; fetched data is kept", _OUTPUT
    ),
}


class Option(NamedTuple):
    """A further option of a command; without dashes, it is the command's argument."""

    flag: str
    metavar: str
    meaning: str

    @property
    def name(self) -> str:
        """The name of its value; in capital letters, of the environment variable."""
        return self.flag.lstrip("-").replace("-", "_")


# Commands whose options are also variables of a make target.
_WITH_VARIABLES = ("drift", "reconcile", "refresh", "upcoming")
_PASSAGE_FORMAT = Option(
    "--format", "FORMAT", "table, csv, json or ics, a calendar (default: table)"
)
_BODY = Option("--body", "NAME", "the body passed, or any (default: Earth)")
# The options of each command, besides its parameters.
OPTIONS = {
    "drift": (Option("--against", "FOLDER", "the older output to compare with"),),
    "reconcile": (Option("--neos", "NEOS", 'ids, numbers or designations, such as "433 99942"'),),
    "refresh": (
        Option("--older-than", "AGE", "only batches older than 30d, 12h or 2w (default: 30d)"),
        Option("--max-requests", "N", "at most N batches, one request each (default: the quota)"),
    ),
    "upcoming": (
        Option("--days", "N", "number of days (default: 365)"),
        Option("--within", "DISTANCE", "0.2 (AU), 10LD or 1e6km (default: 0.2)"),
        _BODY,
        Option("--from", "DAY", "first day, YYYY-MM-DD (default: today)"),
        Option("--rows", "N", "at most N passages (default: 10000)"),
        _PASSAGE_FORMAT,
    ),
    "top": (
        Option("record", "RECORD", "nearest, fastest, slowest or largest"),
        Option("--years", "YEARS", "such as 1900..2200 or 2029 (default: all)"),
        Option("--within", "DISTANCE", "0.2 (AU), 10LD or 1e6km (default: any distance)"),
        _BODY,
        Option("--rows", "N", "number of NEOs (default: 10)"),
        _PASSAGE_FORMAT,
    ),
    "show": (Option("neo", "NEO", 'id, number, designation or name, such as 433 or "2004 MN4"'),),
    "sql": (
        Option("statement", "SQL", "one query"),
        Option("--master", "VALUE", "the engine, as for run (default: duckdb)"),
        Option("--format", "FORMAT", "table, csv or json (default: table)"),
    ),
    "export": (
        Option("folder", "FOLDER", "a new folder, or one of an earlier export"),
        Option("--format", "FORMAT", "csv, json, ecsv or votable (default: csv)"),
    ),
}
