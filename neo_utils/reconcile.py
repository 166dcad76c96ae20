"""Compare stored Earth approaches with those that JPL's CAD lists, and say why they differ."""

import pandas as pd

from neo_utils.cad import FARTHEST_AU, CadList, ask_cad
from neo_utils.designations import chosen_neos
from neo_utils.differences import UNEXPLAINED, explained, limits
from neo_utils.newest import newest_approaches, newest_neos, with_nearest
from neo_utils.orbits import StoredOrbit, stored_orbit
from neo_utils.selection import Selection
from neo_utils.transport import open_session

_MINUTE, _DAY = pd.Timedelta(minutes=1), pd.Timedelta(days=1)
_COMPARED = [
    *("found", "time_stored", "time_cad", "difference_min"),
    *("distance_au_stored", "distance_au_cad", "difference_au"),
    *("distance_min_au", "distance_max_au", "time_sigma_min", "orbit_id"),
]
_SHOWN = 3  # of differences that one reason explains; of the unexplained, all


def compare(stored: pd.DataFrame, listed: pd.DataFrame, orbit: StoredOrbit) -> pd.DataFrame:
    """Return the Earth approaches of one NEO that either list has, those of both side by side.

    An approach is the same one if each is the nearest in time to the other, and they lie at most
    three days apart. The times are compared as they are listed.

    Parameters
    ----------
    stored
        close_approach_date, close_approach_time, miss_distance_au, as `newest_approaches` has them.
    listed
        As ``CadList.passages``.
    orbit
        The one that the stored approaches were computed from.

    Returns
    -------
    DataFrame
        found ("matched", "missing": in CAD alone, "extra": stored alone), time_stored (noon where
        the day alone is stored), time_cad (TDB), difference_min (minutes by which CAD's time lies
        off the stored minute or day), distance_au_stored, distance_au_cad, difference_au (AU,
        stored minus CAD's), distance_min_au, distance_max_au, time_sigma_min and orbit_id (CAD's),
        explanation (an empty text where nothing differs).
    """
    ours, theirs = _ours(stored), _theirs(listed)
    found = with_nearest(ours, theirs, "time", ("_stored", "_cad"))
    back = with_nearest(theirs, ours, "time", ("_cad", "_stored"))
    nearest = dict(zip(back["row_cad"], back["row_stored"], strict=True))
    mutual = [nearest.get(one.row_cad) == one.row_stored for one in found.itertuples()]
    pairs = found.loc[mutual, ["row_stored", "row_cad"]]
    both = pairs.merge(ours.add_suffix("_stored"), on="row_stored", how="outer")
    both = both.merge(theirs.add_suffix("_cad"), on="row_cad", how="outer")
    both = both.rename(
        columns={
            f"{name}_cad": name for name in ("distance_min_au", "distance_max_au", "time_sigma_min")
        }
    )
    return _explained(both, stored, listed, orbit)


def reconciled_text(selection: Selection, named: str) -> str:
    """Ask CAD for the NEOs that a text names and return how the lists compare, in a few lines.

    Raises
    ------
    WrongParameter
        Where the text names nothing.
    StoredDataMissing
        Where one of them is not stored.
    StoredDataBroken
        Where a stored file cannot be used.
    ServiceFailure
        As `ask_cad` does.
    """
    neos = chosen_neos(selection, newest_neos(selection, ["designation"]), named)
    approaches = newest_approaches(selection, ["close_approach_time"])
    to_earth = approaches[approaches["orbiting_body"] == "Earth"]
    batches = [batch for batch, _ in selection.oldest_first]
    texts, versions = [], set()
    with open_session() as session:
        for neo in neos.itertuples():
            orbit = stored_orbit(selection.output, batches[neo.fetch_order], neo.id)
            answer = ask_cad(session, neo.designation)
            versions.add(answer.version)
            stored = to_earth[to_earth["neo_id"] == neo.id]
            texts += _lines(neo.name or neo.id, stored, answer, orbit)
    return "\n".join(
        [
            f"stored      {selection.source_line}",
            f"CAD         {', '.join(versions)}: Earth approaches from 1900 to 2200 up to "
            f"{FARTHEST_AU} AU",
            "times       as listed, to the minute. CAD's are TDB; NeoWs's seem to be TDB, too, "
            "where the tables say UTC, and TDB is 69 s ahead of UTC today",
            *texts,
        ]
    )


