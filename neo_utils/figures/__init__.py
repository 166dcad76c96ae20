"""Figures of the statistics: each function draws a table, which notebooks show next to the figure.

    import neo_utils as neo

    per_year = neo.figures.approaches_per_year(yearly)
    neo.figures.plot_approaches_per_year(per_year, stored, threshold_au)

Figures of single approaches belong in `neo_utils.explore`, and the numbers in
`neo_utils.statistics`.
"""

from neo_utils.figures.population import plot_first_observations, plot_since_first_observation
from neo_utils.figures.yearly import (
    approaches_per_year,
    nearest_per_year,
    other_bodies_per_year,
    plot_approaches_per_year,
    plot_nearest_per_year,
    plot_other_bodies,
)

__all__ = [
    "approaches_per_year",
    "nearest_per_year",
    "other_bodies_per_year",
    "plot_approaches_per_year",
    "plot_first_observations",
    "plot_nearest_per_year",
    "plot_other_bodies",
    "plot_since_first_observation",
]
