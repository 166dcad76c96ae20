"""Lists of passages: what comes next, and records."""

import datetime as dt
import re
from contextlib import suppress
from typing import Literal

import pandas as pd

from neo_utils.answers.passage_list import PassageList
from neo_utils.answers.views import everything_stored, opened
from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import WrongParameter
from neo_utils.limits import LISTED_WITHIN_AU, body_name, limits_text
from neo_utils.settings.choices import check_choice
from neo_utils.store.selection import Selection
from neo_utils.text import shown
from neo_utils.units import parse_distance

Record = Literal["nearest", "fastest", "slowest", "largest"]
_ORDERS = {
    "nearest": "miss_distance_au",
    "fastest": "relative_velocity_km_per_sec DESC",
    "slowest": "relative_velocity_km_per_sec",
    "largest": "absolute_magnitude_h",  # of two NEOs, the brighter one is estimated as larger
}
_COLUMNS = (
    *("close_approach_date", "close_approach_time", "is_predicted", "neo_id", "name"),
    *("designation", "orbiting_body", "miss_distance_au", "miss_distance_lunar"),
    *("miss_distance_km", "relative_velocity_km_per_sec", "minimum_estimated_diameter_meters"),
    *("maximum_estimated_diameter_meters", "absolute_magnitude_h"),
    *("is_potentially_hazardous_asteroid", "is_sentry_object", "nasa_jpl_url"),
)
_MOST_DAYS, _MOST_ROWS = 36_525, 10_000

# TDB is within 2 ms of TT, which is 32.184 s ahead of TAI. TAI has been 37 s ahead of UTC since
# 2017 (IERS, Bulletin C 52). In 1972, it was 10 s ahead, and UTC got its present form, so earlier
# times in UTC are within about a minute. The listed times are to the minute.
TDB_MINUS_UTC = dt.timedelta(seconds=69.184)


def upcoming(
    stored: Selection | None = None,
    *,
    days: int | str = 365,
    within: float | str = 0.2,
    body: str = "Earth",
    first_day: dt.date | str | None = None,
    rows: int | str = _MOST_ROWS,
) -> PassageList:
    """Return the next passages, by time.

    Parameters
    ----------
    stored
        The batches to search; None is everything that is stored in the default folder.
    days
        The number of days, from 1 to 36,525.
    within
        Only passages closer than this: a number of AU, or a text with a unit, such as "10LD".
    body
        The body passed, such as "Earth" or "Jupiter", or "any".
    first_day
        The first day, in UTC: a date or "YYYY-MM-DD". None is today; for the sample, the day
        of its listing.
    rows
        The largest number of passages, from 1 to 10,000.

    Raises
    ------
    WrongParameter
        If a value is not valid.
    StoredDataMissing, StoredDataBroken
        If nothing is stored, or a batch is corrupted.
    """
    number, most = _whole(days, "DAYS", _MOST_DAYS), _whole(rows, "ROWS", _MOST_ROWS)
    near, passed = parse_distance(within), parse_body(body)
    day = _parse_day(first_day)
    stored = stored or everything_stored()
    first = day or today(stored)
    end = first + dt.timedelta(days=number)
    session = opened(stored)
    found = passages_where(
        session,
        f"{_condition(passed, near.au)} AND {_between(first, end)} "
        "ORDER BY close_approach_date, close_approach_time, neo_id",
    )
    # The condition takes two days more, as listed dates are in TDB.
    listed_days = pd.to_datetime(found["close_approach_date"], utc=True)
    times = found["close_approach_time_utc"].fillna(listed_days)
    first_time, end_time = (pd.Timestamp(day, tz="UTC") for day in (first, end))
    found = found[times.between(first_time, end_time, "left")].reset_index(drop=True)
    some = (
        "Approaches" if len(found) <= most else f"The first {most:,} of {len(found):,} approaches"
    )
    hidden = ("predicted",) if found["is_predicted"].all() else ()
    definition = (
        f"{some} to {_named(passed)} closer than {near.in_words}{_limits(passed, near.au)} "
        f"from {first} to {end - dt.timedelta(days=1)}, by time (UTC)"
    )
    searched = searched_neos(session)
    found, hidden = found.head(most), (*hidden, *_hidden_body(passed))
    return PassageList(definition, found, stored, searched, "UTC", hidden)