def _lines(name: str, stored: pd.DataFrame, answer: CadList, orbit: StoredOrbit) -> list[str]:
    compared = compare(stored, answer.passages, orbit)
    counts = {kind: (compared["found"] == kind).sum() for kind in ("matched", "missing", "extra")}
    matched = compared[compared["found"] == "matched"]
    largest = ""
    if len(matched):
        largest = (
            f"; differing by at most {matched['difference_min'].max():,.0f} minutes and "
            f"{matched['difference_au'].abs().max():.10f} AU"
        )
    lines = [
        name,
        f"  orbit     {_orbit_line(answer.passages, orbit)}",
        f"  found     {', '.join(f'{count:,} {kind}' for kind, count in counts.items())}{largest}",
    ]
    days = int(stored["close_approach_time"].isna().sum())
    if days:
        lines.append(f"  days      of {days:,} of the stored, an old page lists the day alone")
    differing = compared[compared["explanation"] != ""]
    for (found, why), rows in differing.groupby(["found", "explanation"]):
        label = "differing" if found == "matched" else found
        lines.append(f"  {label:<9} {len(rows):,} by {why}: {_some(rows, why)}")
    return lines


def _orbit_line(listed: pd.DataFrame, orbit: StoredOrbit) -> str:
    of = f"solution {orbit.orbit_id} of {orbit.determined}, uncertainty {orbit.uncertainty}"
    ours = of if orbit.orbit_id else "not told"
    if listed.empty:
        return f"stored: {ours}; CAD lists no approach, as of designations that it does not know"
    last = listed.iloc[0]
    return f"stored: {ours}; CAD: solution {last['orbit_id']} of {last['designation']}"


def _some(rows: pd.DataFrame, why: str) -> str:
    shown = rows if why == UNEXPLAINED else rows.head(_SHOWN)
    texts = [
        f"{time:%Y-%m-%d %H:%M} at {au:.6f} AU"
        for time, au in zip(
            shown["time_cad"].fillna(shown["time_stored"]),
            shown["distance_au_cad"].fillna(shown["distance_au_stored"]),
            strict=True,
        )
    ]
    return ", ".join([*texts, "..."] if len(shown) < len(rows) else texts)


def _ours(stored: pd.DataFrame) -> pd.DataFrame:
    by_day = stored["close_approach_time"].isna()
    time = stored["close_approach_time"].dt.tz_localize(None).astype("datetime64[s]")
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


def _theirs(listed: pd.DataFrame) -> pd.DataFrame:
    return listed.assign(row=range(len(listed)), neo_id="", orbiting_body="Earth")


def _explained(
    both: pd.DataFrame, stored: pd.DataFrame, listed: pd.DataFrame, orbit: StoredOrbit
) -> pd.DataFrame:
    apart = (both["time_stored"] - both["time_cad"]).abs()
    apart = apart.where(both["by_day_stored"] != True, (apart - _DAY / 2).clip(lower=_DAY * 0))  # noqa: E712
    found = pd.Series("matched", both.index)
    found[both["row_stored"].isna()] = "missing"
    found[both["row_cad"].isna()] = "extra"
    both = both.assign(
        found=found,
        difference_min=apart / _MINUTE,
        difference_au=both["distance_au_stored"] - both["distance_au_cad"],
    )
    both["orbit_id"] = listed["orbit_id"].iloc[0] if len(listed) else None
    both = both.sort_values("time_cad", ignore_index=True)[_COMPARED]
    limit = limits(stored["miss_distance_au"], listed["distance_au"], orbit)
    return both.assign(explanation=[explained(row, orbit, limit) for row in both.itertuples()])
