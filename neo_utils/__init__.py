"""Close approaches of near-Earth objects: fetch, store, aggregate, plot.

    import neo_utils as neo

    neo.fetch_neos(neo.plan_fetch(1, 40, source="sample"))
    stored = neo.select(1, 40)
    engine = neo.connect("duckdb")
    neos, approaches = neo.tables(engine, stored)
    yearly = neo.yearly_statistics(approaches, threshold_au=0.2).toPandas()
    neo.plot_approaches_per_year(neo.approaches_per_year(yearly), stored)

Everything listed in ``__all__`` is public. It is imported when it is first used, so
``import neo_utils`` takes milliseconds and DuckDB's users never load Spark.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neo_utils.engines.engine import connect, describe_engine
    from neo_utils.fetch.fetching import fetch as fetch_neos
    from neo_utils.figures.tables import captioned
    from neo_utils.figures.yearly import (
        approaches_per_year,
        nearest_per_year,
        plot_approaches_per_year,
        plot_nearest_per_year,
    )
    from neo_utils.interface import plan_fetch, select
    from neo_utils.report.provenance import provenance_table
    from neo_utils.settings.log import set_log_level
    from neo_utils.statistics.computation import metrics, totals, yearly_statistics
    from neo_utils.statistics.computation import read_batches as tables
    from neo_utils.statistics.definitions import columns_of, sql_text
    from neo_utils.statistics.quantities import quantity_table
    from neo_utils.statistics.results import save

__version__ = "0.1.0"

# Public name: module, name there.
_PUBLIC = {
    "approaches_per_year": ("figures.yearly", "approaches_per_year"),
    "captioned": ("figures.tables", "captioned"),
    "columns_of": ("statistics.definitions", "columns_of"),
    "connect": ("engines.engine", "connect"),
    "describe_engine": ("engines.engine", "describe_engine"),
    "fetch_neos": ("fetch.fetching", "fetch"),
    "metrics": ("statistics.computation", "metrics"),
    "nearest_per_year": ("figures.yearly", "nearest_per_year"),
    "plan_fetch": ("interface", "plan_fetch"),
    "plot_approaches_per_year": ("figures.yearly", "plot_approaches_per_year"),
    "plot_nearest_per_year": ("figures.yearly", "plot_nearest_per_year"),
    "provenance_table": ("report.provenance", "provenance_table"),
    "quantity_table": ("statistics.quantities", "quantity_table"),
    "save": ("statistics.results", "save"),
    "select": ("interface", "select"),
    "set_log_level": ("settings.log", "set_log_level"),
    "sql_text": ("statistics.definitions", "sql_text"),
    "tables": ("statistics.computation", "read_batches"),
    "totals": ("statistics.computation", "totals"),
    "yearly_statistics": ("statistics.computation", "yearly_statistics"),
}

__all__ = [
    "__version__",
    "approaches_per_year",
    "captioned",
    "columns_of",
    "connect",
    "describe_engine",
    "fetch_neos",
    "metrics",
    "nearest_per_year",
    "plan_fetch",
    "plot_approaches_per_year",
    "plot_nearest_per_year",
    "provenance_table",
    "quantity_table",
    "save",
    "select",
    "set_log_level",
    "sql_text",
    "tables",
    "totals",
    "yearly_statistics",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    found = getattr(import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
