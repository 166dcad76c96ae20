"""Interactive exploration in explore.ipynb: passages, linked views, static figures.

A passage is a close approach together with the properties of its NEO. Everything runs on DuckDB;
the saved statistics and their figures belong in `neo_utils.statistics` and `neo_utils.figures`.

    from neo_utils import explore

    stored = explore.stored_or_sample("output")
    views = explore.explorer(explore.open_catalogue(stored))
"""

from neo_utils.explore.catalogue import open_catalogue, stored_or_sample
from neo_utils.explore.distances import plot_count_within, plot_distance_by_date
from neo_utils.explore.linked import LinkedViews, explorer

__all__ = [
    "LinkedViews",
    "explorer",
    "open_catalogue",
    "plot_count_within",
    "plot_distance_by_date",
    "stored_or_sample",
]
