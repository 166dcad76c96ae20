"""Compare two outputs of the same range: added, removed and moved NEOs and approaches."""

import pandas as pd

from neo_utils.compare.newest import MOVED_AU, newest_approaches, newest_neos, with_nearest
from neo_utils.errors import StoredDataMissing
from neo_utils.statistics.results import are_current, read_result
from neo_utils.store.make_commands import make_command
from neo_utils.store.selection import Selection
from neo_utils.text import plural, shown


def compare_neos(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the NEOs that are in only one of two tables: id, name, change ("in" or "out")."""
    came, went = new[~new["id"].isin(old["id"])], old[~old["id"].isin(new["id"])]
    changes = pd.concat([came.assign(change="in"), went.assign(change="out")], ignore_index=True)
    return changes[["id", "name", "change"]]


def compare_orbits(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the NEOs whose orbit was determined again: id, name, both orbit ids."""
    both = old.merge(new[["id", "orbit_id"]], on="id", suffixes=("_before", "_after"))
    known = both.dropna(subset=["orbit_id_before", "orbit_id_after"])
    changed = known[known["orbit_id_before"] != known["orbit_id_after"]]
    return changed[["id", "name", "orbit_id_before", "orbit_id_after"]].reset_index(drop=True)


def compare_approaches(before: Selection, after: Selection) -> pd.DataFrame:
    """Return the approaches that were added, removed or moved, of NEOs in both outputs.

    Two approaches are the same if NEO and body agree and the dates are at most three days apart. An
    approach moved if its miss distance changed by more than `MOVED_AU`.

    Returns
    -------
    DataFrame
        neo_id, orbiting_body, close_approach_date, miss_distance_au_before and _after (AU; NaN
        if there is none), change ("added", "removed" or "moved").
    """
    both = set(newest_neos(before)["id"]) & set(newest_neos(after)["id"])
    approaches = (newest_approaches(one) for one in (before, after))
    old, new = (frame[frame["neo_id"].isin(both)] for frame in approaches)
    date = "close_approach_date"
    found = with_nearest(old, new, date, ("_before", "_after"))
    removed = found[found["miss_distance_au_after"].isna()].assign(change="removed")
    shift = (found["miss_distance_au_after"] - found["miss_distance_au_before"]).abs()
    moved = found[shift > MOVED_AU].assign(change="moved")
    back = with_nearest(new, old, date, ("_after", "_before"))
    added = back[back["miss_distance_au_before"].isna()].assign(change="added")
    changes = pd.concat([added, removed, moved], ignore_index=True)
    return changes.sort_values([date, "neo_id"], ignore_index=True)


def compare_metrics(before: Selection, after: Selection, threshold_au: float) -> pd.DataFrame:
    """Return the metrics that differ, with the columns before and after.

    Raises
    ------
    StoredDataMissing
        If the metrics of an output with this threshold are missing or outdated.
    """
    old, new = (_metrics(one, threshold_au) for one in (before, after))
    both = pd.DataFrame({"before": old, "after": new}).fillna(0).astype(int)
    return both[both["before"] != both["after"]]


def _metrics(one: Selection, threshold_au: float) -> "pd.Series[int]":
    if not are_current(one, threshold_au):  # they would show other changes than those of the list
        aggregate = make_command("aggregate", one.positions, one.output, threshold_au=threshold_au)
        raise StoredDataMissing(
            f"the metrics of {one.output} with threshold {threshold_au} AU are missing or "
            f"outdated. Run {aggregate}"
        )
    table = read_result("metrics", one.result_files(threshold_au))
    return table.to_pandas().set_index("metric")["value"]


def drift_text(before: Selection, after: Selection, threshold_au: float) -> str:
    """Summarize the changes between two outputs in a few lines."""
    neos = (newest_neos(one, ["orbit_id"]) for one in (before, after))
    approaches = compare_approaches(before, after)
    return "\n".join(
        [
            f"before      {before.source_line}",
            f"after       {after.source_line}",
            *neo_lines(*neos),
            f"approaches  {_counts(approaches, ['added', 'removed'])}, "
            f"{_counts(approaches, ['moved'])} by more than {MOVED_AU} AU, of NEOs in both",
            *_metric_lines(before, after, threshold_au),
        ]
    )


def neo_lines(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Summarize the changes between two tables of NEOs: id, name, orbit_id."""
    return [
        f"NEOs        {_counts(compare_neos(old, new), ['in', 'out'])}",
        f"orbits      {len(compare_orbits(old, new)):,} determined again",
    ]


def _metric_lines(before: Selection, after: Selection, threshold_au: float) -> list[str]:
    try:
        metrics = compare_metrics(before, after, threshold_au)
    except StoredDataMissing as reason:
        return [f"metrics     not compared: {reason}"]
    totals = metrics[metrics.index.str.startswith("total")]
    years = plural(len(metrics) - len(totals), "year")
    return [
        f"metrics     {plural(len(totals), 'total')} changed, and the approaches in {years}",
        *(f"{shown(name)}  {row.before:,} -> {row.after:,}" for name, row in totals.iterrows()),
    ]


def _counts(changes: pd.DataFrame, kinds: list[str]) -> str:
    return ", ".join(f"{(changes['change'] == kind).sum():,} {kind}" for kind in kinds)
