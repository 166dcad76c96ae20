"""The commands of ``neo``: what each one does and which options it takes."""

import difflib
import os
import re
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, NoReturn

from neo_utils import __version__
from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import (
    PARAMETERS,
    RunSettings,
    meaning_of,
    names_of,
    read_run_settings,
)
from neo_utils.settings.service_address import LONGEST_RETRY_AFTER_S
from neo_utils.settings.variables import setting
from neo_utils.text import shown

_DEFAULT_FILE = PROJECT / "parameters/default.yaml"
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
        extra = (one.name for one in _EXTRA.get(options.command, ()))
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
        _printed("questions", "sql_text"),
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
_EXTRA = {
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


class _Parser(ArgumentParser):
    """A parser that suggests the nearest valid command or option."""

    def error(self, message: str) -> NoReturn:
        if wrong := re.search("invalid choice: '(.*?)'", message):
            message = f"unknown command {shown(wrong[1])}"
            raise WrongParameter(f"{message}. {self._advice(wrong[1], COMMANDS)}")
        raise WrongParameter(f"{message}. Run `{self.prog} --help`")

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            valid = [option for action in self._actions for option in action.option_strings]
            advice = self._advice(unknown[0].partition("=")[0], valid)
            raise WrongParameter(f"unknown option {shown(unknown[0])}. {advice}")
        return options, unknown

    def _advice(self, wrong: str, valid: Iterable[str]) -> str:
        near = difflib.get_close_matches(wrong, valid, n=1)
        return f"Did you mean {near[0]}?" if near else f"Run `{self.prog} --help`"


def command_line(arguments: Sequence[str] | None = None) -> Namespace:
    """Parse the command line; raise WrongParameter for an unknown command or option."""
    parser = _Parser(
        prog="neo",
        description="Fetch near-Earth objects from NASA's NeoWs, count their close approaches, and "
        "answer questions about them.",
        epilog="Every option of a make target, except --spark-conf, can also be set in the "
        "environment or in .env, by its name in capital letters: START=1. The API key is set there "
        "only, as API_KEY.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"neo_utils {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in COMMANDS.items():
        description = f"{command.meaning[0].upper()}{command.meaning[1:]}."
        sub = commands.add_parser(
            name, help=command.meaning, description=description, allow_abbrev=False
        )
        for parameter in command.parameters:
            _add_option(sub, parameter)
        if "longest_wait_s" in command.parameters:
            sub.add_argument(
                "--wait", action="store_true", help="wait for the rate limit, for up to a day"
            )
        for option in _EXTRA.get(name, ()):
            sub.add_argument(option.flag, metavar=option.metavar, help=option.meaning)
        if command.parameters:
            sub.add_argument(
                "--parameters",
                metavar="FILE",
                type=Path,
                help="YAML file of parameters (default in a checkout: parameters/default.yaml)",
            )
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        parser.exit()
    return options


def _add_option(parser: ArgumentParser, name: str) -> None:
    kind, meaning = PARAMETERS[name][0], meaning_of(name)
    option, *short = ("--" + one.lower().replace("_", "-") for one in names_of(name))
    default = getattr(RunSettings(), name)
    if name == "spark_conf":
        parser.add_argument(
            option, metavar="NAME=VALUE", action="append", help=f"{meaning}; may be repeated"
        )
        return
    help_text = f"{meaning} (default: {default})".replace("%", "%%")
    if kind is bool:
        parser.add_argument(option, action=BooleanOptionalAction, help=help_text)
    else:
        parser.add_argument(option, *short, metavar="VALUE", help=help_text)


def run_settings(options: Namespace) -> RunSettings:
    """Return the parameters of a run, from the command line and as `read_run_settings` does."""
    given = {
        name: value
        for name, value in vars(options).items()
        if name in PARAMETERS and value is not None
    }
    if "spark_conf" in given:
        given["spark_conf"] = dict(map(_name_and_value, given["spark_conf"]))
    if getattr(options, "wait", False):
        given["longest_wait_s"] = LONGEST_RETRY_AFTER_S
    if options.command == "backfill":
        given["refetch"] = True
    file = getattr(options, "parameters", None) or (
        _DEFAULT_FILE if _DEFAULT_FILE.exists() else None
    )
    # The source depends on the key.
    uses_key = "source" in COMMANDS[options.command].parameters
    return read_run_settings(file, command_line=given, uses_key=uses_key)


def _name_and_value(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise WrongParameter(f"--spark-conf {shown(name)} is not valid. Use NAME=VALUE")
    return name, value
