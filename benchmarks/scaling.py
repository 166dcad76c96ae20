"""``make scaling``: how time and memory grow with the number of NEOs and of approaches.

Fits a straight line to each, fixed part + part per NEO (or approach), so that relative errors are
least; draws measurements and lines, both axes logarithmic, into ``docs/scaling.svg``.
"""

import json
import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.aggregation import LARGE, NEOS, PROJECT_ON, SIZES, counted
from benchmarks.catalogue import close_approaches_of
from benchmarks.fetching import memory
from benchmarks.machine import BUILD, machine
from neo_utils.settings import PROJECT

_FIGURE = PROJECT / "docs" / "scaling.svg"
_MASTERS = {"Spark": f"{PROJECT_ON}local[*]", "DuckDB": f"{PROJECT_ON}duckdb"}
_COLOURS = {"fetch": "#009E73", "Spark": "#D55E00", "DuckDB": "#0072B2"}  # of Okabe and Ito
_QUANTITIES = {"cpu_s": "processor time (s)", "wall_s": "time (s)", "peak_mb": "peak memory (MB)"}
Points = list[dict[str, float]]


def measure(folder: Path) -> dict[str, Points]:
    """Return, for the fetch and each engine, what each size took."""
    fetched = memory(tuple(count // 20 for count in NEOS))
    points = {"fetch": [_point(n, row) for n, row in zip(NEOS, fetched, strict=True)]}
    cases = [*SIZES, LARGE]
    rows = counted(folder, cases, [*_MASTERS.values()], 1)
    approaches = [close_approaches_of(folder, SIZES.get(case)) for case in cases]
    for name, who in _MASTERS.items():
        first = [row for case in cases for row in rows if (row["what"], row["who"]) == (case, who)]
        points[name] = [_point(n, row) for n, row in zip(approaches, first, strict=True)]
    return points


def line(points: Points, quantity: str) -> tuple[float, float, float]:
    """Return fixed part, part for each, and the largest measured deviation from their sum (1 = 100 %)."""
    size = np.array([point["size"] for point in points])
    measured = np.array([point[quantity] for point in points])
    each, fixed = np.polyfit(size, measured, 1, w=1 / measured)
    return float(fixed), float(each), float(np.max(np.abs((fixed + each * size) / measured - 1)))


def draw(points: dict[str, Points], about: dict[str, Any]) -> Figure:
    """Draw time and memory of the fetch by NEOs, and of counting by approaches."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    panels = figure.subplots(2, 2)
    columns = (("NEOs", ["fetch"], "cpu_s"), ("close approaches", [*_MASTERS], "wall_s"))
    for column, (unit, names, time) in enumerate(columns):
        for row, quantity in enumerate((time, "peak_mb")):
            axes = panels[row][column]
            for name in names:
                _draw_line(axes, points[name], quantity, name)
            axes.set(xscale="log", yscale="log", xlabel=unit, ylabel=_QUANTITIES[quantity])
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False, fontsize=8, loc="upper left")
    panels[0][0].set_title("Fetching (sample on loopback)", loc="left", fontsize=11)
    panels[0][1].set_title("Counting, from files to rows, cold", loc="left", fontsize=11)
    source = f"{about['date']}, {about['cores']} cores, {about['processor']}; lines: fixed + each"
    figure.supxlabel(source, x=0.01, ha="left", fontsize=8, color="#555555")
    return figure


def _draw_line(axes: Any, points: Points, quantity: str, name: str) -> None:  # noqa: ANN401
    fixed, each, _ = line(points, quantity)
    size = np.array([point["size"] for point in points])
    per = 10 ** math.floor(math.log10(size[-1]))
    label = f"{name}: {fixed:.3g} + {each * per:.3g} for each {per:,}"
    axes.plot(size, [point[quantity] for point in points], "o", color=_COLOURS[name], label=label)
    many = np.geomspace(size[0], size[-1])
    axes.plot(many, fixed + each * many, color=_COLOURS[name], linewidth=1)


def _point(size: int, row: dict[str, Any]) -> dict[str, float]:
    return {"size": size, **{quantity: row[quantity] for quantity in _QUANTITIES}}


def main() -> None:
    """Measure (some minutes), print the lines, write JSON and figure."""
    points, about = measure(BUILD), machine()
    lines = [
        {"what": name, "quantity": quantity, "fixed": fixed, "each": each, "off_by": off}
        for name in points
        for quantity in _QUANTITIES
        for fixed, each, off in [line(points[name], quantity)]
    ]
    for one in lines:
        unit = "1,000 NEOs" if one["what"] == "fetch" else "million approaches"
        per = one["each"] * (1e3 if one["what"] == "fetch" else 1e6)
        print(
            f"{one['what']:<8}{_QUANTITIES[one['quantity']]:<22}{one['fixed']:>8.3g}"
            f" + {per:<8.3g}for each {unit:<20}at most {one['off_by']:.0%} off"
        )
    path = BUILD / "scaling.json"
    path.write_text(
        json.dumps({"machine": about, "points": points, "lines": lines}, indent=1) + "\n"
    )
    mpl.rcParams["svg.hashsalt"] = "scaling"  # the same figure is the same file
    draw(points, about).savefig(_FIGURE, metadata={"Date": None})
    print(f"as JSON     {path.relative_to(PROJECT)}\nas figure   {_FIGURE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
