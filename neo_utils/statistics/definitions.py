"""Definitions of tables and statistics, shown next to the numbers."""

from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from neo_utils.limits import LISTED_WITHIN_AU, body_name
from neo_utils.settings.choices import check_choice
from neo_utils.store.schemas import SCHEMAS, Table

if TYPE_CHECKING:  # a slow import that the runner does not need
    import pandas as pd

Statistic = Literal[
    "metrics",
    "yearly_statistics",
    "population",
    "first_observations",
    "since_first_observation",
    "hazard_exceptions",
]
SqlName = Literal["counted", Statistic, "views", "explored"]


def sql_text(name: str, threshold_au: float = 0.2) -> str:
    """Return the SQL definition of a statistic, in the dialect that Spark and DuckDB share.

    Parameters
    ----------
    name
        "counted" (the stored rows to count; four statements), "views" (those rows as the tables
        of `neo sql`; four statements), "explored" (the rows of the linked views in explore.ipynb),
        or the name of a statistic.
    threshold_au
        Approaches closer than this many AU are counted as "under".

    Raises
    ------
    WrongParameter
        For an unknown name.
    """
    check_choice("name", name, SqlName)
    text = files("neo_utils.statistics").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    if name == "views":
        yearly = sql_text("yearly_statistics", threshold_au)
        return f"{text};\n\nCREATE OR REPLACE TEMPORARY VIEW yearly AS\n{yearly}"
    return text.replace("{threshold_au}", str(threshold_au))


def totals_defined(threshold_au: float) -> dict[str, str]:
    """Return the definition of each total of "metrics" by its name, in display order.

    Examples
    --------
    >>> totals_defined(0.05)["total_neos_under_0.05_au_earth"]
    'NEOs with at least one listed approach to Earth closer than 0.05 AU'
    """
    under, nearer = f"under_{threshold_au}_au", f"closer than {threshold_au} AU"
    beyond = threshold_au > LISTED_WITHIN_AU["Earth"]
    of_earth = "; beyond 0.2 AU, only some NEOs' approaches are listed" if beyond else ""
    any_body = f"listed approach to any body {nearer}{_limits(threshold_au)}"
    return {
        f"total_close_approaches_{under}_earth": f"listed approaches to Earth {nearer}, past and"
        f" predicted{of_earth}",
        f"total_neos_{under}_earth": f"NEOs with at least one listed approach to Earth {nearer}"
        f"{of_earth}",
        "total_neos": "NEOs, each once",
        f"total_close_approaches_{under}": any_body.replace("approach", "approaches", 1),
        f"total_neos_{under}": f"NEOs with at least one {any_body}",
        "total_close_approaches_earth": "listed approaches to Earth at any distance: up to 0.5 or"
        " 0.2 AU, depending on the date of the orbit",
        "total_close_approaches": "listed approaches to any body at any distance: mixes the listing"
        " limits of six bodies and two rules for Earth, so it does not show how often NEOs pass",
    }


def _limits(threshold_au: float) -> str:
    """Return which bodies' approaches under the threshold are not all listed."""
    listed = [(body_name(body), limit) for body, limit in LISTED_WITHIN_AU.items()]
    shorter = [f"{body} to {limit}" for body, limit in listed if limit < threshold_au]
    if not shorter:
        return ""
    complete = ", ".join(body for body, limit in listed if limit >= threshold_au)
    only = f"only for {' and '.join(complete.rsplit(', ', 1))}" if complete else "for no body"
    return f"; meaningful {only}: NeoWs lists {', '.join(shorter)} AU"


def columns_of(table: str) -> "pd.DataFrame":
    """Return a row per column of a stored table: type, unit and definition.

    Parameters
    ----------
    table
        "raw", "close_approaches", "orbits", "metrics" or "yearly_statistics".

    Raises
    ------
    WrongParameter
        For another name.

    Examples
    --------
    >>> columns = columns_of("yearly_statistics")
    >>> columns.loc["nearest_miss_distance_au", ["unit", "definition"]].to_list()
    ['AU', 'smallest miss distance']
    """
    import pandas as pd

    check_choice("table", table, Table)
    rows = [
        (field.name, str(field.type), _note(field, b"unit"), _note(field, b"definition"))
        for field in SCHEMAS[table]
    ]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "definition"]).set_index("column")


def _note(field: pa.Field, key: bytes) -> str:
    return str(field.metadata.get(key, b""), "utf-8")
