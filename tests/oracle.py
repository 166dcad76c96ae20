"""The statistics of NeoWs pages in plain Python, without any function of the package."""

import json
from collections import Counter, defaultdict
from decimal import Decimal


def objects_of(pages):
    """Return the objects by id; of several with one id, the one on the last of these pages."""
    return {o["id"]: o for page in pages for o in json.loads(page)["near_earth_objects"]}


def approaches_of(pages):
    """Return (neo id, year, body, AU, km/s, date) of every approach, and the ids of the NEOs."""
    objects = objects_of(pages)
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


def mean_velocity(approaches):
    return round(float(sum(a[4] for a in approaches) / len(approaches)), 6)


def yearly_of(pages, threshold, fetched_on):
    objects = objects_of(pages)
    groups = defaultdict(list)
    for approach in approaches_of(pages)[1]:
        groups[approach[1], approach[2]].append(approach)
    return [
        (
            year,
            body,
            len(rows),
            len(under),
            sum(a[5] > fetched_on for a in rows),
            len({a[0] for a in rows}),
            float(min(a[3] for a in rows)),
            nearest[0],
            mean_velocity(rows),
            sum(a[5] > fetched_on for a in under),
            nearest[5],
            nearest[5] > fetched_on,
            mean_velocity(under) if under else None,
            objects[nearest[0]].get("name"),
        )
        for (year, body), rows in sorted(groups.items())
        for nearest in [min(rows, key=lambda a: (a[3], a[0], a[5]))]
        for under in [[a for a in rows if a[3] < Decimal(threshold)]]
    ]


def size_class(one):
    magnitude = one.get("absolute_magnitude_h")
    if magnitude is None:
        return "H unknown"
    if magnitude <= 17.75:
        return "H at most 17.75"
    return "H above 17.75, at most 22" if magnitude <= 22 else "H above 22"


def orbit(one):
    return one.get("orbital_data") or {}


def near_years(one, threshold):
    """Return the year of each approach to Earth under the threshold."""
    return [
        int(a["close_approach_date"][:4])
        for a in one["close_approach_data"]
        if a["orbiting_body"] == "Earth"
        and Decimal(str(a["miss_distance"]["astronomical"])) < Decimal(threshold)
    ]


def first_year(one):
    date = orbit(one).get("first_observation_date")
    return date and int(date[:4])


def population_of(pages, threshold):
    groups = defaultdict(lambda: [0, 0, 0, 0])
    for one in objects_of(pages).values():
        kind = (orbit(one).get("orbit_class") or {}).get("orbit_class_type") or "unknown"
        hazardous = bool(one.get("is_potentially_hazardous_asteroid"))
        near = len(near_years(one, threshold))
        for key in (("all", "all"), ("orbit class", kind), ("size class", size_class(one))):
            counts = (1, hazardous, near, hazardous * near)
            groups[key] = [a + b for a, b in zip(groups[key], counts, strict=True)]
    return [
        (*key, *counts, counts[1] / counts[0], counts[3] / counts[2] if counts[2] else None)
        for key, counts in sorted(groups.items())
    ]


def first_observations_of(pages):
    objects = objects_of(pages).values()
    counts = Counter((first_year(one), size_class(one)) for one in objects if first_year(one))
    expected, so_far = [], Counter()
    for (year, name), neos in sorted(counts.items()):
        so_far[name] += neos
        expected.append((year, name, neos, so_far[name]))
    return expected


def since_first_observation_of(pages, threshold):
    objects = [one for one in objects_of(pages).values() if first_year(one)]
    counts = Counter(
        year - first_year(one)
        for one in objects
        for year in near_years(one, threshold)
        if year <= 2200
    )
    listed = Counter(year - first_year(one) for one in objects for year in range(1900, 2201))
    return [(n, counts[n], listed[n], counts[n] / listed[n]) for n in sorted(listed)]


def hazard_exceptions_of(pages):
    expected = []
    for one in objects_of(pages).values():
        moid = orbit(one).get("minimum_orbit_intersection")
        magnitude = one.get("absolute_magnitude_h")
        flag = one.get("is_potentially_hazardous_asteroid")
        known = None not in (moid, magnitude, flag)
        if known and flag != (float(moid) <= 0.05 and magnitude <= 22):
            expected.append((one["id"], one["name"], magnitude, float(moid), flag))
    return sorted(expected)
