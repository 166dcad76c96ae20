"""How results were made: what they follow from, by which versions, and how to make them again."""

import math
import platform
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml

from neo_utils import __version__
from neo_utils.neows.service import Service
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.spark import is_secret
from neo_utils.store.make_commands import (
    master_argument,
    output_argument,
    source_arguments,
    source_hint,
)
from neo_utils.store.selection import Selection

_CREDIT = {
    "nasa": "NASA/JPL-Caltech: NeoWs, on data of CNEOS",
    "sample": "none is due: the objects are simulated by this project, in the form of NASA's NeoWs",
}


def how_made(
    selection: Selection,
    engine: str,
    *,
    master: str,
    threshold_au: float,
    spark_conf: Mapping[str, Any],
) -> pd.DataFrame:
    """Return source, credit, time of the fetch, versions and commands of a count, a row for each.

    Parameters
    ----------
    engine
        What has counted, in words: `neo_utils.engines.engine.describe_engine`.
    master, threshold_au, spark_conf
        The parameters of the count.
    """
    # Of one source; should its address have changed, all are told, and the commands name one.
    services = sorted({p.service for p in selection.provenances.values()})
    first, last = selection.fetched
    rows = {
        "source": selection.label,
        "credit": _CREDIT[services[0].source],
        "address": ", ".join(service.url for service in services),
        "fetched": f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        "NEOs": f"{selection.neos_line}, in {len(selection.provenances):,} batches of 20",
        "threshold": f"{threshold_au} AU",
        "engine": engine,
        "versions": f"neo_utils {__version__}, PyArrow {pa.__version__}, "
        f"Python {platform.python_version()}",
        "made again by": _commands(selection, services[0], master)
        + set_in_a_file(threshold_au, spark_conf),
        "on risk": "no number here is a statement on the risk of an impact; that is assessed by "
        "CNEOS's Sentry, https://cneos.jpl.nasa.gov/sentry/",
    }
    return pd.DataFrame({"what": rows.keys(), "how": rows.values()})


def _commands(selection: Selection, service: Service, master: str) -> str:
    """Return the commands that fetch what is missing, and make the report again."""
    same = (
        f"{selection.positions.as_arguments}{source_arguments(service)}"
        f"{output_argument(selection.output)}"
    )
    return (
        f"make fetch {same} first, where batches are missing; "
        f"make report {same}{master_argument(master)}{source_hint(service)}"
    )


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
    default = RunSettings().notebook_parameters()
    differing = {name: value for name, value in given.items() if value != default[name]}
    if not differing:
        return ""
    lines = yaml.safe_dump(differing, default_flow_style=True, width=math.inf, sort_keys=False)
    told = lines.strip()[1:-1]  # without the braces of the whole
    return f", with {told} in a copy of parameters/default.yaml, named by PARAMETERS="
