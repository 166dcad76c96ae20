"""Passages as an iCalendar file (RFC 5545), for calendar programs."""

import pandas as pd
from icalendar import Calendar, Event

from neo_utils import __version__
from neo_utils.answers.passage_list import PassageList
from neo_utils.figures.links import is_linked
from neo_utils.limits import body_name
from neo_utils.text import printable


def as_calendar(passages: PassageList) -> str:
    """Return an event for each passage, at its time in UTC, or all day if only the day is listed.

    A passage keeps its identifier when it is listed again at another time of the same day, so
    calendar programs update it.
    """
    passages = passages._replace(time_scale="UTC")
    is_sample = passages.stored.is_sample
    calendar = Calendar()
    calendar.add("prodid", f"-//NEO Data Recaller//{__version__}//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Simulated close approaches" if is_sample else "Close approaches")
    calendar.add("x-wr-caldesc", printable(". ".join([passages.definition, *passages.notes])))
    listed = passages.stored.fetched[1]
    for row, shown in zip(
        passages.rows.itertuples(), passages.table.to_dict("records"), strict=True
    ):
        event = Event()
        day, time = row.close_approach_date, row.close_approach_time_utc
        uid = f"{row.neo_id}-{day:%Y%m%d}-{row.orbiting_body}@neo-data-recaller"
        event.add("uid", printable(uid))
        event.add("dtstamp", listed)
        # An event without an end is an instant, or one whole day.
        is_timed = pd.notna(time)
        event.add("dtstart", time.to_pydatetime() if is_timed else day.date())
        body = body_name(row.orbiting_body)
        summary = printable(f"{shown['NEO']} passes {body} at {shown['distance (LD)']} LD")
        event.add("summary", f"Simulated: {summary}" if is_sample else summary)
        event.add("description", _description(shown, passages))
        event.add("transp", "TRANSPARENT")  # the user is not busy
        if is_linked(shown["NEO"].address):
            event.add("url", shown["NEO"].address)
        calendar.add_component(event)
    return str(calendar.to_ical(), "utf-8")


def _description(shown: dict[str, str], passages: PassageList) -> str:
    quantities = (
        *("distance (LD)", "distance (km)", "distance (AU)", "velocity (km/s)"),
        *("diameter (m)", "H"),
    )
    lines = [f"{name}: {shown[name]}" for name in quantities if shown[name]]
    notes = ["Distances are nominal", *passages.notes]
    return printable("\n".join([*lines, *notes]), keep="\n")
