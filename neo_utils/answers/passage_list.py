"""A list of passages: what they are and where they come from; as text, HTML, CSV or JSON."""

import json
import math
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from neo_utils.figures.links import Linked
from neo_utils.figures.tables import CaptionedTable, captioned
from neo_utils.limits import body_name
from neo_utils.store.provenance import newest_catalogue_size
from neo_utils.store.selection import Selection
from neo_utils.text import printable
from neo_utils.units import LUNAR_DISTANCES_PER_AU

_SENTRY = "https://cneos.jpl.nasa.gov/sentry/details.html#?des={designation}"
_MINUTE, _DAY = "%Y-%m-%d %H:%M", "%Y-%m-%d"
_TIMES = {
    "UTC": ("close_approach_time_utc", "Times are UTC, to the minute, converted from TDB"),
    "TDB": ("close_approach_time", "Times are TDB, as listed"),
}
_SIZES = "Diameters are estimated from H; about half of the measured ones lie outside the range"


class PassageList(NamedTuple):
    """Passages that answer a question; ``rows`` is a DataFrame with a row per passage.

    Its columns are close_approach_time_utc (to the minute; before 2017, within about a minute; null
    if only the day is listed), and of the view ``passages``: close_approach_date,
    close_approach_time (as listed: TDB), is_predicted, neo_id, name, designation, orbiting_body,
    miss_distance_au, miss_distance_lunar, miss_distance_km, relative_velocity_km_per_sec,
    minimum_estimated_diameter_meters, maximum_estimated_diameter_meters, absolute_magnitude_h,
    is_potentially_hazardous_asteroid, is_sentry_object, nasa_jpl_url.
    """

    definition: str  # what the rows are, without a full stop
    rows: pd.DataFrame
    stored: Selection
    searched: int  # the number of NEOs whose passages were searched
    time_scale: str  # of the table: "UTC" or "TDB"
    hidden: tuple[str, ...] = ()  # columns that the table for people does not need

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
        """The time scale, what the sizes are, how many NEOs were searched, and the source."""
        size = newest_catalogue_size(self.stored.provenances.values()) or 0
        part = f"This list covers {self.searched:,} of {size:,} listed NEOs"
        some = [part] if self.searched < size else []
        return [_TIMES[self.time_scale][1], _SIZES, *some, self.stored.source_line]

    @property
    def table(self) -> pd.DataFrame:
        """The rows for people: rounded, units in the headings, names linked."""
        rows, is_sample = self.rows, self.stored.is_sample
        distance_lunar = rows["miss_distance_au"] * LUNAR_DISTANCES_PER_AU  # old pages lack it
        texts = rows[["name", "designation", "nasa_jpl_url"]].astype("string").fillna("")
        names = texts["name"].where(texts["name"] != "", rows["neo_id"])
        diameters = zip(
            rows["minimum_estimated_diameter_meters"],
            rows["maximum_estimated_diameter_meters"],
            strict=True,
        )
        columns = {
            f"time ({self.time_scale})": self._times(),
            "predicted": _yes(rows["is_predicted"]),
            "NEO": map(Linked, names, [""] * len(rows) if is_sample else texts["nasa_jpl_url"]),
            "body": rows["orbiting_body"].map(body_name),
            "distance (LD)": distance_lunar.map("{:,.2f}".format),
            "distance (km)": rows["miss_distance_km"].map("{:,.0f}".format),
            "distance (AU)": rows["miss_distance_au"].map("{:.5f}".format),
            "velocity (km/s)": rows["relative_velocity_km_per_sec"].map("{:.2f}".format),
            "diameter (m)": [
                f"{low:,.0f} to {high:,.0f}" if pd.notna(low) and pd.notna(high) else ""
                for low, high in diameters
            ],
            "H": rows["absolute_magnitude_h"].map("{:.2f}".format, na_action="ignore"),
            "hazardous": _yes(rows["is_potentially_hazardous_asteroid"]),
            "in Sentry": [
                Linked(text, sentry_address(designation) if text and not is_sample else "")
                for designation, text in zip(
                    texts["designation"], _yes(rows["is_sentry_object"]), strict=True
                )
            ],
        }
        return pd.DataFrame(columns).fillna("").drop(columns=[*self.hidden])

    def _times(self) -> list[str]:
        listed = zip(
            self.rows[_TIMES[self.time_scale][0]], self.rows["close_approach_date"], strict=True
        )
        return [
            f"{time:{_MINUTE}}" if pd.notna(time) else f"{date:{_DAY}}" for time, date in listed
        ]

    def as_text(self) -> str:
        """Return the table as text, without its definition."""
        if self.rows.empty:
            return "no passages found"
        return str(self.table.map(printable).to_string(index=False))

    def as_csv(self) -> str:
        """Return the rows as CSV."""
        return csv_text(self.rows)

    def as_json(self) -> str:
        """Return definition, notes and rows as JSON."""
        dates = self.rows["close_approach_date"].dt.date
        rows = self.rows.astype(object).assign(close_approach_date=dates.astype(object))
        records = rows.where(self.rows.notna(), None).to_dict("records")
        return json_text({"definition": self.definition, "notes": self.notes, "rows": records})


def _yes(flags: pd.Series) -> list[str]:
    return ["yes" if pd.notna(flag) and flag else "" for flag in flags]


def csv_text(rows: pd.DataFrame) -> str:
    """Return rows as CSV, a line per row: texts come from the service, so they are escaped."""
    texts = rows.select_dtypes(["object", "string"])
    escaped = texts.map(lambda value: printable(value) if isinstance(value, str) else value)
    return str(rows.assign(**escaped).to_csv(index=False))


def json_text(content: Any) -> str:  # noqa: ANN401 - whatever JSON can hold, and times
    """Return JSON with every digit of numbers, and dates and times in ISO 8601."""

    def as_text(value: Any) -> str:  # noqa: ANN401
        return str(value.isoformat() if hasattr(value, "isoformat") else value)

    return json.dumps(_finite(content), indent=1, default=as_text, allow_nan=False)


def _finite(content: Any) -> Any:  # noqa: ANN401
    """Return the content with null for NaN and infinity, which JSON does not have."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def sentry_address(designation: str) -> str:
    """Return the address of an object's page in CNEOS's Sentry."""
    return _SENTRY.format(designation=quote(designation))
