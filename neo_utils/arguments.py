"""What is to be typed behind ``make`` so that it does what was done, in the same place."""

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from neo_utils.batches import PositionRange
from neo_utils.settings import PROJECT, default_parameters, output_folder, setting
from neo_utils.source import NASA_URL, Service
from neo_utils.spark.conf import is_secret


def make_command(
    target: str, positions: PositionRange, output: Path, service: Service | None = None
) -> str:
    """Return the command that takes a range of a folder on, as messages name it.

    Parameters
    ----------
    service
        Where the data come from, for commands that fetch; None leaves it to the user's settings.

    Examples
    --------
    >>> make_command("aggregate", PositionRange(21, 40), PROJECT / "build" / "mine")
    '`make aggregate START=21 END=40 OUTPUT_DIR=build/mine`'
    >>> make_command("fetch", PositionRange(1, 20), PROJECT / "output", Service("nasa", NASA_URL))
    '`make fetch START=1 END=20 SOURCE=nasa`'
    """
    source, hint = (source_arguments(service), source_hint(service)) if service else ("", "")
    return f"`make {target} {positions.as_arguments}{source}{output_argument(output)}`{hint}"


def source_arguments(service: Service) -> str:
    """Return a blank and SOURCE=..., and API_URL=... where that is at NASA or set by the user.

    An address that only stored files name is left out: they may have been passed on, and the
    command would send the user's key there.
    """
    named = service.source == "nasa" and service.url != NASA_URL and _is_trusted(service)
    address = f" API_URL={shlex.quote(service.url)}" if named else ""
    return f" SOURCE={service.source}{address}"


def source_hint(service: Service) -> str:
    """Return which API_URL the user has to add to a command; nothing where none is missing."""
    if service.source != "nasa" or _is_trusted(service):
        return ""
    return f" (add the API_URL of {service.label}, if you trust that service with your key)"


def _is_trusted(service: Service) -> bool:
    return service.label == Service("nasa", NASA_URL).label or service.url == setting("API_URL")


def output_argument(output: Path) -> str:
    """Return a blank and OUTPUT_DIR=..., or nothing where that is the default.

    Examples
    --------
    >>> output_argument(PROJECT / "output"), output_argument(PROJECT / "build" / "my data")
    ('', " OUTPUT_DIR='build/my data'")
    """
    if output == output_folder(default_parameters()["output_dir"]):
        return ""
    shown = output.relative_to(PROJECT) if output.is_relative_to(PROJECT) else output
    return f" OUTPUT_DIR={shlex.quote(str(shown))}"


def master_argument(master: str) -> str:
    """Return a blank and MASTER=..., or nothing where that is the default."""
    return "" if master == default_parameters()["master"] else f" MASTER={shlex.quote(master)}"


def set_in_a_file(threshold_au: float, spark_conf: Mapping[str, Any]) -> str:
    """Return what a parameters file must set, which nothing else can; nothing by the defaults.

    Examples
    --------
    >>> set_in_a_file(0.2, {})
    ''
    >>> set_in_a_file(0.05, {})
    ', with threshold_au: 0.05 in a copy of parameters/default.yaml, named by PARAMETERS='
    """
    shown = {k: "a secret" if is_secret(k) else value for k, value in spark_conf.items()}
    given = {"threshold_au": threshold_au, "spark_conf": shown}
    default = default_parameters()
    differing = {name: value for name, value in given.items() if value != default[name]}
    if not differing:
        return ""
    lines = yaml.safe_dump(differing, default_flow_style=True, width=math.inf, sort_keys=False)
    told = lines.strip()[1:-1]  # without the braces of the whole
    return f", with {told} in a copy of parameters/default.yaml, named by PARAMETERS="
