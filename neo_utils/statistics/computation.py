"""Compute the statistics of close approaches that the texts in ``sql`` define."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from neo_utils.engines.engine import Engine, Rows, register_table
from neo_utils.settings.run_settings import check_parameter
from neo_utils.statistics.definitions import sql_text, totals_defined
from neo_utils.store.columns import read_rows
from neo_utils.store.selection import Selection
from neo_utils.store.verification import check_files


def read_batches(
    engine: Engine, selection: Selection, neo_columns: Sequence[str] = ()
) -> tuple[Rows, Rows]:
    """Return the NEOs and close approaches to count, each NEO from its newest batch.

    Parameters
    ----------
    neo_columns
        Columns of ``raw`` to provide in the table ``stored_neos``, besides ``id``.

    Returns
    -------
    newest
        A row per NEO: neo_id, newest_order (the position of its newest batch in fetch order).
    close_approaches
        A row per approach of these NEOs: neo_id, close_approach_date, year, orbiting_body,
        miss_distance_au (AU), relative_velocity_km_per_sec (km/s), is_predicted.

    Raises
    ------
    StoredDataBroken
        If a batch is corrupted.
    """
    check_files(selection.output, selection.provenances)
    tables = {
        "stored_neos": read_rows(selection, "raw", neo_columns),
        "stored_close_approaches": read_rows(selection, "close_approaches"),
    }
    for name, table in tables.items():
        register_table(engine, name, table, selection.run_folder / "packed", selection.pages_sha256)
    return remove_duplicates(engine)


def remove_duplicates(engine: Engine) -> tuple[Rows, Rows]:
    """Return the rows to count of the registered tables; see `read_batches`.

    The tables are ``stored_neos`` and ``stored_close_approaches``, with the columns of
    `neo_utils.store.columns`.
    """
    for statement in sql_text("counted").split(";"):
        engine.sql(statement)
    return engine.table("newest"), engine.table("close_approaches")


def metrics(newest: Rows, close_approaches: Rows, threshold_au: float) -> Rows:
    """Return metric (string) and value (int64): the totals, then the approaches of every year.

    Raises
    ------
    WrongParameter
        For a threshold that is not from 1e-6 to 1,000 AU.

    Examples
    --------
    Two NEOs, one of which passes Earth and later, at a larger distance, Venus:

    >>> from neo_utils.engines.duckdb import DuckDBSession
    >>> duck = DuckDBSession()
    >>> newest = duck.sql("SELECT unnest(['A', 'B']) AS neo_id")
    >>> approaches = duck.sql(
    ...     "FROM (VALUES ('A', 2029, 'Earth', 0.00025), ('A', 2031, 'Venus', 0.3))"
    ...     " AS approaches (neo_id, year, orbiting_body, miss_distance_au)"
    ... )
    >>> for metric, value in metrics(newest, approaches, threshold_au=0.2).collect():
    ...     print(metric, value)
    total_close_approaches 2
    total_close_approaches_earth 1
    total_close_approaches_under_0.2_au 1
    total_close_approaches_under_0.2_au_earth 1
    total_neos 2
    total_neos_under_0.2_au 1
    total_neos_under_0.2_au_earth 1
    close_approaches_in_2029 1
    close_approaches_in_2031 1
    """
    check_parameter("threshold_au", threshold_au)
    newest.createOrReplaceTempView("newest")
    close_approaches.createOrReplaceTempView("close_approaches")
    return newest.sparkSession.sql(sql_text("metrics", threshold_au))


def totals(counts: pa.Table, threshold_au: float) -> pd.DataFrame:
    """Return metric, value and definition of the totals among the saved metrics."""
    values = dict(zip(*counts.to_pydict().values(), strict=True))
    rows = [(name, values[name], text) for name, text in totals_defined(threshold_au).items()]
    return pd.DataFrame(rows, columns=["metric", "value", "definition"])


def yearly_statistics(close_approaches: Rows, threshold_au: float) -> Rows:
    """Return a row per year and body, with the columns of ``columns_of("yearly_statistics")``.

    Raises
    ------
    WrongParameter
        For a threshold that is not from 1e-6 to 1,000 AU.
    """
    check_parameter("threshold_au", threshold_au)
    close_approaches.createOrReplaceTempView("close_approaches")
    return close_approaches.sparkSession.sql(sql_text("yearly_statistics", threshold_au))
