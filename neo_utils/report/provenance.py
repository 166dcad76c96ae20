"""The provenance table of a run: source, versions, and the commands that reproduce it."""

import math
import platform
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml

from neo_utils import __version__
from neo_utils.engines.engine import Session, describe_engine, describe_tasks
from neo_utils.neows.service import Service
from neo_utils.positions import batches_text
from neo_utils.settings.spark import hide_secrets
from neo_utils.store.make_commands import (
    master_argument,
    output_argument,
    source_arguments,
    source_hint,
    threshold_argument,
)
from neo_utils.store.selection import Selection

_CREDIT = {
    "nasa": "NASA/JPL-Caltech: NeoWs, based on data from CNEOS",
    "sample": "none: the objects are simulated by this project, in the format of NASA's NeoWs",
}


def provenance_table(
    selection: Selection,
    engine: Session,
    master: str,
    threshold_au: float,
    spark_conf: Mapping[str, Any],
) -> pd.DataFrame:
    """Return a table of source, credit, fetch time, versions, commands and other facts.

    Parameters
    ----------
    engine
        The engine that computed the results. On a cluster, the table contains each worker's share
        of the tasks, and identifies the worker by the address of its web page.
    master, threshold_au, spark_conf
        The parameters of the run.
    """
    # All services are of one source. If its address changed, the table lists every address, and the
    # commands use the first.
    services = sorted({p.service for p in selection.provenances.values()})
    first, last = selection.fetched
    rows = {
        "source": selection.label,
        "credit": _CREDIT[services[0].source],
        "address": ", ".join(service.url for service in services),
        "fetched": f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        "NEOs": f"{selection.neos_line}, in {batches_text(len(selection.provenances))} of 20",
        "threshold": f"{threshold_au} AU",
        "engine": describe_engine(engine),
        "tasks": describe_tasks(engine),
        "versions": f"neo_utils {__version__}, PyArrow {pa.__version__}, "
        f"Python {platform.python_version()}",
        "reproduce with": _commands(selection, services[0], master, threshold_au, spark_conf),
        "impact risk": "these numbers do not describe the risk of an impact. CNEOS's Sentry "
        "assesses it: https://cneos.jpl.nasa.gov/sentry/",
    }
    return pd.DataFrame({"item": rows.keys(), "value": rows.values()})


def _commands(
    selection: Selection,
    service: Service,
    master: str,
    threshold_au: float,
    spark_conf: Mapping[str, Any],
) -> str:
    """Return the commands that fetch missing batches and create the report."""
    same = (
        f"{selection.positions.as_arguments}{source_arguments(service)}"
        f"{output_argument(selection.output)}"
    )
    counted = f"{master_argument(master)}{threshold_argument(threshold_au)}"
    return (
        f"make report {same}{counted}{source_hint(service)}; "
        f"if batches are missing, first make fetch {same}{_spark_conf_hint(spark_conf)}"
    )


def _spark_conf_hint(spark_conf: Mapping[str, Any]) -> str:
    """Return what a parameters file must set, because ``make`` has no argument for it."""
    if not spark_conf:
        return ""
    shown = hide_secrets(spark_conf)
    text = yaml.safe_dump(shown, default_flow_style=True, width=math.inf, sort_keys=False)
    return (
        "; with PARAMETERS= naming a copy of parameters/default.yaml that sets spark_conf: "
        f"{text.strip()}"
    )
