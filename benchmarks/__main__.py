"""``make bench``: measure, print a table, and write all of it as JSON.

``python -m benchmarks short`` takes a coffee break, ``full`` an hour and 2 GB under ``build``.
Every figure stands beside those of its peers, measured in the same run on the same input: read the
ratio, for machines differ and are noisy.
"""

import argparse
import json
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.aggregation import aggregation
from benchmarks.decoding import decoding
from benchmarks.fetching import ten_pages
from benchmarks.machine import BUILD, machine
from benchmarks.pipeline import pipeline
from neo_utils.settings import PROJECT

Rows = list[dict[str, Any]]

SHORT: dict[str, Callable[[], Rows]] = {
    "decoding": lambda: decoding(20),
    "fetching": lambda: ten_pages(3),
    "pipeline": lambda: pipeline(1),
}
FULL: dict[str, Callable[[], Rows]] = {
    "decoding": decoding,
    "fetching": ten_pages,
    "pipeline": lambda: pipeline(5),
    "aggregation": lambda: aggregation(BUILD),
}


def table_text(rows: Rows) -> str:
    """Return a line for everybody who did the same thing: medians, spread, and our share of it."""
    lines = [f"{'what, who':<46}{'wall s':>10}  (min-max){'cpu s':>14}{'MB':>7}  ours/it"]
    for what in dict.fromkeys(row["what"] for row in rows):
        lines.append(what)
        same = [row for row in rows if row["what"] == what]
        ours = _walls(same, next(row["who"] for row in same))
        for who in dict.fromkeys(row["who"] for row in same):
            walls = _walls(same, who)
            cpu = median(row["cpu_s"] for row in same if row["who"] == who)
            peaks = [row["peak_mb"] for row in same if row["who"] == who and row["peak_mb"]]
            lines.append(
                f"  {who:<44}{median(walls):>10.4g}  ({min(walls):.3g}-{max(walls):.3g})"
                f"{cpu:>14.4g}{f'{median(peaks):.0f}' if peaks else '':>7}"
                f"{median(ours) / median(walls):>9.2f}"
            )
    return "\n".join(lines)


def _walls(rows: Rows, who: str) -> list[float]:
    return [row["wall_s"] for row in rows if row["who"] == who]


def main(which: str) -> None:
    """Measure one of the two sets; its JSON appears under ``build/bench``."""
    BUILD.mkdir(parents=True, exist_ok=True)
    measured = {}
    for name, measure in {"short": SHORT, "full": FULL}[which].items():
        measured[name] = measure()
        print(table_text(measured[name]), end="\n\n", flush=True)
    path = BUILD / f"{which}.json"
    path.write_text(json.dumps({"machine": machine(), **measured}, indent=1) + "\n")
    print(f"as JSON     {path.relative_to(PROJECT)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("which", choices=["short", "full"], nargs="?", default="short")
    main(**vars(parser.parse_args()))
