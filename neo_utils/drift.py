"""Compare two outputs of the same range: which NEOs and approaches came, went or moved."""

from pathlib import Path

import pandas as pd

from neo_utils.batches import PositionRange
from neo_utils.results import read_result, result_path
from neo_utils.selection import Selection
from neo_utils.store import read_table

MOVED_AU = 0.0001  # 15,000 km: more than orbits of well-observed NEOs shift from year to year
_SAME_PASSAGE = pd.Timedelta(days=3)  # a better orbit moves the time of a passage by hours at most


def compare_neos(before: Selection, after: Selection) -> pd.DataFrame:
    """Return the NEOs that only one of two outputs has: id, name, change ("in" or "out")."""
    old, new = _neos(before), _neos(after)
    came, went = new[~new["id"].isin(old["id"])], old[~old["id"].isin(new["id"])]
    return pd.concat([came.assign(change="in"), went.assign(change="out")], ignore_index=True)


def compare_approaches(before: Selection, after: Selection) -> pd.DataFrame:
    """Return the approaches, of NEOs that both outputs have, that were added, removed or moved.

    An approach is the same one if NEO and body are the same and the dates lie at most three days
    apart; it moved if its miss distance changed by more than `MOVED_AU`.

    Returns
    -------
    DataFrame
        neo_id, orbiting_body, close_approach_date, miss_distance_au_before and _after (AU; NaN
        where there is none), change ("added", "removed" or "moved").
    """
    old, new = _approaches(before), _approaches(after)
    both = set(old["neo_id"]) & set(new["neo_id"])
    old, new = (frame[frame["neo_id"].isin(both)] for frame in (old, new))
    found = _matched(old, new)
    removed = found[found["miss_distance_au_after"].isna()].assign(change="removed")
    shift = (found["miss_distance_au_after"] - found["miss_distance_au_before"]).abs()
    moved = found[shift > MOVED_AU].assign(change="moved")
    back = _matched(new, old).rename(
        columns={
            "miss_distance_au_before": "miss_distance_au_after",
            "miss_distance_au_after": "miss_distance_au_before",
        }
    )
    added = back[back["miss_distance_au_before"].isna()].assign(change="added")
    changes = pd.concat([added, removed, moved], ignore_index=True)
    return changes.sort_values(["close_approach_date", "neo_id"], ignore_index=True)


def compare_metrics(before: Path, after: Path, positions: PositionRange) -> pd.DataFrame:
    """Return the metrics that differ: before, after; empty where one output is not counted yet."""
    if not all(result_path("metrics", output, positions).exists() for output in (before, after)):
        return pd.DataFrame(columns=["before", "after"])
    tables = (read_result("metrics", output, positions).to_pandas() for output in (before, after))
    old, new = (table.set_index("metric")["value"] for table in tables)
    both = pd.DataFrame({"before": old, "after": new}).fillna(0).astype(int)
    return both[both["before"] != both["after"]]


def drift_text(before: Selection, after: Selection) -> str:
    """Return what changed between two outputs, in a few lines."""
    neos, approaches = compare_neos(before, after), compare_approaches(before, after)
    metrics = compare_metrics(before.output, after.output, after.positions)
    lines = [
        f"before      {before.source_line}",
        f"after       {after.source_line}",
        f"NEOs        {_counts(neos, ['in', 'out'])}",
        f"approaches  {_counts(approaches, ['added', 'removed'])}, "
        f"{_counts(approaches, ['moved'])} by more than {MOVED_AU} AU, of NEOs in both",
    ]
    lines += [
        f"{name}  {row.before:,} -> {row.after:,}"
        for name, row in metrics.iterrows()
        if str(name).startswith("total")
    ]
    return "\n".join(lines)


def _counts(changes: pd.DataFrame, kinds: list[str]) -> str:
    return ", ".join(f"{(changes['change'] == kind).sum():,} {kind}" for kind in kinds)


def _neos(selection: Selection) -> pd.DataFrame:
    table = read_table(selection.output, selection.provenances, "raw")
    return table.select(["id", "name"]).to_pandas().drop_duplicates("id")


def _approaches(selection: Selection) -> pd.DataFrame:
    table = read_table(selection.output, selection.provenances, "close_approaches")
    columns = ["neo_id", "orbiting_body", "close_approach_date", "miss_distance_au"]
    frame = table.select(columns).to_pandas().drop_duplicates(columns[:3])
    return frame.astype({"close_approach_date": "datetime64[s]"})


def _matched(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    """Return ``left`` with the miss distance of the passage in ``right`` nearest in time."""
    key = "close_approach_date"
    return pd.merge_asof(
        left.sort_values(key),
        right.sort_values(key),
        on=key,
        by=["neo_id", "orbiting_body"],
        tolerance=_SAME_PASSAGE,
        direction="nearest",
        suffixes=("_before", "_after"),
    )
