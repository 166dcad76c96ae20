"""Close approaches of near-Earth objects: fetch, store, aggregate, plot.

    import neo_utils as neo

    neo.fetch_neos(neo.plan_fetch(1, 40, source="sample"))
    stored = neo.select(1, 40)
    results = neo.compute(neo.connect("duckdb"), stored, threshold_au=0.2)
    per_year = neo.figures.approaches_per_year(results["yearly_statistics"])
    neo.figures.plot_approaches_per_year(per_year, stored, threshold_au=0.2)

Everything listed in ``__all__`` is public. It is imported when it is first used, so
``import neo_utils`` takes milliseconds and DuckDB's users never load Spark.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neo_utils import figures
    from neo_utils.answers.export import export
    from neo_utils.answers.one_neo import show
    from neo_utils.answers.passages import top, upcoming
    from neo_utils.answers.views import sql
    from neo_utils.engines.engine import connect, describe_engine
    from neo_utils.fetch.fetching import fetch as fetch_neos
    from neo_utils.figures.tables import captioned
    from neo_utils.interface import plan_fetch, select
    from neo_utils.report.provenance import provenance_table
    from neo_utils.run.refreshing import refresh
    from neo_utils.settings.log import set_log_level
    from neo_utils.statistics.computation import read_batches as tables
    from neo_utils.statistics.computation import statistic, totals
    from neo_utils.statistics.definitions import columns_of, sql_text
    from neo_utils.statistics.saving import compute

__version__ = "0.1.0"

# Public name: module, name there; empty for the module itself.
_PUBLIC = {
    "captioned": ("figures.tables", "captioned"),
    "columns_of": ("statistics.definitions", "columns_of"),
    "compute": ("statistics.saving", "compute"),
    "connect": ("engines.engine", "connect"),
    "describe_engine": ("engines.engine", "describe_engine"),
    "export": ("answers.export", "export"),
    "fetch_neos": ("fetch.fetching", "fetch"),
    "figures": ("figures", ""),
    "plan_fetch": ("interface", "plan_fetch"),
    "provenance_table": ("report.provenance", "provenance_table"),
    "refresh": ("run.refreshing", "refresh"),
    "select": ("interface", "select"),
    "set_log_level": ("settings.log", "set_log_level"),
    "show": ("answers.one_neo", "show"),
    "sql": ("answers.views", "sql"),
    "sql_text": ("statistics.definitions", "sql_text"),
    "statistic": ("statistics.computation", "statistic"),
    "tables": ("statistics.computation", "read_batches"),
    "top": ("answers.passages", "top"),
    "totals": ("statistics.computation", "totals"),
    "upcoming": ("answers.passages", "upcoming"),
}

__all__ = [
    "__version__",
    "captioned",
    "columns_of",
    "compute",
    "connect",
    "describe_engine",
    "export",
    "fetch_neos",
    "figures",
    "plan_fetch",
    "provenance_table",
    "refresh",
    "select",
    "set_log_level",
    "show",
    "sql",
    "sql_text",
    "statistic",
    "tables",
    "top",
    "totals",
    "upcoming",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    found: object = import_module(f"{__name__}.{module}")
    if attribute:
        found = getattr(found, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
