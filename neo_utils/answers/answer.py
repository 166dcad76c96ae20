"""An answer: its rows, what they are, and where they come from; as text, HTML, CSV or JSON."""

import json
from typing import NamedTuple
from urllib.parse import quote

import pandas as pd

from neo_utils.figures.links import Linked
from neo_utils.figures.tables import CaptionedTable, captioned
from neo_utils.store.provenance import newest_catalogue_size
from neo_utils.store.selection import Selection
from neo_utils.text import printable

_SENTRY = "https://cneos.jpl.nasa.gov/sentry/details.html#?des={designation}"
_MINUTE, _DAY = "%Y-%m-%d %H:%M", "%Y-%m-%d"


class Answer(NamedTuple):
    """Passages that answer a question; ``rows`` is a DataFrame with a row per passage.

    Its columns are close_approach_time_utc (to the minute; null if only the day is listed), and of
    the view ``passages``: close_approach_date, close_approach_time (as listed: TDB),
    is_predicted, neo_id, name, designation, orbiting_body, miss_distance_au, miss_distance_lunar,
    miss_distance_km, relative_velocity_km_per_sec, minimum_estimated_diameter_meters,
    maximum_estimated_diameter_meters, absolute_magnitude_h, is_potentially_hazardous_asteroid,
    is_sentry_object, nasa_jpl_url.
    """

    definition: str  # what the rows are, in a sentence without a full stop
    rows: pd.DataFrame
    stored: Selection
    left_out: tuple[str, ...] = ()  # columns that the table for people does not need

    def __repr__(self) -> str:
        """Return the rows as a text table, with their definition and source."""
        return "\n".join([f"{self.definition}:", self.as_text(), *self.notes])

    def _repr_html_(self) -> str:
        return self.captioned()._repr_html_()

    def captioned(self) -> CaptionedTable:
        """Return the table for notebooks and the report, with linked names."""
        return captioned(self.table, ". ".join([self.definition, *self.notes[:-1]]), self.stored)

    @property
    def notes(self) -> list[str]:
        """What the table may lack, and the source."""
        size = newest_catalogue_size(self.stored.provenances.values()) or 0
        stored = sum(min(b.last, size) - b.first + 1 for b in self.stored.provenances)
        part = f"{stored:,} of {size:,} listed NEOs are stored; others may pass as well"
        return [*([part] if stored < size else []), self.stored.source_line]

    @property
    def table(self) -> pd.DataFrame:
        """The rows for people: rounded, units in the headings, names linked."""
        rows = self.rows
        is_sample = any(one.source == "sample" for one in self.stored.provenances.values())
        texts = rows[["name", "designation", "nasa_jpl_url"]].astype("string").fillna("")
        names = texts["name"].where(texts["name"] != "", rows["neo_id"])
        sentry = rows["is_sentry_object"].eq(True)
        columns = {
            "time (UTC)": _times(rows),
            "predicted": rows["is_predicted"].map({True: "yes", False: ""}),
            "NEO": map(Linked, names, [""] * len(rows) if is_sample else texts["nasa_jpl_url"]),
            "body": rows["orbiting_body"],
            "distance (LD)": rows["miss_distance_lunar"].map("{:,.2f}".format),
            "distance (km)": rows["miss_distance_km"].map("{:,.0f}".format),
            "distance (AU)": rows["miss_distance_au"].map("{:.5f}".format),
            "velocity (km/s)": rows["relative_velocity_km_per_sec"].map("{:.2f}".format),
            "diameter (m)": [
                f"{low:,.0f} to {high:,.0f}" if low == low and high == high else ""
                for low, high in zip(
                    rows["minimum_estimated_diameter_meters"],
                    rows["maximum_estimated_diameter_meters"],
                    strict=True,
                )
            ],
            "H": rows["absolute_magnitude_h"].map("{:.2f}".format, na_action="ignore"),
            "hazardous": rows["is_potentially_hazardous_asteroid"].eq(True).map({True: "yes"}),
            "in Sentry": [
                Linked("yes", "" if is_sample else sentry_address(designation)) if is_listed else ""
                for designation, is_listed in zip(texts["designation"], sentry, strict=True)
            ],
        }
        return pd.DataFrame(columns).fillna("").drop(columns=[*self.left_out])

    def as_text(self) -> str:
        """Return the table as text, without its definition."""
        if self.rows.empty:
            return "none is listed"
        return str(self.table.map(printable).to_string(index=False))

    def as_csv(self) -> str:
        """Return the rows as CSV."""
        return csv_text(self.rows)

    def as_json(self) -> str:
        """Return definition, source and rows as JSON."""
        dated = self.rows.assign(close_approach_date=self.rows["close_approach_date"].astype(str))
        rows = json.loads(dated.to_json(orient="records", date_format="iso"))
        notes = {"definition": self.definition, "notes": self.notes}
        return json.dumps({**notes, "rows": rows}, indent=1) + "\n"


def csv_text(rows: pd.DataFrame) -> str:
    """Return rows as CSV, a line per row: texts come from the service, so they are escaped."""
    texts = rows.select_dtypes(["object", "string"])
    escaped = texts.map(lambda value: printable(value) if isinstance(value, str) else value)
    return str(rows.assign(**escaped).to_csv(index=False))


def sentry_address(designation: str) -> str:
    """Return the address of an object's page in CNEOS's Sentry."""
    return _SENTRY.format(designation=quote(designation))


def _times(rows: pd.DataFrame) -> list[str]:
    return [
        f"{time:{_MINUTE}}" if pd.notna(time) else f"{date:{_DAY}}"
        for time, date in zip(
            rows["close_approach_time_utc"], rows["close_approach_date"], strict=True
        )
    ]
