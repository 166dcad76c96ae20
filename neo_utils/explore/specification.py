"""The specification of the linked views: which view shows what, for Mosaic."""

from typing import Any

from neo_utils.figures.palette import BLUE, INK

TABLE = "explored"
SELECTION = "selection"
_SELECTED = f"${SELECTION}"
_SOURCE = {"from": TABLE, "filterBy": _SELECTED}
# Widths in pixels: three views fit a window of 1280 pixels beside the list of files.
_THIRD, _HALF = 280, 420
_COLUMN_WIDTHS = (165, 85, 55, 65, 108, 108, 82, 135, 45)
# A cell of a scatter has one dot, at the place of its nearest passage.
_COLOURS = {"colorScale": "log", "colorRange": ["#56b4e9", "#08306b"]}


def specification(unit: str, nearest: float, farthest: float) -> dict[str, Any]:
    """Return the specification with distances in a unit, from the nearest to the farthest."""
    distance = f"miss distance ({unit})"
    ticks = "~s" if unit == "km" else "~g"  # 10M km, but 0.1 LD
    by_distance = {"xScale": "log", "xTickFormat": ticks, "xDomain": [nearest, farthest]}
    columns = [
        *("NEO", "date", "body", unit, "velocity (km/s)", "diameter (m)"),
        *("orbit class", "hazard", "page"),
    ]
    return {
        "params": {SELECTION: {"select": "crossfilter"}},
        "vconcat": [
            {"hconcat": [*map(_menu, ("body", "orbit class", "hazard"))]},
            {
                "hconcat": [  # views.css continues it below if the window is narrow
                    _histogram("year", xTickFormat="d"),
                    _histogram(unit, distance, **by_distance),
                    _histogram("velocity (km/s)"),
                    _histogram("diameter (m)", xScale="log"),
                    _histogram("first observation", xTickFormat="d"),
                    _classes(),
                    _passages_by_date(unit, distance, ticks),
                    _orbits(unit),
                ]
            },
            {
                "input": "table",
                **_SOURCE,
                "columns": columns,
                "width": dict(zip(columns, _COLUMN_WIDTHS, strict=True)),
                "height": 260,
            },
        ],
    }


def _menu(column: str) -> dict[str, Any]:
    return {
        "input": "menu",
        "label": f"{column} ",
        "as": _SELECTED,
        "from": TABLE,
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
        "plot": [bars, {"select": "intervalX", "as": _SELECTED}],
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
        "plot": [bars, {"select": "toggleY", "as": _SELECTED}],
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
            _dots("passage cell", "decimal year", unit, unit),
            _names("passage cell", "decimal year", unit, unit),
            {"select": "intervalXY", "as": _SELECTED},
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
            {"select": "intervalXY", "as": _SELECTED},
        ],
        "width": _HALF,
        "height": 300,
        "xDomain": [0.5, 4],
        "yDomain": [0, 1],
        "xLabel": axes[0],
        "yLabel": axes[1],
        **_COLOURS,
    }


def _at_nearest(cell: str, x: str, y: str, nearest_by: str) -> dict[str, Any]:
    """Return what marks have in common that show the nearest passage of each cell."""
    return {
        "data": _SOURCE,
        "x": {"argmin": [x, nearest_by]},
        "y": {"argmin": [y, nearest_by]},
        "z": cell,
    }


def _dots(cell: str, x: str, y: str, nearest_by: str) -> dict[str, Any]:
    return {
        **_at_nearest(cell, x, y, nearest_by),
        "mark": "dot",
        "fill": {"count": ""},
        "r": 3,
        "title": {"argmin": ["label", nearest_by]},
        "tip": True,
    }


def _names(cell: str, x: str, y: str, nearest_by: str) -> dict[str, Any]:
    """Return the mark that names each dot. views.css hides it if there are too many."""
    return {
        **_at_nearest(cell, x, y, nearest_by),
        "mark": "text",
        "text": {"argmin": ["NEO", nearest_by]},
        "fill": "currentColor",
        "dx": 5,
        "textAnchor": "start",
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
