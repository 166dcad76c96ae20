"""How results were made: what they follow from, by which versions, and how to make them again."""

import platform
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from neo_utils import __version__
from neo_utils.arguments import master_argument, output_argument, set_in_a_file
from neo_utils.selection import Selection
from neo_utils.source import NASA_URL

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
        What has counted, in words: `neo_utils.engines.engine_text`.
    master, threshold_au, spark_conf
        The parameters of the count.
    """
    (source,) = {p.source for p in selection.provenances.values()}
    first, last = selection.fetched
    rows = {
        "source": selection.label,
        "credit": _CREDIT[source],
        "address": ", ".join(_addresses(selection)),
        "fetched": f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        "NEOs": f"{selection.neos_line}, in {len(selection.provenances):,} batches of 20",
        "threshold": f"{threshold_au} AU",
        "engine": engine,
        "versions": f"neo_utils {__version__}, PyArrow {pa.__version__}, "
        f"Python {platform.python_version()}",
        "made again by": _commands(selection, source, master)
        + set_in_a_file(threshold_au, spark_conf),
        "on risk": "no number here is a statement on the risk of an impact; that is assessed by "
        "CNEOS's Sentry, https://cneos.jpl.nasa.gov/sentry/",
    }
    return pd.DataFrame({"what": rows.keys(), "how": rows.values()})


def _addresses(selection: Selection) -> list[str]:
    return sorted({p.service.url for p in selection.provenances.values()})


def _commands(selection: Selection, source: str, master: str) -> str:
    """Return the commands that fetch what is missing, and make the report again."""
    same = f"{selection.positions.as_arguments} SOURCE={source}{output_argument(selection.output)}"
    others = [url for url in _addresses(selection) if source == "nasa" and url != NASA_URL]
    fetch = "".join([f"make fetch {same}", *(f" API_URL={url}" for url in others)])
    return f"{fetch} first, where batches are missing; make report {same}{master_argument(master)}"
