"""Measure each step of decoding a page by itself."""

from itertools import pairwise
from statistics import median
from time import process_time_ns
from typing import TypeAlias

import pyarrow as pa

from neo_utils.neows import pages
from neo_utils.store import page_tables
from neo_utils.store.schemas import CLOSE_APPROACHES, ORBITS, RAW

Parts: TypeAlias = dict[str, float]
# In order of execution.
PARTS = (
    *("leading zeros", "structs", "times", "columns", "to Arrow", "NEO columns", "NEOs to Arrow"),
    *("orbits",),
    *("structs freed", "tables freed"),
)


def parts_s(body: bytes) -> Parts:
    """Decode a page as `decode_page` does; return the processor time of each step, in seconds.

    ``leading zeros``: complete the decimals of orbits. ``structs``: msgspec decodes and validates.
    ``times``: parse the times of all approaches and find duplicates. ``columns``, ``to Arrow``:
    collect the columns of the approaches from the structs, and build their table. ``NEO columns``,
    ``NEOs to Arrow``: the same for the NEOs; ``orbits``: both for their orbits. The last two steps
    free the structs with these columns, and the tables.
    """
    clock = [process_time_ns()]
    body = pages._with_leading_zeros(body)
    clock.append(process_time_ns())
    page = pages._PAGE.decode(body)
    neos = page.near_earth_objects
    clock.append(process_time_ns())
    approaches, times = page_tables._distinct_approaches(neos)
    clock.append(process_time_ns())
    approach_columns = page_tables._approach_columns(neos, approaches, times)
    clock.append(process_time_ns())
    approach_table = pa.Table.from_pydict(approach_columns, CLOSE_APPROACHES)
    clock.append(process_time_ns())
    neo_columns = page_tables._neo_columns(neos)
    clock.append(process_time_ns())
    neo_table = pa.Table.from_pydict(neo_columns, RAW)
    clock.append(process_time_ns())
    orbit_table = pa.Table.from_pydict(page_tables._orbit_columns(neos), ORBITS)
    clock.append(process_time_ns())
    del page, neos, approaches, times, approach_columns, neo_columns
    clock.append(process_time_ns())
    del neo_table, approach_table, orbit_table
    clock.append(process_time_ns())
    durations = (after - before for before, after in pairwise(clock))
    return {name: ns / 1e9 for name, ns in zip(PARTS, durations, strict=True)}


def shares(repeats: list[Parts], whole_s: float, unit_s: float) -> Parts:
    """Return the median of each part in units of ``unit_s``, and as ``other`` the remainder.

    Parameters
    ----------
    repeats
        The parts of every repeat, in seconds.
    whole_s
        Seconds that the undivided work takes.
    unit_s
        The seconds that count as 1.
    """
    medians = {name: median(parts[name] for parts in repeats) for name in repeats[0]}
    medians["other"] = whole_s - sum(medians.values())
    return {name: seconds / unit_s for name, seconds in medians.items()}
