"""Parse the command line of ``neo``."""

import difflib
import re
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from neo_utils import __version__
from neo_utils.errors import WrongParameter
from neo_utils.run.commands import COMMANDS, OPTIONS
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import (
    PARAMETERS,
    RunSettings,
    meaning_of,
    names_of,
    read_run_settings,
)
from neo_utils.settings.service_address import LONGEST_RETRY_AFTER_S
from neo_utils.text import shown

_DEFAULT_FILE = PROJECT / "parameters/default.yaml"


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
        for option in OPTIONS.get(name, ()):
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
