"""What tables hold and statistics count: the texts shown beside the numbers."""

from importlib.resources import files
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:  # a slow import that the runner does not need
    import pandas as pd

LUNAR_DISTANCES_PER_AU = 389  # as NeoWs converts them (CNEOS: 1 LD = 384,400 km = AU / 389.17)
# Up to where NeoWs lists approaches to each body, as it spells it, as seen in 2026; NASA documents
# none of it. Earth's was 0.5 AU for orbits that were determined until November 2024.
LISTED_WITHIN_AU = {
    "Earth": 0.2,
    "Venus": 0.15,
    "Mars": 0.1,
    "Merc": 0.1,
    "Juptr": 2.0,
    "Moon": 0.0085,
}
KM_PER_AU = 149_597_870.7  # IAU 2012, resolution B2; NeoWs converts by it, too


def sql_text(name: str, threshold_au: float = 0.2) -> str:
    """Return the definition of a statistic, in the common ground of Spark SQL and DuckDB.

    Parameters
    ----------
    name
        "counted" (which stored rows count, three statements), "metrics", "yearly_statistics", or
        "passages" (what counts, with what is known of its NEO; two statements).
    threshold_au
        Approaches nearer than this many AU are counted as "under".
    """
    text = files("neo_utils.statistics").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return text.format(threshold_au=threshold_au)


def totals_defined(threshold_au: float) -> dict[str, str]:
    """Return in words what the totals of "metrics" count, by their names, in the order to read.

    Examples
    --------
    >>> totals_defined(0.05)["total_neos_under_0.05_au_earth"]
    'NEOs with at least one listed approach to Earth nearer than 0.05 AU'
    """
    under, nearer = f"under_{threshold_au}_au", f"nearer than {threshold_au} AU"
    return {
        "total_neos": "NEOs, each once",
        "total_close_approaches": "listed approaches to any body, past and predicted",
        "total_close_approaches_earth": "listed approaches to Earth, past and predicted",
        f"total_close_approaches_{under}": f"listed approaches to any body {nearer}",
        f"total_close_approaches_{under}_earth": f"listed approaches to Earth {nearer}",
        f"total_neos_{under}": f"NEOs with at least one listed approach to any body {nearer}",
        f"total_neos_{under}_earth": f"NEOs with at least one listed approach to Earth {nearer}",
    }


def columns_of(schema: pa.Schema) -> "pd.DataFrame":
    """Return a row per column of a kept table: type, unit and definition.

    Examples
    --------
    >>> from neo_utils.store.schemas import YEARLY_STATISTICS
    >>> told = columns_of(YEARLY_STATISTICS)
    >>> told.loc["nearest_miss_distance_au", ["unit", "definition"]].to_list()
    ['AU', 'smallest miss distance']
    """
    import pandas as pd

    rows = [
        (field.name, str(field.type), _note(field, b"unit"), _note(field, b"definition"))
        for field in schema
    ]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "definition"]).set_index("column")


def _note(field: pa.Field, key: bytes) -> str:
    return str(field.metadata.get(key, b""), "utf-8")
