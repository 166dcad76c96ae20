"""What is stored about one NEO: its properties, its passages past and to come, its changes."""

import datetime as dt
from typing import Any, NamedTuple

import pandas as pd

from neo_utils.answers.designations import find_neo
from neo_utils.answers.passage_list import PassageList, sentry_address
from neo_utils.answers.passages import passages_where, searched_neos, today
from neo_utils.answers.views import everything_stored, opened
from neo_utils.figures.links import is_linked
from neo_utils.store.history import read_history
from neo_utils.store.selection import Selection
from neo_utils.text import plural, printable

_FEW = 5
_ELEMENTS = (
    ("a", "semi_major_axis_au", "AU"),
    ("e", "eccentricity", ""),
    ("i", "inclination_deg", "degrees"),
)
_CLASSES = {"AMO": "Amor", "APO": "Apollo", "ATE": "Aten", "IEO": "Atira"}


class OneNeo(NamedTuple):
    """A NEO: the columns of the views ``neos`` and ``orbits``, all its passages, its history."""

    values: dict[str, Any]
    passages: PassageList
    changes: pd.DataFrame
    today: dt.date

    def __repr__(self) -> str:
        """Return what is stored about the NEO in some lines of text."""
        one = {name: None if pd.isna(value) else value for name, value in self.values.items()}
        rows = self.passages.rows
        to_come = rows[rows["close_approach_date"].dt.date >= self.today]
        parts = [
            printable(f"{one['name'] or one['neo_id']}"),
            *_properties(one),
            *self._links(),
            f"approaches   {len(rows):,} listed, {len(to_come):,} of them from {self.today} on",
            f"changes      {len(self.changes):,} recorded; see the view history of `neo sql`",
            self._few("Its nearest approaches", rows.nsmallest(_FEW, "miss_distance_au")),
            self._few("Its next approaches", to_come.head(_FEW)),
            *self.passages.notes[:1],
            self.passages.stored.source_line,
        ]
        return "\n".join(parts)

    def _few(self, definition: str, rows: pd.DataFrame) -> str:
        hidden = ("NEO", "diameter (m)", "H", "hazardous", "in Sentry")
        some = self.passages._replace(rows=rows, hidden=hidden)
        return f"{definition} to any body:\n{some.as_text()}"

    def _links(self) -> list[str]:
        one = self.values
        if self.passages.stored.is_sample:
            return []
        pages = {"at JPL": str(one["nasa_jpl_url"] or "")}
        if one["is_sentry_object"] is True and one["designation"]:
            pages["in Sentry"] = sentry_address(str(one["designation"]))
        return [f"{name:<12} {page}" for name, page in pages.items() if is_linked(page)]


def show(named: str | int, stored: Selection | None = None) -> OneNeo:
    """Return what is stored about one NEO.

    Parameters
    ----------
    named
        Its id, number, designation or name, such as "433", "Apophis" or "2004 MN4".
    stored
        The batches to search; None is everything that is stored in the default folder.

    Raises
    ------
    WrongParameter, StoredDataMissing
        If the text is empty, or no stored NEO is called so.
    StoredDataBroken
        If a batch is corrupted.
    """
    stored = stored or everything_stored()
    session = opened(stored)
    neos = session.sql("SELECT neo_id AS id, name, designation, position FROM neos").toPandas()
    neo_id, _, _, position = neos.iloc[find_neo(stored, neos, str(named))]
    query = f"SELECT * FROM neos JOIN orbits USING (neo_id) WHERE position = {position}"  # noqa: S608
    (values,) = session.sql(query).toArrow().to_pylist()
    in_order = f"position = {position} ORDER BY close_approach_date, close_approach_time"
    rows, searched = passages_where(session, in_order), searched_neos(session)
    passages = PassageList("Its passages", rows, stored, searched, "TDB")
    changes = read_history(stored.output).to_pandas()
    own = (changes["neo_id"] == neo_id) & (changes["source"] == stored.label)
    return OneNeo(values, passages, changes[own], today(stored))


def _properties(one: dict[str, Any]) -> list[str]:
    kind, uncertainty = one["orbit_class_type"], one["orbit_uncertainty"]
    used = one["observations_used"]
    low, high = one["minimum_estimated_diameter_meters"], one["maximum_estimated_diameter_meters"]
    lines = {
        "id": one["neo_id"],
        "designation": one["designation"],
        "H": _with_unit(one["absolute_magnitude_h"], "mag"),
        "diameter": low
        and high
        and f"{low:,.0f} to {high:,.0f} m, estimated from H (about half of the measured "
        "diameters lie outside such a range)",
        "hazardous": _yes_or_no(one["is_potentially_hazardous_asteroid"]),
        "Sentry": _yes_or_no(one["is_sentry_object"]),
        "class": kind and f"{_CLASSES.get(kind, kind)} ({kind})",
        "MOID": _with_unit(one["minimum_orbit_intersection_au"], "AU"),
        "orbit": ", ".join(
            f"{symbol} = {_with_unit(one[name], unit)}"
            for symbol, name, unit in _ELEMENTS
            if one[name] is not None
        ),
        "determined": one["orbit_id"]
        and f"orbit {one['orbit_id']}, {one['orbit_determination_date'] or 'date unknown'}, "
        f"uncertainty {'unknown' if uncertainty is None else uncertainty} (0 to 9)",
        "observed": one["first_observation_date"]
        and f"{one['first_observation_date']} to {one['last_observation_date']}"
        f"{', ' + plural(used, 'observation') if used else ''}",
    }
    return [printable(f"{name:<12} {value}") for name, value in lines.items() if value]


def _with_unit(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.6g} {unit}".rstrip()


def _yes_or_no(flag: bool | None) -> str:
    return "unknown" if flag is None else "yes" if flag else "no"
