"""Check the Spark master and the Spark settings that a user may choose."""

import re
from collections.abc import Mapping
from typing import Any

from neo_utils.errors import WrongParameter
from neo_utils.text import shown

SECRET_SETTING = "spark.authenticate.secret"  # noqa: S105 - a setting's name
_MASTER = re.compile(
    r"local(\[(\*|[1-9]\d{0,3})(,\d{1,4})?\])?|spark://[^\s:,/]+:\d+(,[^\s:,/]+:\d+)*"
    r"|sc://[^\s:,/;@]+:(?P<port>[1-9]\d{0,4})(/(;[\w-]+=[^\s;=]+)*)?"
)
_PARAMETER = re.compile(r";([^=;]*)")  # of the address of a Spark Connect server
_KNOWN_PARAMETER = re.compile(r"use_ssl|user_id|user_agent|session_id|grpc_\w+|x-[a-z-]+-id")
_SECRET = re.compile(
    r"secret|passw|pwd|token|credential|authorization|bearer|cookie|jwt|signature"
    r"|(^|[^a-z])key([^a-z]|$)|api_?key",
    re.IGNORECASE,
)
_LARGEST_PORT = 65_535
DUCKDB = "duckdb"  # the engine without Spark
_SETTING = re.compile(r"[A-Za-z][\w.:/$-]{0,199}", re.ASCII)
_LARGEST_NUMBER = 2**63  # Java's limit; also rejects inf and nan


def check_master(master: str) -> None:
    """Raise WrongParameter unless ``master`` is a Spark master's address or "duckdb"."""
    address = _MASTER.fullmatch(master)
    unknown = [n for n in _PARAMETER.findall(master) if not _KNOWN_PARAMETER.fullmatch(n)]
    if address and unknown:
        raise WrongParameter(
            f"MASTER contains the parameter {shown(unknown[0])}. The executed notebook would show "
            "its value, which may be a secret. Leave it out, and set "
            "SPARK_CONNECT_AUTHENTICATE_TOKEN in the environment if the server needs a token"
        )
    if master != DUCKDB and not (address and int(address["port"] or 1) <= _LARGEST_PORT):
        visible = re.split("[;@]", master)[0] if "@" not in master else "..."  # no password
        raise WrongParameter(
            f"MASTER={shown(visible)} is not a Spark master. Use local[*], local[2], "
            f"spark://host:7077 or sc://host:15002, or {DUCKDB} to run without Spark"
        )


def check_conf(spark_conf: object) -> None:
    """Raise WrongParameter for invalid settings, and for one with the cluster's secret."""
    if not isinstance(spark_conf, Mapping):
        raise WrongParameter(
            "spark_conf is not a mapping. Use lines such as `spark.ui.enabled: true`"
        )
    if SECRET_SETTING in spark_conf:  # papermill writes parameters into the notebook
        raise WrongParameter(
            f"spark_conf sets {SECRET_SETTING}, which the executed notebook would show. Put the "
            "secret into a file of mode 600, and set CLUSTER_SECRET_FILE to its path"
        )

    for name, value in spark_conf.items():
        if not isinstance(name, str) or not _SETTING.fullmatch(name):
            raise WrongParameter(f"spark_conf sets {shown(name)}, which is not a valid name")
        if not _is_plain(value):  # not shown: it may be a password
            raise WrongParameter(
                f"spark_conf sets {shown(name)} to a value that is not plain. Use text on one "
                "line, a number, true or false"
            )


def _is_plain(value: object) -> bool:
    if isinstance(value, str):
        return all(c.isprintable() for c in value)
    return isinstance(value, bool | int | float) and abs(value) < _LARGEST_NUMBER


def is_embedded(master: str) -> bool:
    """Check whether executors run in this process."""
    return master.startswith("local")


def is_remote(master: str) -> bool:
    """Check whether the master is a Spark Connect server."""
    return master.startswith("sc://")


def is_secret(name: str) -> bool:
    """Check whether a setting's value must not be shown."""
    return _SECRET.search(name) is not None


def hide_secrets(spark_conf: Mapping[str, Any]) -> dict[str, Any]:
    """Return Spark settings without the values of those that are secrets."""
    return {k: "a secret" if is_secret(k) else value for k, value in spark_conf.items()}
