"""``make bench``: measure, print a table, and write all of it as JSON.

``python -m benchmarks short`` takes a coffee break, ``full`` half an hour and 500 MB of ``build``.
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
    lines = [
        f"{'what, who':<46}{'wall s':>9}  {'min - max':<17}{'cpu s':>9}{'MB':>7}{'ours/it':>9}"
    ]
    for what in dict.fromkeys(row["what"] for row in rows):
        lines.append(what)
        same = [row for row in rows if row["what"] == what]
        everybody = sorted({row["who"] for row in same}, key=lambda who: (not _is_ours(who), who))
        ours = _median(same, everybody[0], "wall_s")
        for who in everybody:
            walls = [row["wall_s"] for row in same if row["who"] == who]
            wall, peak = _median(same, who, "wall_s"), _median(same, who, "peak_mb")
            lines.append(
                f"  {who:<44}{wall:>9.3g}  {f'{min(walls):.3g} - {max(walls):.3g}':<17}"
                f"{_median(same, who, 'cpu_s'):>9.3g}{f'{peak:.0f}' if peak else '':>7}"
                f"{ours / wall:>9.2f}"
            )
    return "\n".join(lines)


def _is_ours(who: str) -> bool:
    return who.startswith("project")


def _median(rows: Rows, who: str, quantity: str) -> float:
    """Return the median of what was measured; 0 where it was not."""
    measured = [row.get(quantity) for row in rows if row["who"] == who]
    return median(measured) if measured and all(measured) else 0.0


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
