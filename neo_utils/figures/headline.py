"""The few numbers that answer the question of a run, each with its definition."""

import pandas as pd
import pyarrow as pa

from neo_utils.figures.tables import CaptionedTable, as_html
from neo_utils.figures.yearly import nearest_per_year
from neo_utils.statistics.computation import totals
from neo_utils.store.selection import Selection
from neo_utils.text import printable


def key_numbers(
    counts: pa.Table, yearly: pd.DataFrame, selection: Selection, threshold_au: float
) -> CaptionedTable:
    """Return the approaches to Earth, their NEOs, and the nearest past and predicted passage.

    Parameters
    ----------
    counts
        The saved metrics: metric, value.
    yearly
        The yearly statistics, a row per year and body.
    """
    of_earth = totals(counts, threshold_au).head(2)
    numbers = [(f"{row.value:,}", row.definition) for row in of_earth.itertuples()]
    nearest = nearest_per_year(yearly)
    for kind, rows in nearest.groupby("is_predicted"):
        row = rows.loc[rows["miss_distance_au"].idxmin()]
        numbers.append(
            (
                f"{row['miss_distance_lunar']:.3g} LD",
                f"nearest {'predicted' if kind else 'past'} passage of Earth that is listed "
                f"({row['miss_distance_au']:.3g} AU): {row['name']}, {row['date']}",
            )
        )
    caption = f"{selection.neos_line}. {selection.source_line}."
    html = "".join(
        f"<div><dt>{as_html(number)}</dt><dd>{as_html(what)}</dd></div>" for number, what in numbers
    )
    text = "\n".join(f"{number}: {what}" for number, what in [*numbers, ("NEOs", caption)])
    return CaptionedTable(
        printable(text, keep="\n"),
        f"<figure><dl>{html}</dl><figcaption>{as_html(caption)}</figcaption></figure>",
    )
