"""The nearest predicted passages, with links to each object's pages at JPL and CNEOS."""

from urllib.parse import quote

import pandas as pd

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.explore.question import Question
from neo_utils.statistics.definitions import KM_PER_AU, LUNAR_DISTANCES_PER_AU
from neo_utils.store.selection import Selection

_SENTRY = "https://cneos.jpl.nasa.gov/sentry/details.html#?des={designation}"


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
    listed = nearest[["designation", "is_sentry_object"]].itertuples(index=False)
    return {
        "at JPL": nearest["nasa_jpl_url"].tolist(),
        "in Sentry": [
            _SENTRY.format(designation=quote(designation)) if designation and is_listed else ""
            for designation, is_listed in listed
        ],
    }
