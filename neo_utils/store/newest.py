"""The NEOs and approaches of a selection as they count, and a passage that stands in two lists."""

from collections.abc import Sequence

import pandas as pd

from neo_utils.store.columns import read_rows
from neo_utils.store.selection import Selection

MOVED_AU = 0.0001  # 15,000 km: more than orbits of well-observed NEOs shift from year to year
SAME_PASSAGE = pd.Timedelta(days=3)  # a better orbit moves the time of a passage by hours at most


def newest_neos(selection: Selection, further: Sequence[str] = ()) -> pd.DataFrame:
    """Return every NEO from its newest batch, as the counts do.

    Parameters
    ----------
    further
        Columns of the raw table that are wanted beside id and name.

    Returns
    -------
    DataFrame
        id, name, these columns, and ``fetch_order``, the place of the batch in ``oldest_first``.

    Raises
    ------
    StoredDataBroken
        If a file cannot be read, or has other columns.
    """
    frame: pd.DataFrame = read_rows(selection, "raw", ["name", *further]).to_pandas()
    columns = ["id", "name", *further, "fetch_order"]
    return frame[columns].drop_duplicates("id", keep="last")


def newest_approaches(selection: Selection, further: Sequence[str] = ()) -> pd.DataFrame:
    """Return every approach from the newest batch of its NEO, as the counts do.

    Parameters
    ----------
    further
        Columns of the table that are wanted beside those of every approach.

    Returns
    -------
    DataFrame
        neo_id, orbiting_body, close_approach_date (as listed), these columns, miss_distance_au (AU)

    Raises
    ------
    StoredDataBroken
        If a file cannot be read, or has other columns.
    """
    columns = ["neo_id", "orbiting_body", "close_approach_date", *further, "miss_distance_au"]
    frame = read_rows(selection, "close_approaches", further).to_pandas()
    newest = newest_neos(selection).rename(columns={"id": "neo_id"})[["neo_id", "fetch_order"]]
    frame = frame.merge(newest, on=["neo_id", "fetch_order"])[columns]
    return frame.astype({"close_approach_date": "datetime64[s]"})


def with_nearest(
    left: pd.DataFrame, right: pd.DataFrame, time: str, suffixes: tuple[str, str]
) -> pd.DataFrame:
    """Return ``left`` with the columns of the passage in ``right`` that is nearest in time.

    They are null where ``right`` has none of the same NEO and body within `SAME_PASSAGE`.

    Parameters
    ----------
    time
        The column with the time.
    suffixes
        Of the columns that both have, but for the time, neo_id and orbiting_body.
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
