"""Linked views of all passages: a selection in one view filters all others, and the table.

Mosaic (https://idl.uw.edu/mosaic) draws them from a specification. DuckDB answers each brush in the
notebook's kernel, so nothing is sampled.
"""

import re
from pathlib import Path
from typing import Any

import anywidget
import duckdb
import ipywidgets as widgets
import pandas as pd
from mosaic_widget import MosaicWidget

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import one_line_failures
from neo_utils.explore.specification import SELECTION, TABLE, specification
from neo_utils.limits import BODY_NAMES
from neo_utils.settings.choices import check_choice
from neo_utils.units import UNITS, Unit

_FOLDER = Path(__file__).parent


class _InJupyterLab(anywidget.AnyWidget):
    """Adapts Mosaic's views: links, JupyterLab's colours, and rows that continue below."""

    _esm = _FOLDER / "views.js"
    _css = _FOLDER / "views.css"


class LinkedViews(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The views, and what is selected in them.

    ``sql`` is the query for the selected passages, ``selected()`` their DataFrame.
    """

    def __init__(self, catalogue: DuckDBSession, unit: str) -> None:
        """Show all passages, with distances in a unit."""
        self._catalogue = catalogue
        self._views = MosaicWidget(self._specified(unit), con=_Connection(catalogue.connection))
        self._unit = widgets.ToggleButtons(
            options=list(UNITS),
            value=unit,
            description="Distances in",
            style={"button_width": "4rem", "description_width": "initial"},
        )
        self._unit.observe(self._change_unit, "value")
        super().__init__([self._unit, self._views, _InJupyterLab()])

    def __repr__(self) -> str:
        """Return what a reader without a kernel sees."""
        return "Linked views of all passages. Run this cell in JupyterLab to use them"

    @property
    def sql(self) -> str:
        """The query for the selected passages."""
        return self._query()

    def _query(self, where: str = "") -> str:
        return f"SELECT * FROM {TABLE} WHERE {self.condition(where)}"  # noqa: S608 - the user's own

    def condition(self, where: str = "") -> str:
        """Return the condition in SQL that selected passages meet, and ``where`` if given."""
        selected = self._views.params.get(SELECTION, {}).get("predicate")
        for spelling, name in BODY_NAMES.items():  # both are valid
            where = re.sub(f"(?<!')'{spelling}'(?!')", f"'{name}'", where)
        parts = [part.strip() for part in (where, selected) if part and part.strip()] or ["TRUE"]
        # On lines of their own: a part may end with a comment.
        return parts[0] if len(parts) == 1 else " AND ".join(f"(\n{part}\n)" for part in parts)

    @property
    def unit(self) -> str:
        """The unit in which distances are shown."""
        return str(self._unit.value)

    def selected(self, where: str = "") -> pd.DataFrame:
        """Return the selected passages, by date.

        Parameters
        ----------
        where
            A further condition in SQL on the columns of the table, such as "body = 'Earth'".

        Raises
        ------
        JobFailed
            If the condition is not valid.
        """
        with one_line_failures():
            return self._catalogue.sql(f"{self._query(where)}\nORDER BY date, id").toPandas()

    def _change_unit(self, change: dict[str, Any]) -> None:
        self._views.params = {}  # a new specification starts without a selection
        self._views.spec = self._specified(change["new"])

    def _specified(self, unit: str) -> dict[str, Any]:
        bounds = f'SELECT coalesce(min("{unit}"), 1), coalesce(max("{unit}"), 2) FROM {TABLE}'  # noqa: S608
        ((nearest, farthest),) = self._catalogue.sql(bounds).collect()
        return specification(unit, nearest, farthest)


class _Connection:
    """A connection whose calls may overlap: each has a cursor of its own, as DuckDB requires."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def query(self, sql: str) -> duckdb.DuckDBPyRelation:
        return self._connection.cursor().query(sql)

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor().execute(sql)


def explorer(catalogue: DuckDBSession, unit: str = "LD") -> LinkedViews:
    """Return linked views of the passages in a catalogue.

    Histograms of year, miss distance, velocity, size and first observation; passages by date and
    distance; orbits by semi-major axis and eccentricity; a table. Drag over a view to select a
    range, click to clear it. Distances are shown in ``unit``: "LD", "AU" or "km".

    Raises
    ------
    WrongParameter
        For another unit.
    """
    check_choice("unit", unit, Unit)
    return LinkedViews(catalogue, unit)
