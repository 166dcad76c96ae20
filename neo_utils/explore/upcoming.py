"""The nearest predicted passages, with links to each object's pages at JPL and CNEOS."""

from itertools import chain
from urllib.parse import quote

import msgspec
import pandas as pd

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.explore.question import Question
from neo_utils.positions import Batch
from neo_utils.statistics.definitions import KM_PER_AU, LUNAR_DISTANCES_PER_AU
from neo_utils.store.rebuilding import archived_objects
from neo_utils.store.selection import Selection

_SENTRY = "https://cneos.jpl.nasa.gov/sentry/details.html#?des={designation}"


class _Neo(msgspec.Struct):
    """The fields of a page that the tables lack: whether CNEOS's Sentry lists the object."""

    id: str | None = None
    neo_reference_id: str | None = None
    designation: str | None = None
    is_sentry_object: bool | None = None


def nearest_upcoming(
    catalogue: DuckDBSession, question: Question, selection: Selection, rows: int = 12
) -> pd.DataFrame:
    """Return the nearest predicted passages that match a question.

    Returns
    -------
    DataFrame
        By date: object, body, distance in lunar distances, AU and km, velocity (km/s), the
        estimated range of the diameter (m). For NASA's data also the object's page at JPL, and its
        page in Sentry if it is listed there.
    """
    nearest = catalogue.sql(f"""
        SELECT * FROM passages WHERE is_predicted AND {question.condition}
        ORDER BY miss_distance_au, close_approach_date, neo_id LIMIT {rows}
    """).toPandas()  # noqa: S608 - condition is escaped
    nearest = nearest.sort_values(["close_approach_date", "neo_id"])
    distance_au = nearest["miss_distance_au"]
    return pd.DataFrame(
        {
            "date": [f"{date:%Y-%m-%d}" for date in nearest["close_approach_date"]],
            "NEO": nearest["name"],
            "body": nearest["orbiting_body"],
            "distance (LD)": (distance_au * LUNAR_DISTANCES_PER_AU).round(2),
            "distance (AU)": distance_au.round(6),
            "distance (km)": (distance_au * KM_PER_AU).round(-2).map("{:,.0f}".format),
            "velocity (km/s)": nearest["relative_velocity_km_per_sec"].round(2),
            "diameter (m, from H, albedo 0.25 to 0.05)": [
                f"{low:,.0f} to {high:,.0f}" if pd.notna(low) and pd.notna(high) else ""
                for low, high in zip(
                    nearest["minimum_diameter_m"], nearest["maximum_diameter_m"], strict=True
                )
            ],
            **_links(nearest, selection),
        }
    ).set_index("date")


def _links(nearest: pd.DataFrame, selection: Selection) -> dict[str, list[str]]:
    """Return the columns of addresses, or none for simulated objects."""
    if any(provenance.source == "sample" for provenance in selection.provenances.values()):
        return {}
    sentry = _sentry_pages(nearest, selection)
    return {
        "at JPL": nearest["nasa_jpl_url"].tolist(),
        "in Sentry": [sentry.get(neo_id, "") for neo_id in nearest["neo_id"]],
    }


def _sentry_pages(nearest: pd.DataFrame, selection: Selection) -> dict[str, str]:
    """Return the Sentry address of each of these NEOs that NeoWs marks as a Sentry object."""
    wanted = {Batch.containing(position) for position in nearest["position"]}
    pages = (archived_objects(selection.output, batch, _Neo) for batch in sorted(wanted))
    return {
        str(neo.id or neo.neo_reference_id): _SENTRY.format(designation=quote(neo.designation))
        for neo in chain.from_iterable(pages)
        if neo.is_sentry_object and neo.designation
    }
