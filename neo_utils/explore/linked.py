"""Linked views of all passages: a selection in one view filters all others, and the table.

Mosaic (https://idl.uw.edu/mosaic) draws them from a specification. DuckDB answers each brush in the
notebook's kernel, so nothing is sampled.
"""

from typing import Any

import duckdb
import ipywidgets as widgets
import pandas as pd
from mosaic_widget import MosaicWidget

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import one_line_failures
from neo_utils.figures.palette import BLUE, INK
from neo_utils.settings.choices import check_choice
from neo_utils.statistics.definitions import sql_text
from neo_utils.units import UNITS, Unit

_TABLE = "explored"
_SELECTION = "$selection"
_SOURCE = {"from": _TABLE, "filterBy": _SELECTION}
_THIRD, _HALF = 300, 450  # widths in pixels; three views fit a window of 1280 pixels
# A cell of a scatter has one dot: a single passage at its place, or several at their median.
_COLOURS = {"colorScale": "log", "colorRange": ["#56b4e9", "#08306b"]}


class LinkedViews(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The views, and what is selected in them.

    ``sql`` is the query for the selected passages, ``selected()`` their DataFrame.
    """

    def __init__(self, catalogue: DuckDBSession, unit: str) -> None:
        """Show all passages, with distances in a unit."""
        self._catalogue = catalogue
        self._views = MosaicWidget(_specification(unit), con=_Connection(catalogue.connection))
        self._unit = widgets.ToggleButtons(
            options=list(UNITS), value=unit, description="in", style={"button_width": "4rem"}
        )
        self._unit.observe(self._change_unit, "value")
        super().__init__([self._unit, self._views])

    def __repr__(self) -> str:
        """Return what a reader without a kernel sees."""
        return "Linked views of all passages. Run this cell in JupyterLab to use them"

    @property
    def sql(self) -> str:
        """The query for the selected passages."""
        return f"SELECT * FROM {_TABLE} WHERE {self.condition()}"  # noqa: S608 - the user's own

    def condition(self, where: str = "") -> str:
        """Return the condition in SQL that selected passages meet, and ``where`` if given."""
        selected = self._views.params.get(_SELECTION.removeprefix("$"), {}).get("predicate")
        parts = [part for part in (where, selected) if part] or ["TRUE"]
        return parts[0] if len(parts) == 1 else " AND ".join(f"({part})" for part in parts)

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
        query = f"SELECT * FROM {_TABLE} WHERE {self.condition(where)} ORDER BY date, id"  # noqa: S608
        with one_line_failures():
            return self._catalogue.sql(query).toPandas()

    def _change_unit(self, change: dict[str, Any]) -> None:
        self._views.params = {}  # a new specification starts without a selection
        self._views.spec = _specification(change["new"])


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
    catalogue.connection.execute(sql_text("explored"))
    return LinkedViews(catalogue, unit)


def _specification(unit: str) -> dict[str, Any]:
    distance = f"miss distance ({unit})"
    ticks = "~s" if unit == "km" else "~g"  # 10M km, but 0.1 LD
    return {
        "params": {_SELECTION.removeprefix("$"): {"select": "crossfilter"}},
        "vconcat": [
            {"hconcat": [*map(_menu, ("body", "orbit class", "hazard"))]},
            {
                "hconcat": [
                    _histogram("year", xTickFormat="d"),
                    _histogram(unit, distance, xScale="log", xTickFormat=ticks),
                    _histogram("velocity (km/s)"),
                ]
            },
            {
                "hconcat": [
                    _histogram("diameter (m)", xScale="log"),
                    _histogram("first observation", xTickFormat="d"),
                    _classes(),
                ]
            },
            {
                "hconcat": [
                    _passages_by_date(unit, distance, ticks),
                    _orbits(unit),
                ]
            },
            {
                "input": "table",
                **_SOURCE,
                "columns": [
                    *("NEO", "date", "body", unit, "velocity (km/s)", "diameter (m)"),
                    *("orbit class", "hazard"),
                ],
                "width": 2 * _HALF,
                "height": 260,
            },
        ],
    }


def _menu(column: str) -> dict[str, Any]:
    return {
        "input": "menu",
        "label": f"{column} ",
        "as": _SELECTION,
        "from": _TABLE,
        "column": column,
    }


def _histogram(column: str, label: str = "", **attributes: Any) -> dict[str, Any]:  # noqa: ANN401
    bars = {
        "mark": "rectY",
        "data": _SOURCE,
        "x": {"bin": column, "steps": 30},
        "y": {"count": ""},
        "fill": BLUE,
        "inset": 0.5,
    }
    return {
        "plot": [bars, {"select": "intervalX", "as": _SELECTION}],
        "width": _THIRD,
        "height": 150,
        "marginLeft": 55,
        "xLabel": label or column,
        "yLabel": "passages",
        "xDomain": "Fixed",
        **attributes,
    }


def _classes() -> dict[str, Any]:
    bars = {
        "mark": "barX",
        "data": _SOURCE,
        "x": {"count": ""},
        "y": "orbit class",
        "fill": BLUE,
        "sort": {"y": "-x"},
    }
    return {
        "plot": [bars, {"select": "toggleY", "as": _SELECTION}],
        "width": _THIRD,
        "height": 150,
        "marginLeft": 70,
        "xLabel": "passages",
        "yLabel": "",
        "yDomain": "Fixed",
    }


def _passages_by_date(unit: str, label: str, ticks: str) -> dict[str, Any]:
    return {
        "plot": [
            _dots("passage cell", "year", unit, unit),
            {"select": "intervalXY", "as": _SELECTION},
        ],
        "width": _HALF,
        "height": 300,
        "marginLeft": 55,
        "xLabel": "year",
        "yLabel": label,
        "yScale": "log",
        "yTickFormat": ticks,
        "xTickFormat": "d",
        **_COLOURS,
    }


def _orbits(unit: str) -> dict[str, Any]:
    axes = ("semi-major axis (AU)", "eccentricity")
    return {
        "plot": [
            *map(_boundary, _BOUNDARIES),
            _dots("orbit cell", *axes, unit),
            {"select": "intervalXY", "as": _SELECTION},
        ],
        "width": _HALF,
        "height": 300,
        "xDomain": [0.5, 4],
        "yDomain": [0, 1],
        "xLabel": axes[0],
        "yLabel": axes[1],
        **_COLOURS,
    }


def _dots(cell: str, x: str, y: str, nearest_by: str) -> dict[str, Any]:
    return {
        "mark": "dot",
        "data": _SOURCE,
        "x": {"median": x},
        "y": {"median": y},
        "z": cell,
        "fill": {"count": ""},
        "r": 2.5,
        "title": {"argmin": ["label", nearest_by]},
        "tip": True,
    }


# The orbit classes meet where the period is a year, where the perihelion q is 1.3 AU or at Earth's
# aphelion, and where the aphelion Q is at Earth's perihelion:
# https://cneos.jpl.nasa.gov/about/neo_groups.html
_BOUNDARIES = (
    [(a / 100, 1 - 130 / a) for a in range(130, 401, 5)],  # q = 1.3 AU
    [(a / 100, 1 - 101.7 / a) for a in range(102, 401, 5)],  # q = 1.017 AU
    [(a / 100, 98.3 / a - 1) for a in range(50, 99, 2)],  # Q = 0.983 AU
    [(1.0, 0.0), (1.0, 1.0)],  # a = 1 AU
)


def _boundary(line: list[tuple[float, float]]) -> dict[str, Any]:
    points = [{"a": a, "e": e} for a, e in line]
    return {"mark": "line", "data": points, "x": "a", "y": "e", "stroke": INK, "strokeWidth": 1}
