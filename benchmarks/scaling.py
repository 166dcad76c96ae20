"""Draw how time and memory grow with the amount of data, from the results of `make bench-full`.

The amount is the number of close approaches, 24 for each NEO. The figure shows fetching and storing
them, building segments of them, and counting. For each measure, the least squares of relative
errors give a straight line: a fixed part, and a part for each approach.
"""

import json
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.catalogue import HUGE, SIZES
from benchmarks.counting import WARM
from benchmarks.fetching import fetch_task
from benchmarks.machine import MEASURED
from benchmarks.project_engines import DUCKDB, SPARK, SPARK_TUNED
from neo_utils.settings.folders import PROJECT

_FIGURE = PROJECT / "docs" / "scaling.svg"
# By name in the figure: the tool, and the suffix of its task.
_ENGINES = {"Spark": (SPARK, ""), "Spark, warm": (SPARK, WARM), "DuckDB": (DUCKDB, "")}
# Okabe and Ito's palette, as in the project's other figures.
_COLOURS = {"fetch": "#009E73", "build": "#CC79A7", "Spark": "#D55E00"}
_COLOURS |= {"Spark, warm": "#E69F00", "DuckDB": "#0072B2"}
_PANELS = {
    "fetch and store, processor time": ("s", ["fetch"]),
    "build segments": ("s", ["build"]),
    "count from segments": ("s", ["Spark", "Spark, warm", "DuckDB"]),
    "peak memory": ("MB", ["fetch", "Spark", "DuckDB"]),
}
Measures = dict[tuple[str, str], list[tuple[int, float]]]


class Line(NamedTuple):
    """A fitted line, and the largest deviation of a measurement, relative to the line's value."""

    fixed: float
    per_million: float
    max_deviation: float


def measures_of(full: dict[str, Any]) -> Measures:
    """Return points of (close approaches, measurement) by panel and series of the figure."""
    fetch_time, build, counts, peak = _PANELS
    rows = {(row["task"], row["tool"]): row for row in full["fetching"] + full["aggregation"]}
    sizes = {case: rows[case, DUCKDB]["close_approaches"] for case in SIZES}
    cases = {neos: case for case, (neos, copies) in SIZES.items() if copies == 1}
    fetches = [(sizes[case], rows[fetch_task(neos), "project"]) for neos, case in cases.items()]
    measures: Measures = {
        (fetch_time, "fetch"): [(size, row["cpu_s"]) for size, row in fetches],
        (peak, "fetch"): [(size, row["peak_mb"]) for size, row in fetches],
        (build, "build"): [
            (sizes[case], rows[f"build segments of {neos:,} NEOs", "project"]["wall_s"])
            for neos, case in cases.items()
        ],
    }
    for name, (tool, warm) in _ENGINES.items():
        tools = dict.fromkeys(sizes, tool)
        if tool == SPARK:  # with three settings at the largest
            tools[HUGE] = SPARK_TUNED
        found = {case: rows[case + warm, one] for case, one in tools.items()}
        measures[counts, name] = [(sizes[case], row["wall_s"]) for case, row in found.items()]
        if not warm:
            measures[peak, name] = [(sizes[case], row["peak_mb"]) for case, row in found.items()]
    return measures


def line(points: list[tuple[int, float]]) -> Line:
    """Fit a line with the least squares of relative errors, rounded to six digits.

    Further digits differ between fits of the same points.
    """
    size, measured = np.array(points).T
    each, fixed = np.polyfit(size, measured, 1, w=1 / measured)
    deviation = np.max(np.abs((fixed + each * size) / measured - 1))
    return Line(*(float(f"{value:.6g}") for value in (fixed, each * 1e6, deviation)))


def draw(measures: Measures, machine: dict[str, Any]) -> Figure:
    """Draw measurements and lines, with logarithmic axes."""
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
    machine_text = f"{machine['date']}, {machine['processor']}, {machine['cores']} cores"
    source = f"Medians of the repeats. {machine_text}"
    figure.suptitle(source, x=0.01, ha="left", fontsize=9, color="#555555")
    return figure


def _draw_line(axes: Axes, points: list[tuple[int, float]], name: str, unit: str) -> None:
    fitted = line(points)
    size, measured = np.array(points).T
    fixed, each = (f"{part:,.0f}" if part >= 100 else f"{part:.2g}" for part in fitted[:2])
    label = f"{name}: {fixed} {unit} + {each} {unit} per million"
    axes.plot(size, measured, "o", color=_COLOURS[name], label=label)
    sizes = np.geomspace(size[0], size[-1])
    fit = fitted.fixed + fitted.per_million * sizes / 1e6
    axes.plot(sizes, fit, "-", color=_COLOURS[name], lw=1)


def main() -> None:
    """Print the lines, write them as JSON, and draw the figure."""
    full = json.loads((MEASURED / "full.json").read_text())
    measures = measures_of(full)
    lines = []
    for (panel, name), points in measures.items():
        fitted = line(points)
        lines.append({"panel": panel, "series": name, "points": points, **fitted._asdict()})
        print(
            f"{panel:<33}{name:<12}{fitted.fixed:>8.3g} + {fitted.per_million:<7.3g}"
            f"{_PANELS[panel][0]} per million approaches, at most {fitted.max_deviation:.0%} off"
        )
    path = MEASURED / "scaling.json"
    path.write_text(json.dumps({"machine": full["machine"], "lines": lines}, indent=1) + "\n")
    mpl.rcParams["svg.hashsalt"] = "scaling"  # the same figure is the same file
    draw(measures, full["machine"]).savefig(_FIGURE, metadata={"Date": None})
    print(f"as JSON     {path.relative_to(PROJECT)}\nas figure   {_FIGURE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
