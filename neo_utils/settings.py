"""The parameters of a run: where they come from, and which values can be used."""

import difflib
import io
import logging
import math
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from dotenv.parser import parse_stream

from neo_utils.batches import position_range
from neo_utils.errors import WrongParameter
from neo_utils.quota import LONGEST_RETRY_AFTER_S
from neo_utils.source import DEMO_KEY, NASA_URL, check_api_url
from neo_utils.spark.conf import check_conf, check_master
from neo_utils.text import PrintableFormatter

PROJECT = Path(__file__).resolve().parents[1]  # relative folders are taken from here

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
# The key is taken out of every page, and shorter words stand in pages by themselves.
_SHORTEST_KEY = 16
_CODECS = ("none", "snappy", "gzip", "brotli", "lz4", "zstd")  # that Parquet and PyArrow know
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def run_parameters(
    file: Path, environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> dict[str, Any]:
    """Return the checked parameters of a run, as the notebooks declare them.

    The environment (where ``make`` puts its command line) goes before ``.env``, and both go before
    the parameters file. A name that is set to nothing counts as not set.

    Raises
    ------
    WrongParameter
        For a file that cannot be read, a name that no notebook knows, a value out of range.
    """
    parameters = {**default_parameters(), **_read_parameters_file(file)}
    settings = read_env_file(env_file) | {k: v for k, v in environment.items() if v}
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
    parameters = _read_parameters_file(file)
    missing = [name for name in PARAMETERS if name not in parameters]
    if missing:
        raise WrongParameter(f"{file} sets no {', '.join(missing)}: give it its value again")
    return parameters


def check(parameters: Mapping[str, Any]) -> None:
    """Raise WrongParameter for the first value that no run could use."""
    position_range(parameters["start"], parameters["end"])
    _check_choice("SOURCE", parameters["source"], SOURCES)
    _check_choice("LOG_LEVEL", parameters["log_level"], _LOG_LEVELS)
    check_api_url(str(parameters["api_url"]))
    _check_output_dir(parameters["output_dir"])
    check_master(str(parameters["master"]))
    for name in ("refetch", "parquet_dictionary"):
        if not isinstance(parameters[name], bool):
            raise WrongParameter(f"{name}={parameters[name]} is neither true nor false")
    _check_choice("parquet_compression", parameters["parquet_compression"], _CODECS)
    if not _is_number(parameters["threshold_au"], above=0):
        raise WrongParameter(
            f"threshold_au={parameters['threshold_au']} is no distance: "
            "use a number of AU above 0, such as 0.2"
        )
    if not _is_number(parameters["longest_wait_s"], above=-1):
        raise WrongParameter(
            f"longest_wait_s={parameters['longest_wait_s']} is no time: use seconds, such as 60"
        )
    check_conf(parameters["spark_conf"])


def output_folder(output_dir: str | Path) -> Path:
    """Return the folder of the data; a relative one lies in the project's folder."""
    try:
        return PROJECT / Path(output_dir).expanduser()
    except RuntimeError as error:
        raise WrongParameter(f"OUTPUT_DIR={output_dir} cannot be used: {error}") from None


def setting(
    name: str, environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> str:
    """Return a setting from the environment or ``.env``; an empty text where it is not set."""
    return environment.get(name) or read_env_file(env_file).get(name) or ""


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


def read_env_file(path: Path) -> dict[str, str]:
    """Return what ``.env`` sets; nothing where there is no such file."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise WrongParameter(f"{path.name} cannot be read ({reason}): mend or remove it") from None
    values = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:  # the line itself is not shown: it may hold the key
            raise WrongParameter(
                f"{path.name} cannot be read: line {binding.original.line} is no NAME=value"
            )
        if binding.key:
            values[binding.key] = binding.value or ""
    return values


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


def _read_parameters_file(path: Path) -> dict[str, Any]:
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or "no YAML"
        raise WrongParameter(f"the parameters file {path} cannot be read ({reason})") from None
    if not isinstance(given, dict):
        raise WrongParameter(f"the parameters file {path} holds no `name: value` lines")
    for name in given:
        if name not in PARAMETERS:
            near = difflib.get_close_matches(str(name), PARAMETERS, n=1) or [", ".join(PARAMETERS)]
            raise WrongParameter(f"{path} sets {name}, which no notebook knows: use {near[0]}")
    return given


def _is_number(value: object, above: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value > above


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise WrongParameter(f"{name}={value} is unknown: use {' or '.join(choices)}")


def _check_output_dir(output_dir: object) -> None:
    if not isinstance(output_dir, str) or not output_dir:
        raise WrongParameter(f"OUTPUT_DIR={output_dir} is no folder: use a name such as output")
    folder = output_folder(output_dir)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        raise WrongParameter(f"OUTPUT_DIR={folder} cannot be used: {existing} is no folder")
