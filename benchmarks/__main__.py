"""Measure, print tables, and save the measurements as JSON.

``python -m benchmarks short`` takes a few minutes, ``full`` half an hour and 500 MB in ``build``,
``cluster`` twenty minutes, and ``set-up`` ten. Each run measures the project and its alternatives
on the same input. Compare the ratios: absolute times depend on the machine and vary.
"""

import argparse
import json
from collections.abc import Callable

from benchmarks.aggregation import aggregation, small_aggregation, worker_cores
from benchmarks.catalogue import NEOS
from benchmarks.decoding import decoding
from benchmarks.fetching import many_pages, ten_pages
from benchmarks.machine import BUILD, MEASURED, machine
from benchmarks.pipeline import pipeline
from benchmarks.set_up import set_up
from benchmarks.summary import Rows, results_text, summary
from neo_utils.settings.folders import PROJECT

SETS: dict[str, dict[str, Callable[[], Rows]]] = {
    "short": {
        "decoding": lambda: decoding(20),
        "fetching": lambda: ten_pages(3),
        "pipeline": lambda: pipeline(1),
        "aggregation": lambda: small_aggregation(BUILD),
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


def main(name: str) -> None:
    """Run one set of benchmarks; results of all sets but ``short`` belong to the documentation."""
    path = (BUILD if name == "short" else MEASURED) / f"{name}.json"
    for folder in (BUILD, path.parent):
        folder.mkdir(parents=True, exist_ok=True)
    results = {}
    for area, measure in SETS[name].items():
        results[area] = summary(measure())
        print(results_text(results[area]), end="\n\n", flush=True)
    description = machine()
    path.write_text(json.dumps({"machine": description, **results}, indent=1) + "\n")
    head = ", ".join(f"{item} {value}" for item, value in description.items())
    text = "\n\n".join([head, *map(results_text, results.values())])
    path.with_suffix(".txt").write_text(text + "\n")
    print(f"as JSON     {path.relative_to(PROJECT)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", choices=SETS, nargs="?", default="short")
    main(**vars(parser.parse_args()))
