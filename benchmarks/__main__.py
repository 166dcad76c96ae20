"""``make bench`` and its sisters: measure, print a table, and keep what was measured as JSON.

``python -m benchmarks short`` takes a coffee break, ``full`` half an hour and 500 MB of ``build``,
``cluster`` twenty minutes, ``set-up`` ten. Every figure stands beside those of its peers, measured
in the same run on the same input: read the ratio, for machines differ and are noisy.
"""

import argparse
import json
from collections.abc import Callable

from benchmarks.aggregation import aggregation, small_count, worker_cores
from benchmarks.catalogue import NEOS
from benchmarks.decoding import decoding
from benchmarks.fetching import many_pages, ten_pages
from benchmarks.machine import BUILD, MEASURED, machine
from benchmarks.pipeline import pipeline
from benchmarks.profiles import profile_texts
from benchmarks.set_up import set_up
from benchmarks.summary import Rows, summary, table_text
from neo_utils.settings.folders import PROJECT

SETS: dict[str, dict[str, Callable[[], Rows]]] = {
    "short": {
        "decoding": lambda: decoding(20),
        "fetching": lambda: ten_pages(3),
        "pipeline": lambda: pipeline(1),
        "aggregation": lambda: small_count(BUILD),
    },
    "full": {
        "decoding": decoding,
        "fetching": lambda: ten_pages() + many_pages(NEOS),
        "pipeline": pipeline,
        "aggregation": lambda: aggregation(BUILD),
    },
    "cluster": {"aggregation": lambda: worker_cores(BUILD)},
    "set-up": {"set-up": set_up},
}


def main(which: str) -> None:
    """Measure one of the sets; all but the short one are kept for the documentation."""
    kept = (BUILD if which == "short" else MEASURED) / f"{which}.json"
    for folder in (BUILD, kept.parent):
        folder.mkdir(parents=True, exist_ok=True)
    measured, tables = {}, []
    for name, measure in SETS[which].items():
        measured[name] = summary(measure())
        new = [table_text(measured[name]), *profile_texts(measured[name])]
        print(*new, sep="\n\n", end="\n\n", flush=True)
        tables += new
    about = machine()
    kept.write_text(json.dumps({"machine": about, **measured}, indent=1) + "\n")
    said = ", ".join(f"{name} {value}" for name, value in about.items())
    kept.with_suffix(".txt").write_text("\n\n".join([said, *tables]) + "\n")
    print(f"as JSON     {kept.relative_to(PROJECT)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("which", choices=SETS, nargs="?", default="short")
    main(**vars(parser.parse_args()))
