"""Compare two outputs of the same range: added, removed and moved NEOs and approaches."""

import pandas as pd

from neo_utils.compare.newest import MOVED_AU, newest_approaches, newest_neos, with_nearest
from neo_utils.errors import StoredDataMissing
from neo_utils.statistics.results import read_result, saved_threshold
from neo_utils.store.make_commands import make_command
from neo_utils.store.selection import Selection
from neo_utils.text import shown


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


def compare_metrics(before: Selection, after: Selection) -> pd.DataFrame:
    """Return the metrics that differ, with the columns before and after.

    Raises
    ------
    StoredDataMissing
        If the metrics of an output are missing or outdated, or the thresholds differ.
    """
    _check_counted(before, after)
    old, new = (
        read_result("metrics", one.output, one.positions).to_pandas().set_index("metric")["value"]
        for one in (before, after)
    )
    both = pd.DataFrame({"before": old, "after": new}).fillna(0).astype(int)
    return both[both["before"] != both["after"]]


def _check_counted(before: Selection, after: Selection) -> None:
    """Check that both metrics are current and share a threshold: else they would show drift."""
    old, new = (_threshold(one) for one in (before, after))
    if old != new:
        raise StoredDataMissing(
            f"the threshold is {old} AU before and {new} AU after. Run "
            f"{_aggregate(before).rstrip('`')} THRESHOLD_AU={new}`"
        )


def _threshold(one: Selection) -> float:
    threshold = saved_threshold(one)
    if threshold is None:
        raise StoredDataMissing(
            f"the metrics of {one.output} are missing or outdated. Run {_aggregate(one)}"
        )
    return threshold


def _aggregate(one: Selection) -> str:
    return make_command("aggregate", one.positions, one.output)


def drift_text(before: Selection, after: Selection) -> str:
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
            *_metric_lines(before, after),
        ]
    )


def neo_lines(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """Summarize the changes between two tables of NEOs: id, name, orbit_id."""
    return [
        f"NEOs        {_counts(compare_neos(old, new), ['in', 'out'])}",
        f"orbits      {len(compare_orbits(old, new)):,} determined again",
    ]


def _metric_lines(before: Selection, after: Selection) -> list[str]:
    try:
        metrics = compare_metrics(before, after)
    except StoredDataMissing as reason:
        return [f"metrics     not compared: {reason}"]
    totals = metrics[metrics.index.str.startswith("total")]
    years = len(metrics) - len(totals)
    return [
        f"metrics     {len(totals):,} totals differ, and the approaches in {years:,} years",
        *(f"{shown(name)}  {row.before:,} -> {row.after:,}" for name, row in totals.iterrows()),
    ]


def _counts(changes: pd.DataFrame, kinds: list[str]) -> str:
    return ", ".join(f"{(changes['change'] == kind).sum():,} {kind}" for kind in kinds)
