"""How results were made: what they follow from, by which versions, and how to make them again."""

import platform

import pandas as pd
import pyarrow as pa

from neo_utils import __version__
from neo_utils.selection import Selection


def how_made(selection: Selection, engine: str, threshold_au: float) -> pd.DataFrame:
    """Return source, time of the fetch, versions and command of a count, a row for each.

    Parameters
    ----------
    engine
        What has counted, in words: `neo_utils.engines.engine_text`.
    """
    addresses = sorted({p.url.partition("?")[0] for p in selection.provenances.values()})
    sources = sorted({p.source for p in selection.provenances.values()})
    first, last = selection.fetched
    rows = {
        "source": selection.label,
        "address": ", ".join(addresses),
        "fetched": f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        "NEOs": f"{selection.neos_line}, in {len(selection.provenances):,} batches of 20",
        "threshold": f"{threshold_au} AU",
        "engine": engine,
        "versions": f"neo_utils {__version__}, PyArrow {pa.__version__}, "
        f"Python {platform.python_version()}",
        "made again by": f"make report {selection.positions.as_arguments} "
        f"SOURCE={' '.join(sources)} (fetches what is missing: make run)",
    }
    return pd.DataFrame({"": rows}).rename_axis("")
