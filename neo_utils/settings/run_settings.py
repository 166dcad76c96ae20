"""The parameters of a run: each one once, with its type, default, valid values and meaning.

This declaration gives the options of ``neo``, the check of ``parameters/*.yaml`` and the table of
parameters in ``docs/reference.md``.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from neo_utils.errors import WrongParameter
from neo_utils.positions import PositionRange, position_range
from neo_utils.settings.choices import choices_text
from neo_utils.settings.folders import PROJECT, check_output_dir, output_folder
from neo_utils.settings.log import LogLevel
from neo_utils.settings.parameters_file import read_parameters_file
from neo_utils.settings.service_address import (
    LONGEST_RETRY_AFTER_S,
    NASA_URL,
    Source,
    check_api_url,
)
from neo_utils.settings.spark import check_conf, check_master, hide_secrets
from neo_utils.settings.variables import api_key, read_env_file, unknown_names_warning
from neo_utils.text import shown

# Read from the environment or .env, but not parameters of a notebook.
_FURTHER_NAMES = (
    *("API_KEY", "WAIT", "AGAINST", "NEOS", "CLUSTER_SECRET_FILE", "EVENT_LOG_DIR"),
    *("DAYS", "WITHIN", "BODY", "FROM", "ROWS", "FORMAT", "OLDER_THAN", "MAX_REQUESTS"),
)


class RunSettings(Struct, frozen=True, kw_only=True):
    """Every parameter of a run, parsed and checked; see `read_run_settings`."""

    start: Annotated[
        int, Meta(description="first position of the Browse listing: 1 plus a multiple of 20")
    ] = 1
    end: Annotated[
        int | Literal["all"], Meta(description="last position: a multiple of 20, or all")
    ] = 200
    source: Annotated[
        Source,
        Meta(
            description="where the data comes from; auto is nasa if an API key or another API_URL "
            "is set, else sample"
        ),
    ] = "auto"
    api_url: Annotated[str, Meta(description="Browse address of source nasa")] = NASA_URL
    output_dir: Annotated[
        str, Meta(description="folder of the data; a relative path starts at the project's folder")
    ] = "output"
    log_level: Annotated[
        LogLevel,
        Meta(description="DEBUG shows every request, file and Spark setting"),
    ] = "INFO"
    refetch: Annotated[
        bool, Meta(description="fetch stored pages again and replace them, as backfill does")
    ] = False
    longest_wait_s: Annotated[
        Annotated[int, Meta(ge=0, le=LONGEST_RETRY_AFTER_S)]
        | Annotated[float, Meta(ge=0, le=LONGEST_RETRY_AFTER_S)],
        Meta(description="longest wait for the rate limit, in seconds; a longer one ends the run"),
    ] = 60
    parquet_compression: Annotated[
        Literal["none", "snappy", "gzip", "brotli", "lz4", "zstd"],
        Meta(description="codec of the Parquet files; zstd is a third smaller than snappy"),
    ] = "zstd"
    parquet_dictionary: Annotated[
        bool, Meta(description="dictionary encoding; ids and bodies repeat in the approaches")
    ] = True
    master: Annotated[
        str,
        Meta(
            description="engine: local[*] is Spark on this machine, spark://host:7077 or "
            "sc://host:15002 a cluster, duckdb needs no Spark"
        ),
    ] = "local[*]"
    # From 150 m to far more than the 2 AU within which NeoWs lists approaches. An int stays an
    # int: the number is part of the metrics' names.
    threshold_au: Annotated[
        Annotated[int, Meta(ge=1, le=1_000)] | Annotated[float, Meta(ge=1e-6, le=1_000)],
        Meta(description="approaches closer than this many AU are counted as under"),
    ] = 0.2
    spark_conf: Annotated[dict[str, Any], Meta(description="further Spark settings by name")] = (
        msgspec.field(default_factory=dict)
    )

    def __repr__(self) -> str:
        """Return the parameters, without the values of Spark settings that are secrets."""
        values = self.notebook_parameters() | {"spark_conf": hide_secrets(self.spark_conf)}
        return f"RunSettings({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    @property
    def positions(self) -> PositionRange:
        """The range START..END."""
        return PositionRange(self.start, None if self.end == "all" else self.end)

    @property
    def output(self) -> Path:
        """The folder of the data, as an absolute path."""
        return output_folder(self.output_dir)

    def notebook_parameters(self) -> dict[str, Any]:
        """Return all parameters by name, as Papermill takes them."""
        return msgspec.structs.asdict(self)


# Type and meaning of each parameter, in the order in which they are declared.
PARAMETERS = {
    name: (get_args(hint)[0], get_args(hint)[1].description)
    for name, hint in get_type_hints(RunSettings, include_extras=True).items()
}
# The command line and the environment hold text; a mapping has no obvious form there.
NAMES_IN_ENVIRONMENT = tuple(name.upper() for name in PARAMETERS if name != "spark_conf")
# Also valid on the command line, in the environment and in .env.
SHORT_NAMES = {"THRESHOLD": "THRESHOLD_AU"}


def read_run_settings(
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    env_file: Path = PROJECT / ".env",
    command_line: Mapping[str, Any] | None = None,
    *,
    uses_key: bool = True,
) -> RunSettings:
    """Return the parameters of a run, parsed and checked.

    The command line overrides the environment (where ``make`` puts its own command line), then come
    ``.env``, the parameters file and the defaults. An empty variable counts as not set. Unknown
    names in ``.env`` are reported on stderr. ``uses_key`` checks the API key.

    Raises
    ------
    WrongParameter
        If a file cannot be read or sets an unknown name, or a value is not valid. The message shows
        the value and the nearest valid ones.
    """
    values = read_parameters_file(file, tuple(PARAMETERS)) if file else {}
    variables = _in_full(read_env_file(env_file, environment)) | _in_full(environment)
    for name in NAMES_IN_ENVIRONMENT:
        if variables.get(name):
            values[name.lower()] = variables[name]
    wait = variables.get("WAIT") or "0"
    if wait not in ("0", "1"):
        raise WrongParameter(f"WAIT={shown(wait)} is not valid. Use 0 or 1")
    if wait == "1":
        values["longest_wait_s"] = LONGEST_RETRY_AFTER_S
    settings = parse_settings(values | dict(command_line or {}))
    if uses_key:
        api_key(environment, env_file)
    known = (*NAMES_IN_ENVIRONMENT, *SHORT_NAMES, *_FURTHER_NAMES)
    if warning := unknown_names_warning(env_file, known):
        print(warning, file=sys.stderr)
    return settings


def names_of(parameter: str) -> list[str]:
    """Return a parameter's name in the environment, and its short names.

    Examples
    --------
    >>> names_of("threshold_au"), names_of("start")
    (['THRESHOLD_AU', 'THRESHOLD'], ['START'])
    """
    name = parameter.upper()
    return [name, *(short for short, full in SHORT_NAMES.items() if full == name)]


def _in_full(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are set, without short names."""
    given = {name: value for name, value in variables.items() if value}
    for short, name in SHORT_NAMES.items():
        if (value := given.pop(short, None)) and given.setdefault(name, value) != value:
            both = f"{short}={shown(value)} and {name}={shown(given[name])}"
            raise WrongParameter(f"{both} differ. Set one of them")
    return given


