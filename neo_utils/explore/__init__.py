"""Interactive exploration in explore.ipynb: a table of passages, linked views, questions, figures.

A passage is a close approach together with the properties of its NEO. Everything runs on DuckDB;
the saved statistics and their figures belong in `neo_utils.statistics` and `neo_utils.figures`.

    from neo_utils import explore

    stored = explore.stored_or_sample("output")
    catalogue = explore.open_catalogue(stored)
"""

from neo_utils.explore.catalogue import open_catalogue, stored_or_sample
from neo_utils.explore.counts import plot_count_within, plot_first_observations, plot_per_year
from neo_utils.explore.linked import LinkedViews, explorer
from neo_utils.explore.question import Question, passages_of
from neo_utils.explore.scatter import (
    plot_distance_by_date,
    plot_size_by_distance,
    plot_velocity_by_distance,
)

__all__ = [
    "LinkedViews",
    "Question",
    "explorer",
    "open_catalogue",
    "passages_of",
    "plot_count_within",
    "plot_distance_by_date",
    "plot_first_observations",
    "plot_per_year",
    "plot_size_by_distance",
    "plot_velocity_by_distance",
    "stored_or_sample",
]
