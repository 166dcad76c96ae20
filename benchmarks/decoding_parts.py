"""Where the time of decoding a page goes: its steps one after the other, each by itself."""

from itertools import pairwise
from statistics import median
from time import process_time_ns
from typing import TypeAlias

import pyarrow as pa

from neo_utils.neows import pages
from neo_utils.store import page_tables
from neo_utils.store.schemas import CLOSE_APPROACHES, RAW

Parts: TypeAlias = dict[str, float]
# In the order in which they are done.
PARTS = (
    *("structs", "times", "columns", "to Arrow", "NEO columns", "NEOs to Arrow"),
    *("structs freed", "tables freed"),
)


def parts_s(body: bytes) -> Parts:
    """Decode a page as `decode_page` does; return the processor time of each step, in seconds.

    ``structs``: msgspec decodes and checks. ``times``: the approaches of all NEOs, their times, and
    whether one stands there twice. ``columns``, ``to Arrow``: the approaches' columns out of the
    structs, and their table. ``NEO columns``, ``NEOs to Arrow``: the same of the NEOs. Then the
    structs are freed, with those columns, and the tables.
    """
    clock = [process_time_ns()]
    page = pages._PAGE.decode(body)
    neos = page.near_earth_objects
    clock.append(process_time_ns())
    approaches, times = page_tables._distinct_approaches(neos)
    clock.append(process_time_ns())
    of_approaches = page_tables._approach_columns(neos, approaches, times)
    clock.append(process_time_ns())
    approach_table = pa.Table.from_pydict(of_approaches, CLOSE_APPROACHES)
    clock.append(process_time_ns())
    of_neos = page_tables._neo_columns(neos)
    clock.append(process_time_ns())
    neo_table = pa.Table.from_pydict(of_neos, RAW)
    clock.append(process_time_ns())
    del page, neos, approaches, times, of_approaches, of_neos
    clock.append(process_time_ns())
    del neo_table, approach_table
    clock.append(process_time_ns())
    taken = (after - before for before, after in pairwise(clock))
    return {name: ns / 1e9 for name, ns in zip(PARTS, taken, strict=True)}


def shares(measured: list[Parts], whole_s: float, of_s: float) -> Parts:
    """Return the median of each part and, as ``left``, what they leave of the whole.

    Parameters
    ----------
    measured
        The parts of every repeat, in seconds.
    whole_s
        Seconds of the undivided work, of which ``left`` is what no part tells.
    of_s
        The seconds that count as 1.
    """
    medians = {name: median(parts[name] for parts in measured) for name in measured[0]}
    medians["left"] = whole_s - sum(medians.values())
    return {name: seconds / of_s for name, seconds in medians.items()}