def top(
    record: str = "nearest",
    stored: Selection | None = None,
    *,
    years: str = "1900..2200",
    within: float | str | None = None,
    body: str = "Earth",
    rows: int | str = 10,
) -> PassageList:
    """Return the record passages, past and predicted, each NEO with one passage.

    Parameters
    ----------
    record
        "nearest"; "fastest" or "slowest", by velocity relative to the body; or "largest": NEOs by
        H, each with its nearest approach.
    stored
        The batches to search; None is everything that is stored in the default folder.
    years
        Years of the passages: "1900..2200", or one: "2029".
    within
        As for `upcoming`; None is any listed distance.
    body
        As for `upcoming`.
    rows
        The number of NEOs, from 1 to 10,000.

    Raises
    ------
    WrongParameter
        If a value is not valid.
    StoredDataMissing, StoredDataBroken
        If nothing is stored, or a batch is corrupted.
    """
    check_choice("record", record, Record)
    first_year, last_year = _parse_years(years)
    near, passed = None if within is None else parse_distance(within), parse_body(body)
    within_au = near.au if near else None
    number = _whole(rows, "ROWS", _MOST_ROWS)
    stored = stored or everything_stored()
    order, own = _ORDERS[record], _ORDERS["nearest" if record == "largest" else record]
    condition = f"{_condition(passed, within_au)} AND year BETWEEN {first_year} AND {last_year}"
    session = opened(stored)
    found = passages_where(
        session,
        f"""{condition} QUALIFY row_number() OVER (
                PARTITION BY position ORDER BY {own}, close_approach_date, orbiting_body) = 1
            ORDER BY {order} NULLS LAST, close_approach_date, neo_id LIMIT {number}""",
    )
    distance = f"closer than {near.in_words}" if near else "at any listed distance"
    what = {
        "nearest": "The nearest approaches",
        "fastest": "The fastest approaches by relative velocity",
        "slowest": "The slowest approaches by relative velocity",
        "largest": "The largest NEOs by absolute magnitude H, each with its nearest approach",
    }[record]
    in_years = f"{first_year}" + (f" to {last_year}" if last_year > first_year else "")
    definition = (
        f"{what} to {_named(passed)}: {distance}{_limits(passed, within_au)}, {in_years}, "
        "past and predicted, each NEO once"
    )
    searched = searched_neos(session)
    return PassageList(definition, found, stored, searched, "TDB", _hidden_body(passed))


def passages_where(session: DuckDBSession, condition: str) -> pd.DataFrame:
    """Return the rows of a `PassageList` from a session with views, for a condition in SQL."""
    query = f"SELECT {', '.join(_COLUMNS)} FROM passages WHERE {condition}"  # noqa: S608 - parsed
    rows = session.sql(query).toPandas()
    utc = (rows["close_approach_time"] - TDB_MINUS_UTC).dt.round("min").dt.tz_localize("UTC")
    rows.insert(0, "close_approach_time_utc", utc)
    return rows


def searched_neos(session: DuckDBSession) -> int:
    """Return the number of NEOs in a session with views."""
    ((count,),) = session.sql("SELECT count(*) FROM neos").collect()
    return int(count)


def today(stored: Selection) -> dt.date:
    """Return today's date in UTC; for the sample, the date of its listing."""
    if stored.is_sample:
        return stored.fetched[1].date()
    return dt.datetime.now(dt.UTC).date()


def _condition(body: str, within_au: float | None) -> str:
    of_body = "true" if body == "any" else f"orbiting_body = '{body}'"
    return f"{of_body} AND miss_distance_au < {within_au}" if within_au else of_body


def _between(first: dt.date, end: dt.date) -> str:
    day = dt.timedelta(days=1)
    return f"close_approach_date BETWEEN DATE '{first - day}' AND DATE '{end + day}'"


def _hidden_body(body: str) -> tuple[str, ...]:
    return () if body == "any" else ("body",)  # the definition names it


def _named(body: str) -> str:
    return "any body" if body == "any" else body_name(body)


def _limits(body: str, within_au: float | None) -> str:
    bodies = list(LISTED_WITHIN_AU) if body == "any" else [body]
    return limits_text(bodies, within_au) if within_au else ""


def parse_body(text: str) -> str:
    """Return a body in NeoWs's spelling, or "any".

    Examples
    --------
    >>> parse_body("jupiter"), parse_body("earth"), parse_body("any")
    ('Juptr', 'Earth', 'any')
    """
    bodies = (*LISTED_WITHIN_AU, "any")
    known = {name.lower(): body for body in bodies for name in (body, body_name(body))}
    body = known.get(str(text).strip().lower())
    if body is None:
        raise WrongParameter(
            f"BODY={shown(text)} is unknown. Use "
            f"{', '.join(map(body_name, LISTED_WITHIN_AU))} or any"
        )
    return body


def _parse_years(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{4})(?:\s*\.\.\s*(\d{4}))?\s*", str(text), re.ASCII)
    if found and int(found[1]) <= int(found[2] or found[1]):
        return int(found[1]), int(found[2] or found[1])
    raise WrongParameter(
        f"YEARS={shown(text)} is not a range of years. Use 1900..2200, or one year: 2029"
    )


def _parse_day(value: dt.date | str | None) -> dt.date | None:
    if value is None:
        return None
    with suppress(ValueError):
        text = value.isoformat() if isinstance(value, dt.date) else str(value).strip()
        day = dt.datetime.fromisoformat(text).date()
        if 1800 <= day.year <= 2300:
            return day
    raise WrongParameter(f"FROM={shown(value)} is not a day. Use YYYY-MM-DD, from 1800 to 2300")


def _whole(value: int | str, name: str, most: int) -> int:
    if re.fullmatch(r"\d{1,6}", str(value), re.ASCII) and 1 <= int(value) <= most:
        return int(value)
    raise WrongParameter(
        f"{name}={shown(value)} is not valid. Use a whole number from 1 to {most:,}"
    )
