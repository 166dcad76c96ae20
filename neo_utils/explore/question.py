"""A question to the catalogue: bodies, years, distance, NEOs, and the unit of distances."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import WrongParameter
from neo_utils.limits import LISTED_WITHIN_AU, limits_text
from neo_utils.units import UNITS


class Question(NamedTuple):
    """Selects passages; distances are shown in ``unit``, a key of `UNITS`.

    Examples
    --------
    >>> near = Question(("Earth", "Venus"), 2026, 2126, within_au=0.05, hazardous_only=True)
    >>> near.in_words
    'to Earth, Venus, closer than 19.45 lunar distances, 2026 to 2126, past and predicted, \
by potentially hazardous NEOs'
    >>> Question(first_year=2029, last_year=2029).condition
    "orbiting_body IN ('Earth') AND year BETWEEN 2029 AND 2029 AND miss_distance_au < 0.2"
    """

    bodies: tuple[str, ...] = ("Earth",)
    first_year: int = 1900
    last_year: int = 2200
    within_au: float = 0.2
    hazardous_only: bool = False
    at_least_m: float = 0.0  # the larger estimate of the diameter
    unit: str = "LD"

    @property
    def condition(self) -> str:
        """The SQL condition on the table ``passages``."""
        bodies = ", ".join("'" + body.replace("'", "''") + "'" for body in self.bodies)
        parts = [
            f"orbiting_body IN ({bodies or 'NULL'})",
            f"year BETWEEN {self.first_year} AND {self.last_year}",
            f"miss_distance_au < {self.within_au}",
        ]
        if self.hazardous_only:
            parts.append("is_potentially_hazardous_asteroid")
        if self.at_least_m > 0:
            parts.append(f"maximum_estimated_diameter_meters >= {self.at_least_m}")
        return " AND ".join(parts)

    @property
    def distance_label(self) -> str:
        """The label of an axis of miss distances."""
        return f"miss distance ({UNITS[self.unit][1]}, log scale)"

    def shown(self, distance_au: float) -> str:
        """Format a distance in the unit of the question."""
        per_au, unit = UNITS[self.unit]
        return f"{distance_au * per_au:{',.0f' if self.unit == 'km' else ',.4g'}} {unit}"

    @property
    def in_words(self) -> str:
        """The description in the title of each figure and table."""
        of = "potentially hazardous NEOs" if self.hazardous_only else "all NEOs"
        size = (
            " whose diameter, estimated from H for an albedo of 0.05, is "
            f"{self.at_least_m:,.10g} m or more"
        )
        return (
            f"to {', '.join(self.bodies) or 'no body'}, closer than {self.shown(self.within_au)}, "
            f"{self.first_year} to {self.last_year}, past and predicted, by {of}"
            f"{size if self.at_least_m > 0 else ''}{limits_text(self.bodies, self.within_au)}"
        )

    @property
    def complete_to_au(self) -> float:
        """The distance (AU) up to which NeoWs lists all approaches that the question selects."""
        limits = [LISTED_WITHIN_AU.get(body, math.inf) for body in self.bodies]
        return min([self.within_au, *limits])

    def check(self, listed: Sequence[str]) -> None:
        """Raise WrongParameter for the first invalid value.

        Parameters
        ----------
        listed
            The bodies in the catalogue. Other bodies that NeoWs lists are valid as well.
        """
        known = dict.fromkeys([*listed, *LISTED_WITHIN_AU])
        for body in self.bodies:
            if body not in known:
                raise WrongParameter(f"bodies={body} is unknown. Use one of {', '.join(known)}")
        if self.unit not in UNITS:
            raise WrongParameter(f"unit={self.unit} is unknown. Use {' or '.join(UNITS)}")
        if self.first_year > self.last_year:
            raise WrongParameter(
                f"first_year={self.first_year} must not be later than last_year={self.last_year}"
            )
        finite = math.isfinite(self.within_au) and math.isfinite(self.at_least_m)
        if not (finite and self.within_au > 0 and self.at_least_m >= 0):
            raise WrongParameter(
                f"within_au={self.within_au} or at_least_m={self.at_least_m} is invalid. within_au "
                "must be above 0, at_least_m must be 0 or more"
            )


def listed_bodies(catalogue: DuckDBSession) -> list[str]:
    """Return the bodies with passages, in NeoWs's spelling, most frequent first."""
    found = catalogue.sql(
        "SELECT orbiting_body FROM passages GROUP BY ALL ORDER BY count(*) DESC, orbiting_body"
    )
    return [body for (body,) in found.collect()]


def passages_of(catalogue: DuckDBSession, question: Question) -> pd.DataFrame:
    """Return the passages that match a question, in no particular order.

    Returns
    -------
    DataFrame
        close_approach_date, year, decimal_year, miss_distance_au, distance (in the unit of
        the question), relative_velocity_km_per_sec, is_predicted; of the NEO: position,
        minimum_diameter_m, maximum_diameter_m, is_potentially_hazardous, first_observation_date.
    """
    question.check(listed_bodies(catalogue))
    per_au, _ = UNITS[question.unit]
    # Leave out texts, such as names: they would take most of the time for a million rows.
    return catalogue.sql(f"""
        SELECT close_approach_date, year,
               year + (dayofyear(close_approach_date) - 1) / 365.25 AS decimal_year,
               miss_distance_au, miss_distance_au * {per_au} AS distance,
               relative_velocity_km_per_sec, is_predicted, position,
               minimum_estimated_diameter_meters AS minimum_diameter_m,
               maximum_estimated_diameter_meters AS maximum_diameter_m,
               coalesce(is_potentially_hazardous_asteroid, false) AS is_potentially_hazardous,
               first_observation_date
        FROM passages WHERE {question.condition}""").toPandas()  # noqa: S608 - condition is escaped
