"""The parameters of a run: where they come from, and which values can be used."""

import logging
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from neo_utils.errors import WrongParameter
from neo_utils.positions import position_range
from neo_utils.settings.env_file import read_env_file, unknown_names_warning
from neo_utils.settings.folders import PROJECT, output_folder
from neo_utils.settings.parameters_file import read_parameters_file
from neo_utils.settings.service_address import DEMO_KEY, NASA_URL, check_api_url
from neo_utils.settings.spark import check_conf, check_master
from neo_utils.text import PrintableFormatter, shown

# Those that the command line, the environment and .env can set; a parameters file sets all.
NAMES_IN_ENVIRONMENT = (
    "START",
    "END",
    "SOURCE",
    "API_URL",
    "OUTPUT_DIR",
    "MASTER",
    "LOG_LEVEL",
)

PARAMETERS = (
    *map(str.lower, NAMES_IN_ENVIRONMENT),
    *("longest_wait_s", "refetch", "parquet_compression", "parquet_dictionary"),
    *("threshold_au", "spark_conf"),
)
SOURCES = ("auto", "nasa", "sample")
# What the environment and .env can set beside them; no parameters file does.
_FURTHER_NAMES = ("API_KEY", "WAIT", "AGAINST", "NEOS", "CLUSTER_SECRET_FILE", "EVENT_LOG_DIR")
# The key is taken out of every page, and shorter words stand in pages by themselves.
_SHORTEST_KEY = 16
_CODECS = ("none", "snappy", "gzip", "brotli", "lz4", "zstd")  # that Parquet and PyArrow know
# 150 km, and far more than the 2 AU within which NeoWs lists approaches.
_THRESHOLDS_AU = (1e-6, 1_000)
LONGEST_RETRY_AFTER_S = 86_400  # DEMO_KEY counts days, too; more is nothing to plan with
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def run_parameters(
    file: Path, environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> dict[str, Any]:
    """Return the checked parameters of a run, as the notebooks declare them.

    Names in ``.env`` that nothing uses are reported on stderr.

    The environment (where ``make`` puts its command line) goes before ``.env``, and both go before
    the parameters file. A name that is set to nothing counts as not set.

    Raises
    ------
    WrongParameter
        For a file that cannot be read, a name that no notebook knows, a value out of range.
    """
    parameters = {**default_parameters(), **read_parameters_file(file, PARAMETERS)}
    settings = read_env_file(env_file, environment) | {k: v for k, v in environment.items() if v}
    for name in NAMES_IN_ENVIRONMENT:
        if settings.get(name):
            parameters[name.lower()] = settings[name]
    _check_choice("WAIT", settings.get("WAIT") or "0", ("0", "1"))
    if settings.get("WAIT") == "1":
        parameters["longest_wait_s"] = LONGEST_RETRY_AFTER_S
    for name in ("threshold_au", "longest_wait_s"):
        if isinstance(parameters[name], str):  # as which YAML takes 1e-3
            with suppress(ValueError):
                parameters[name] = float(parameters[name])
    check(parameters)
    api_key(environment, env_file)
    if warning := unknown_names_warning(env_file, (*NAMES_IN_ENVIRONMENT, *_FURTHER_NAMES)):
        print(warning, file=sys.stderr)
    positions = position_range(parameters["start"], parameters["end"])
    return {**parameters, "start": positions.start, "end": positions.end or "all"}


def default_parameters() -> dict[str, Any]:
    """Return what ``parameters/default.yaml`` sets: every parameter.

    Raises
    ------
    WrongParameter
        If it cannot be read, sets a name that no notebook knows, or leaves one out.
    """
    file = PROJECT / "parameters/default.yaml"
    parameters = read_parameters_file(file, PARAMETERS)
    missing = [name for name in PARAMETERS if name not in parameters]
    if missing:
        raise WrongParameter(f"{file} sets no {', '.join(missing)}: give it its value again")
    return parameters


def check(parameters: Mapping[str, Any]) -> None:
    """Raise WrongParameter for the first value that no run could use."""
    position_range(parameters["start"], parameters["end"])
    _check_choice("SOURCE", parameters["source"], SOURCES)
    _check_choice("LOG_LEVEL", parameters["log_level"], _LOG_LEVELS)
    check_api_url(_text(parameters["api_url"]))
    _check_output_dir(parameters["output_dir"])
    check_master(_text(parameters["master"]))
    for name in ("refetch", "parquet_dictionary"):
        if not isinstance(parameters[name], bool):
            raise WrongParameter(f"{name}={shown(parameters[name])} is neither true nor false")
    _check_choice("parquet_compression", parameters["parquet_compression"], _CODECS)
    if not _is_number(parameters["threshold_au"], *_THRESHOLDS_AU):
        raise WrongParameter(
            f"threshold_au={shown(parameters['threshold_au'])} is not a valid distance: use a "
            "number of AU from {:g} to {:g}, such as 0.2".format(*_THRESHOLDS_AU)
        )
    if not _is_number(parameters["longest_wait_s"], 0, LONGEST_RETRY_AFTER_S):
        raise WrongParameter(
            f"longest_wait_s={shown(parameters['longest_wait_s'])} is not a valid time: use "
            f"seconds from 0 to {LONGEST_RETRY_AFTER_S}, such as 60"
        )
    check_conf(parameters["spark_conf"])


def setting(
    name: str, environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> str:
    """Return a setting from the environment or ``.env``; an empty text where it is not set."""
    return environment.get(name) or read_env_file(env_file, environment).get(name) or ""


def api_key(
    environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> str | None:
    """Return the API key from the environment or ``.env``, or None where none is set."""
    key = setting("API_KEY", environment, env_file).strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise WrongParameter("API_KEY holds blanks or characters that no key has: copy it anew")
    if key and key != DEMO_KEY and len(key) < _SHORTEST_KEY:
        raise WrongParameter(
            f"API_KEY has {len(key)} characters, and NASA's have 40: copy it anew, or leave it out"
        )
    return key or None


def chosen_source(source: str, key: str | None, api_url: str = NASA_URL) -> str:
    """Return "nasa" or "sample"; ``auto`` means the service where a key or its address is set.

    Examples
    --------
    >>> chosen_source("auto", key=None), chosen_source("auto", key="a key")
    ('sample', 'nasa')
    """
    _check_choice("SOURCE", source, SOURCES)
    if source != "auto":
        return source
    return "nasa" if key or api_url != NASA_URL else "sample"


def set_log_level(level: str) -> None:
    """Let the package's own log, and nobody else's, speak from this level on."""
    _check_choice("LOG_LEVEL", level, _LOG_LEVELS)
    log = logging.getLogger("neo_utils")
    log.setLevel(level)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(PrintableFormatter("%(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
        log.propagate = False


def _is_number(value: object, least: float, most: float) -> bool:
    # Compared before anything else is done with it: YAML has nan, inf and integers of any length.
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _text(value: object) -> str:
    return value if isinstance(value, str) else shown(value)


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise WrongParameter(f"{name}={shown(value)} is unknown: use {' or '.join(choices)}")


def _check_output_dir(output_dir: str) -> None:
    folder = output_folder(output_dir)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        usable = existing.is_dir()
    except PermissionError:  # reported where it is read or written
        return
    except OSError as error:  # such as a name that is too long
        raise WrongParameter(
            f"OUTPUT_DIR={shown(output_dir)} cannot be used: {error.strerror}"
        ) from None
    if not usable:
        raise WrongParameter(f"OUTPUT_DIR={folder} cannot be used: {existing} is no folder")
