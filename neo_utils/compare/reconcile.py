"""Compare stored Earth approaches with JPL's CAD and explain the differences."""

from typing import Any

import pandas as pd

from neo_utils.answers.designations import chosen_neos
from neo_utils.compare.cad import FARTHEST_AU, CadList, plain, query_cad
from neo_utils.compare.differences import UNEXPLAINED, StoredOrbit
from neo_utils.compare.newest import newest_approaches, newest_neos
from neo_utils.compare.side_by_side import compare
from neo_utils.neows.transport import open_session
from neo_utils.store.selection import Selection

_OF_ORBIT = ["orbit_id", "orbit_determination_date", "orbit_uncertainty"]
_SHOWN = 3  # differences listed per reason; unexplained ones are all listed


def reconciled_text(selection: Selection, named: str) -> str:
    """Query CAD for the NEOs listed in ``named`` and summarize the comparison in a few lines.

    Raises
    ------
    WrongParameter
        If ``named`` is empty or lists a NEO without a designation.
    StoredDataMissing
        If one of the NEOs is not stored.
    StoredDataBroken
        If a stored file is corrupted.
    ServiceFailure
        If `query_cad` fails.
    """
    listed = newest_neos(selection, ["designation", *_OF_ORBIT])
    neos = chosen_neos(selection, listed, named)
    approaches = newest_approaches(selection, ["close_approach_time"])
    to_earth = approaches[approaches["orbiting_body"] == "Earth"]
    texts, versions = [], set()
    with open_session() as session:
        for neo in neos.itertuples():
            answer = query_cad(session, neo.designation)
            versions.add(answer.version)
            stored = to_earth[to_earth["neo_id"] == neo.id]
            texts += _lines(plain(neo.name or neo.id), stored, answer, _orbit_of(neo))
    return "\n".join(
        [
            f"stored      {selection.source_line}",
            f"CAD         {', '.join(versions)}: Earth approaches from 1900 to 2200 up to "
            f"{FARTHEST_AU} AU",
            "times       as listed, to the minute. CAD uses TDB, 69 s ahead of UTC today. NeoWs "
            "does not state its time scale; 16 compared passages agree with CAD to the minute",
            *texts,
        ]
    )


def _orbit_of(neo: Any) -> StoredOrbit:  # noqa: ANN401 -- a named tuple
    orbit_id, time, uncertainty = (getattr(neo, name) for name in _OF_ORBIT)
    return StoredOrbit(
        orbit_id,
        None if pd.isna(time) else time.date(),
        None if pd.isna(uncertainty) else int(uncertainty),
    )


def _lines(name: str, stored: pd.DataFrame, answer: CadList, orbit: StoredOrbit) -> list[str]:
    compared = compare(stored, answer.passages, orbit)
    counts = {kind: (compared["found"] == kind).sum() for kind in ("matched", "missing", "extra")}
    matched = compared[compared["found"] == "matched"]
    lines = [
        name,
        f"  orbit     {_orbit_line(answer.passages, orbit)}",
        f"  found     {', '.join(f'{count:,} {kind}' for kind, count in counts.items())}",
    ]
    if len(matched):
        lines.append(f"  apart     {_largest(matched)}")
    days = int(stored["close_approach_time"].isna().sum())
    if days:
        lines.append(f"  days      {days:,} stored approaches, from old pages, have no time of day")
    differing = compared[compared["explanation"] != ""]
    for (found, why), rows in differing.groupby(["found", "explanation"]):
        label = "differing" if found == "matched" else found
        lines.append(f"  {label:<9} {len(rows):,}, {why}: {_some(rows, why)}")
    return lines


def _largest(matched: pd.DataFrame) -> str:
    """Return the largest differences, and the signs of those in time, which show a time scale."""
    minutes, au = matched["difference_min"], matched["difference_au"]
    return (
        f"by at most {minutes.abs().max():,.0f} minutes and {au.abs().max():.10f} AU; CAD's times: "
        f"{(minutes > 0).sum():,} later, {(minutes < 0).sum():,} earlier"
    )


def _orbit_line(listed: pd.DataFrame, orbit: StoredOrbit) -> str:
    ours = "unknown"
    if orbit.orbit_id:
        ours = f"solution {plain(orbit.orbit_id)} of {orbit.determined}, "
        ours += f"uncertainty {orbit.uncertainty}"
    if listed.empty:
        return f"stored: {ours}; CAD lists no approach, or does not recognise the designation"
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
