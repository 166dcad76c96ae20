"""The newest version of each NEO and its approaches, and matching approaches of two lists."""

from collections.abc import Sequence

import pandas as pd

from neo_utils.statistics.computation import counted_rows
from neo_utils.store.selection import Selection

MOVED_AU = 0.0001  # 15,000 km: more than the yearly change for well-observed NEOs
SAME_PASSAGE = pd.Timedelta(days=3)  # a better orbit moves the time of an approach by hours


def newest_neos(selection: Selection, further: Sequence[str] = ()) -> pd.DataFrame:
    """Return every NEO from its newest batch, as the statistics use it.

    Parameters
    ----------
    further
        Columns of the tables ``raw`` and ``orbits`` to add to id and name.

    Returns
    -------
    DataFrame
        id, name, these columns, and ``position`` in the listing.

    Raises
    ------
    StoredDataBroken
        If a batch is corrupted.
    """
    return counted_rows(selection, "newest", ["id", "name", *further, "position"]).to_pandas()


def newest_approaches(selection: Selection, further: Sequence[str] = ()) -> pd.DataFrame:
    """Return every approach from the newest batch of its NEO, as the statistics use it.

    Parameters
    ----------
    further
        Further columns of the table.

    Returns
    -------
    DataFrame
        neo_id, orbiting_body, close_approach_date (as listed), these columns, miss_distance_au (AU)

    Raises
    ------
    StoredDataBroken
        If a batch is corrupted.
    """
    columns = ["neo_id", "orbiting_body", "close_approach_date", *further, "miss_distance_au"]
    frame = counted_rows(selection, "close_approaches", columns).to_pandas()
    return frame.astype({"close_approach_date": "datetime64[s]"})


def with_nearest(
    left: pd.DataFrame, right: pd.DataFrame, time: str, suffixes: tuple[str, str]
) -> pd.DataFrame:
    """Return ``left`` joined with the approach in ``right`` that is nearest in time.

    The added columns are null if ``right`` has no approach of the same NEO and body within
    `SAME_PASSAGE`.

    Parameters
    ----------
    time
        The column with the time.
    suffixes
        Suffixes for columns in both frames, except time, neo_id and orbiting_body.
    """
    return pd.merge_asof(
        left.sort_values(time),
        right.sort_values(time),
        on=time,
        by=["neo_id", "orbiting_body"],
        tolerance=SAME_PASSAGE,
        direction="nearest",
        suffixes=suffixes,
    )
