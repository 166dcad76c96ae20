"""The statistics of NeoWs pages in plain Python, without any function of the package."""

import json
from collections import defaultdict
from decimal import Decimal


def approaches_of(pages):
    """Return (neo id, year, body, AU, km/s, date) of every approach, and the ids of the NEOs."""
    objects = {o["id"]: o for page in pages for o in json.loads(page)["near_earth_objects"]}
    return list(objects), [
        (
            neo_id,
            int(a["close_approach_date"][:4]),
            a["orbiting_body"],
            Decimal(a["miss_distance"]["astronomical"]),
            Decimal(a["relative_velocity"]["kilometers_per_second"]),
            a["close_approach_date"],
        )
        for neo_id, o in objects.items()
        for a in o["close_approach_data"]
    ]


def metrics_of(pages, threshold):
    ids, approaches = approaches_of(pages)
    under = [a for a in approaches if a[3] < Decimal(threshold)]
    metrics = {
        "total_neos": len(ids),
        "total_close_approaches": len(approaches),
        "total_close_approaches_earth": sum(a[2] == "Earth" for a in approaches),
        f"total_close_approaches_under_{threshold}_au": len(under),
        f"total_close_approaches_under_{threshold}_au_earth": sum(a[2] == "Earth" for a in under),
        f"total_neos_under_{threshold}_au": len({a[0] for a in under}),
        f"total_neos_under_{threshold}_au_earth": len({a[0] for a in under if a[2] == "Earth"}),
    }
    for year in sorted({a[1] for a in approaches}):
        metrics[f"close_approaches_in_{year}"] = sum(a[1] == year for a in approaches)
    return metrics


def with_approaches_repeated(metrics, times):
    """Return the metrics with every approach counted ``times`` times."""
    return {
        name: value * (1 if name.startswith("total_neos") else times)
        for name, value in metrics.items()
    }


def yearly_of(pages, threshold, fetched_on):
    groups = defaultdict(list)
    for approach in approaches_of(pages)[1]:
        groups[approach[1], approach[2]].append(approach)
    return [
        (
            year,
            body,
            len(rows),
            sum(a[3] < Decimal(threshold) for a in rows),
            sum(a[5] > fetched_on for a in rows),
            len({a[0] for a in rows}),
            float(min(a[3] for a in rows)),
            min((a[3], a[0]) for a in rows)[1],
            round(float(sum(a[4] for a in rows) / len(rows)), 6),
        )
        for (year, body), rows in sorted(groups.items())
    ]
