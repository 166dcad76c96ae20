"""Match stored Earth approaches with those of JPL's CAD."""

import pandas as pd

from neo_utils.compare.differences import StoredOrbit, explanation, limits
from neo_utils.compare.newest import with_nearest

_MINUTE, _DAY = pd.Timedelta(minutes=1), pd.Timedelta(days=1)
_COMPARED = [
    *("found", "time_stored", "time_cad", "difference_min"),
    *("distance_au_stored", "distance_au_cad", "difference_au"),
    *("distance_min_au", "distance_max_au", "time_sigma_min", "orbit_id"),
]


def compare(stored: pd.DataFrame, listed: pd.DataFrame, orbit: StoredOrbit) -> pd.DataFrame:
    """Return the Earth approaches of one NEO in either list, with matching ones in one row.

    Two approaches match if each is the nearest in time to the other and they are at most three days
    apart. The times are compared as listed.

    Parameters
    ----------
    stored
        close_approach_date, close_approach_time, miss_distance_au, from `newest_approaches`.
    listed
        The ``passages`` of a ``CadList``.
    orbit
        The orbit that the stored approaches were computed from.

    Returns
    -------
    DataFrame
        found ("matched", "missing": only in CAD, "extra": only stored), time_stored (noon if only
        the day is stored), time_cad (TDB), difference_min (minutes by which CAD's time is later
        than the stored minute or day; negative if it is earlier), distance_au_stored,
        distance_au_cad, difference_au (AU, stored minus CAD's), distance_min_au, distance_max_au,
        time_sigma_min and orbit_id (CAD's), explanation (an empty string if nothing differs).
    """
    ours = _ours(stored)
    theirs = listed.assign(row=range(len(listed)), neo_id="", orbiting_body="Earth")
    rows = ["row_stored", "row_cad"]
    found = with_nearest(ours, theirs, "time", ("_stored", "_cad"))
    back = with_nearest(theirs, ours, "time", ("_cad", "_stored"))
    pairs = found.merge(back[rows], on=rows)[rows]  # those that are nearest to each other
    both = pairs.merge(ours.add_suffix("_stored"), on="row_stored", how="outer")
    both = both.merge(theirs.add_suffix("_cad"), on="row_cad", how="outer")
    both = both.rename(
        columns={
            f"{name}_cad": name for name in ("distance_min_au", "distance_max_au", "time_sigma_min")
        }
    )
    return _explained(both, stored, listed, orbit)


def _ours(stored: pd.DataFrame) -> pd.DataFrame:
    by_day = stored["close_approach_time"].isna()
    time = stored["close_approach_time"].astype("datetime64[s]")
    return pd.DataFrame(
        {
            "time": time.fillna(stored["close_approach_date"] + _DAY / 2),
            "distance_au": stored["miss_distance_au"],
            "by_day": by_day,
            "row": range(len(stored)),
            "neo_id": "",
            "orbiting_body": "Earth",
        }
    )


def _explained(
    both: pd.DataFrame, stored: pd.DataFrame, listed: pd.DataFrame, orbit: StoredOrbit
) -> pd.DataFrame:
    later = (both["time_cad"] - both["time_stored"]) / _MINUTE
    half_day = _DAY / _MINUTE / 2 * both["by_day_stored"].eq(True)  # only the day is stored
    beyond = later - later.clip(-half_day, half_day)
    found = pd.Series("matched", both.index)
    found[both["row_stored"].isna()] = "missing"
    found[both["row_cad"].isna()] = "extra"
    both = both.assign(
        found=found,
        difference_min=beyond,
        difference_au=both["distance_au_stored"] - both["distance_au_cad"],
    )
    orbit_id = listed["orbit_id"].iloc[0] if len(listed) else None
    both["orbit_id"] = orbit_id
    both = both.sort_values("time_cad", ignore_index=True)[_COMPARED]
    both_limits = limits(stored["miss_distance_au"], listed["distance_au"], orbit, orbit_id)
    return both.assign(
        explanation=[explanation(row, orbit, both_limits) for row in both.itertuples()]
    )
