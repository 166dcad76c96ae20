"""``make scaling``: draw how time and memory grow with the data, from what `make bench-full` found.

Everything is drawn by the number of close approaches, 24 for each NEO: what is fetched and stored
of them, read back from batches of 20 NEOs, and counted. A straight line, a fixed part and a part
for each, is fitted to each measure so that relative errors are least.
"""

import json
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.catalogue import LARGE, SIZES
from benchmarks.counting import AGAIN, QUERIES
from benchmarks.fetching import fetched_text
from benchmarks.machine import MEASURED
from benchmarks.ours import DUCKDB, SPARK
from neo_utils.settings.folders import PROJECT

_FIGURE = PROJECT / "docs" / "scaling.svg"
# By name in the figure: who counts, and whether once more in the same process.
_COUNTED = {"Spark": (SPARK, ""), "Spark again": (SPARK, AGAIN), "DuckDB": (DUCKDB, "")}
# Okabe and Ito's palette, as in the project's other figures.
_COLOURS = {"fetch": "#009E73", "read": "#CC79A7", "Spark": "#D55E00"}
_COLOURS |= {"Spark again": "#E69F00", "DuckDB": "#0072B2"}
_PANELS = {
    "fetch and store, processor": ("s", ["fetch"]),
    "read batches of 20 NEOs": ("s", ["read"]),
    "count what was read": ("s", ["Spark", "Spark again", "DuckDB"]),
    "peak memory": ("MB", ["fetch", "Spark", "DuckDB"]),
}
Measures = dict[tuple[str, str], list[tuple[int, float]]]


class Line(NamedTuple):
    """A fitted line, and by how much of itself a measurement is off at most."""

    fixed: float
    per_million: float
    off: float


def measures_of(full: dict[str, Any]) -> Measures:
    """Return (close approaches, measured) by panel and by what the full benchmark measured."""
    fetch_time, read, count, peak = _PANELS
    fetched = {row["what"]: row for row in full["fetching"]}
    counted = {(row["what"], row["who"]): row for row in full["aggregation"]}
    sizes = {case: counted[case, SPARK]["close_approaches"] for case in (*SIZES, LARGE)}
    fetches = [(sizes[case], fetched[fetched_text(neos)]) for case, neos in SIZES.items()]
    measures: Measures = {
        (fetch_time, "fetch"): [(size, row["cpu_s"]) for size, row in fetches],
        (peak, "fetch"): [(size, row["peak_mb"]) for size, row in fetches],
        (read, "read"): [
            (
                sizes[case],
                counted[case, DUCKDB]["wall_s"] - counted[case + QUERIES, DUCKDB]["wall_s"],
            )
            for case in SIZES
        ],
    }
    for name, (who, again) in _COUNTED.items():
        measures[count, name] = [
            (size, counted[case + QUERIES + again, who]["wall_s"]) for case, size in sizes.items()
        ]
        if not again:
            measures[peak, name] = [
                (size, counted[case, who]["peak_mb"]) for case, size in sizes.items()
            ]
    return measures


def line(points: list[tuple[int, float]]) -> Line:
    """Fit fixed part + part for each, with the least squares of relative errors."""
    size, measured = np.array(points).T
    each, fixed = np.polyfit(size, measured, 1, w=1 / measured)
    off = np.max(np.abs((fixed + each * size) / measured - 1))
    return Line(float(fixed), float(each * 1e6), float(off))


def to_six_digits(fitted: Line) -> Line:
    """Return a line as it is kept: the digits behind these differ between runs of the same fit."""
    return Line(*(float(f"{value:.6g}") for value in fitted))


def draw(measures: Measures, about: dict[str, Any]) -> Figure:
    """Draw measurements and lines, both axes logarithmic."""
    figure = Figure(figsize=(9, 7), layout="constrained")
    for axes, (panel, (unit, names)) in zip(
        figure.subplots(2, 2, sharex=True).flat, _PANELS.items(), strict=True
    ):
        for name in names:
            _draw_line(axes, measures[panel, name], name, unit)
        axes.set(xscale="log", yscale="log", ylabel=f"{panel} ({unit})")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="upper left")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.25)  # room for the legend
    figure.supxlabel("close approaches", fontsize=10)
    machine_text = f"{about['date']}, {about['processor']}, {about['cores']} cores"
    source = f"Medians of the repeats. {machine_text}"
    figure.suptitle(source, x=0.01, ha="left", fontsize=9, color="#555555")
    return figure


def _draw_line(axes: Axes, points: list[tuple[int, float]], name: str, unit: str) -> None:
    fitted = line(points)
    size, measured = np.array(points).T
    fixed, each = (f"{part:,.0f}" if part >= 100 else f"{part:.2g}" for part in fitted[:2])
    label = f"{name}: {fixed} {unit} + {each} {unit} for each million"
    axes.plot(size, measured, "o", color=_COLOURS[name], label=label)
    many = np.geomspace(size[0], size[-1])
    axes.plot(many, fitted.fixed + fitted.per_million * many / 1e6, "-", color=_COLOURS[name], lw=1)


def main() -> None:
    """Print the lines, write them as JSON, and draw the figure."""
    full = json.loads((MEASURED / "full.json").read_text())
    measures = measures_of(full)
    told = []
    for (panel, name), points in measures.items():
        fitted = line(points)
        kept = to_six_digits(fitted)._asdict()
        told.append({"what": panel, "who": name, "points": points, **kept})
        print(
            f"{panel:<28}{name:<12}{fitted.fixed:>8.3g} + {fitted.per_million:<7.3g}"
            f"{_PANELS[panel][0]} for each million approaches, at most {fitted.off:.0%} off"
        )
    path = MEASURED / "scaling.json"
    path.write_text(json.dumps({"machine": full["machine"], "lines": told}, indent=1) + "\n")
    mpl.rcParams["svg.hashsalt"] = "scaling"  # the same figure is the same file
    draw(measures, full["machine"]).savefig(_FIGURE, metadata={"Date": None})
    print(f"as JSON     {path.relative_to(PROJECT)}\nas figure   {_FIGURE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