def parse_settings(values: Mapping[str, Any]) -> RunSettings:
    """Return settings with these values or defaults; raise WrongParameter for an invalid value."""
    default = RunSettings()
    positions = position_range(values.get("start", default.start), values.get("end", default.end))
    check_conf(values.get("spark_conf", {}))
    parsed: dict[str, Any] = {
        name: value if name == "spark_conf" else _parsed(name, value)
        for name, value in values.items()
        if name not in ("start", "end")
    }
    settings = RunSettings(start=positions.start, end=positions.end or "all", **parsed)
    check_api_url(settings.api_url)
    check_output_dir(settings.output_dir)
    check_master(settings.master)
    return settings


def check_parameter(name: str, value: object) -> None:
    """Raise WrongParameter if a value of a parameter is not valid."""
    _parsed(name, value)


def _parsed(name: str, value: object) -> object:
    kind = PARAMETERS[name][0]
    try:
        # Text from the command line or the environment may be a number, true or false.
        parsed = msgspec.convert(value, kind, strict=not isinstance(value, str))
        if parsed != parsed:  # NaN passes the bounds
            raise msgspec.ValidationError
    except (msgspec.ValidationError, OverflowError):
        raise WrongParameter(
            f"{name.upper()}={shown(value)} is not valid. Use {valid_values(name)}"
        ) from None
    return parsed


def meaning_of(name: str) -> str:
    """Return the meaning of a parameter and, if they can be listed, its valid values.

    Examples
    --------
    >>> meaning_of("log_level")
    'DEBUG shows every request, file and Spark setting. Valid: DEBUG, INFO, WARNING or ERROR'
    """
    kind, meaning = PARAMETERS[name]
    # For text, flags, positions and mappings, the meaning is enough.
    is_listed = kind not in (bool, str) and name not in ("start", "end", "spark_conf")
    return f"{meaning}. Valid: {valid_values(name)}" if is_listed else meaning


def valid_values(name: str) -> str:
    """Return the valid values of a parameter in words.

    Examples
    --------
    >>> valid_values("source"), valid_values("refetch")
    ('auto, nasa or sample', 'true or false')
    >>> valid_values("threshold_au")
    'a number from 1e-06 to 1000'
    """
    kind = PARAMETERS[name][0]
    if get_origin(kind) is Literal:
        return choices_text(kind)
    if kind is bool:
        return "true or false"
    if kind is str:
        return "text"
    bounds = get_args(get_args(kind)[-1])[1]
    return f"a number from {bounds.ge:g} to {bounds.le:g}"
