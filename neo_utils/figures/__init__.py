"""Key numbers, tables and figures of the statistics.

Each plot function draws a table, which notebooks show next to the figure.

    import neo_utils as neo

    per_year = neo.figures.approaches_per_year(yearly)
    neo.figures.plot_approaches_per_year(per_year, stored, threshold_au)

Figures of single approaches belong in `neo_utils.explore`, and the numbers in
`neo_utils.statistics`. The functions are imported when they are first used, because matplotlib
takes a second and the runner does not need it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neo_utils.figures.headline import key_numbers
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
    "key_numbers",
    "nearest_per_year",
    "other_bodies_per_year",
    "plot_approaches_per_year",
    "plot_first_observations",
    "plot_nearest_per_year",
    "plot_other_bodies",
    "plot_since_first_observation",
]
_MODULES = {
    "key_numbers": "headline",
    "plot_first_observations": "population",
    "plot_since_first_observation": "population",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'yearly')}"), name)
