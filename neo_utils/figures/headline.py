"""The few numbers that answer the question of a run, each with its definition."""

import pandas as pd

from neo_utils.figures.tables import CaptionedTable, as_html
from neo_utils.figures.yearly import nearest_per_year
from neo_utils.statistics.computation import totals
from neo_utils.store.selection import Selection
from neo_utils.text import printable


def key_numbers(
    counts: pd.DataFrame, yearly: pd.DataFrame, selection: Selection, threshold_au: float
) -> CaptionedTable:
    """Return the approaches to Earth, how many are predicted, their NEOs, and the nearest one.

    Parameters
    ----------
    counts
        The metrics: metric, value.
    yearly
        The yearly statistics, a row per year and body.
    """
    known = totals(counts, threshold_au).set_index("metric")
    approaches, neos = (
        known.loc[f"total_{what}_under_{threshold_au}_au_earth"]
        for what in ("close_approaches", "neos")
    )
    of_earth = yearly[yearly["orbiting_body"] == "Earth"]
    predicted = int(of_earth["predicted_under_threshold"].sum())
    numbers = [
        (f"{approaches['value']:,}", approaches["definition"]),
        (f"{predicted:,}", "of these are predicted: dated after the day of the fetch"),
        (f"{neos['value']:,}", neos["definition"]),
    ]
    nearest = nearest_per_year(yearly)
    if len(nearest):
        row = nearest.loc[nearest["miss_distance_au"].idxmin()]
        numbers.append(
            (
                f"{row['miss_distance_lunar']:.3g} LD",
                f"nearest listed approach to Earth ({row['miss_distance_au']:.3g} AU): "
                f"{row['name']}, {row['date']}, {'predicted' if row['is_predicted'] else 'past'}",
            )
        )
    caption = f"{selection.neos_line}. {selection.source_line}."
    html = "".join(
        f"<div><dt>{as_html(number)}</dt><dd>{as_html(what)}</dd></div>" for number, what in numbers
    )
    text = "\n".join(f"{number}: {what}" for number, what in [*numbers, ("Input", caption)])
    return CaptionedTable(
        printable(text, keep="\n"),
        f"<figure><dl>{html}</dl><figcaption>{as_html(caption)}</figcaption></figure>",
    )
