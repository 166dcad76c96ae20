"""Compute the statistics of close approaches that the texts in ``sql`` define."""

from collections.abc import Sequence
from weakref import WeakSet

import pandas as pd
import pyarrow as pa

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import Rows, Session, engine_of, one_line_failures
from neo_utils.errors import StoredDataChanged, WrongParameter
from neo_utils.settings.choices import check_choice
from neo_utils.settings.run_settings import check_parameter
from neo_utils.statistics.definitions import Statistic, sql_text, totals_defined
from neo_utils.store.segment_building import make_current
from neo_utils.store.segments import SegmentTable, segment_tables
from neo_utils.store.selection import Selection

_OF_BATCHES: WeakSet[Rows] = WeakSet()  # the frames that `read_batches` returned


def read_batches(session: Session, selection: Selection) -> tuple[Rows, Rows]:
    """Return the NEOs and close approaches to count, each NEO from its newest batch.

    The engine reads them from segments, which are first built for batches that changed. On DuckDB
    and Spark Connect, all frames of a session are those of the selection that it read last.

    Returns
    -------
    newest
        A row per NEO: neo_id, the columns of ``raw`` and ``orbits``, position (of its newest
        batch), fetched_at (UTC), size_class.
    close_approaches
        A row per approach of these NEOs: the columns of ``close_approaches``, position, fetched_at,
        year, is_predicted.

    Raises
    ------
    StoredDataBroken
        If a batch is corrupted.
    StoredDataChanged
        If a batch is fetched again at the same time, or Spark reads an outdated copy.
    OutputUnwritable
        If a segment cannot be written.
    JobFailed
        If the engine cannot read a segment.
    """
    make_current(selection.output, selection.provenances)
    return read_segments(session, selection)


def read_segments(session: Session, selection: Selection) -> tuple[Rows, Rows]:
    """Return the NEOs and close approaches to count of current segments; see `read_batches`."""
    tables = segment_tables(selection.output, selection.provenances)
    with one_line_failures():
        for table in tables:
            engine_of(session).register(table)
        if engine_of(session).may_read_a_copy:
            _check_copy(session, tables)
        frames = remove_duplicates(session)
    _OF_BATCHES.update(frames)
    return frames


def _check_copy(session: Session, tables: list[SegmentTable]) -> None:
    """Raise StoredDataChanged if the engine reads other rows than this process."""
    local = DuckDBSession()
    for table in tables:
        local.register(table)
        of_rows = "count(*), sum(position), min(fetched_at), max(fetched_at)"
        query = f"SELECT {of_rows} FROM {table.name}"  # noqa: S608 - our own name
        if tuple(session.sql(query).collect()[0]) != local.sql(query).collect()[0]:
            raise StoredDataChanged(
                f"the rows of {table.name} that Spark reads are not those in {table.folder}. Copy "
                "the segments again to where spark.neo.segments points, or let Spark see this "
                "folder under the same path"
            )


def remove_duplicates(session: Session) -> tuple[Rows, Rows]:
    """Return the rows to count of the registered tables; see `read_batches`.

    The tables are ``stored_neos`` and ``stored_close_approaches``, with the columns of segments.
    """
    for statement in sql_text("counted").split(";")[:2]:
        session.sql(statement)
    # Computing these few rows once saves a window function in every query. If there are none, Spark
    # plans no join.
    rows = session.table("outdated").toArrow()
    engine_of(session).frame_of(rows).createOrReplaceTempView("outdated")
    return _counted(session)


def _counted(session: Session) -> tuple[Rows, Rows]:
    """Define the views of the rows to count, and return these rows."""
    for statement in sql_text("counted").split(";")[2:]:
        session.sql(statement)
    return session.table("newest"), session.table("close_approaches")


def counted_rows(selection: Selection, table: str, columns: Sequence[str]) -> pa.Table:
    """Return columns of the counted rows, in order of the listing and of date.

    Parameters
    ----------
    table
        "newest" or "close_approaches"; see `read_batches`.
    """
    session = DuckDBSession()
    read_batches(session, selection)
    in_order = "close_approach_date, close_approach_time, orbiting_body"
    order = f"position, {in_order}" if table == "close_approaches" else "position"
    query = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"  # noqa: S608 - our names
    return session.sql(query).toArrow()


def statistic(name: str, newest: Rows, close_approaches: Rows, threshold_au: float) -> Rows:
    """Return the statistic that `sql_text` of the same name defines.

    Parameters
    ----------
    name
        "metrics" has metric (string) and value (int64): the totals, then the approaches of every
        year.
        "yearly_statistics" has a row per year and body, with the columns of
        ``columns_of("yearly_statistics")``.
        "population" has NEOs and approaches to Earth by orbit class and size class:
        kind ("all", "orbit class" or "size class"), name, neos, hazardous_neos,
        earth_approaches_under_threshold, by_hazardous_neos (those of hazardous NEOs), and the
        shares of both (0 to 1).
        "first_observations" has NEOs by first observation: year, size_class, neos, neos_so_far.
        "since_first_observation" has approaches to Earth by years since their NEO was first
        observed: years_since (negative before), approaches, listed_years (of all NEOs together),
        approaches_per_neo_and_year.
        "hazard_exceptions" has NEOs whose flag differs from JPL's rule for MOID and H.

    Raises
    ------
    WrongParameter
        For another name, or a threshold that is not from 1e-6 to 1,000 AU.

    Examples
    --------
    Two NEOs, one of which passes Earth and later, at a larger distance, Venus:

    >>> from neo_utils.engines.duckdb import DuckDBSession
    >>> duck = DuckDBSession()
    >>> newest = duck.sql("SELECT unnest(['A', 'B']) AS neo_id")
    >>> approaches = duck.sql(
    ...     "FROM (VALUES (1, 2029, 'Earth', 0.00025), (1, 2031, 'Venus', 0.3))"
    ...     " AS approaches (position, year, orbiting_body, miss_distance_au)"
    ... )
    >>> for metric, value in statistic("metrics", newest, approaches, 0.2).collect():
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
    check_choice("name", name, Statistic)
    check_parameter("threshold_au", threshold_au)
    frames = {"newest": newest, "close_approaches": close_approaches}
    # A session would not see the other frame of another one.
    (session,) = {id(frame.sparkSession): frame.sparkSession for frame in frames.values()}.values()
    with one_line_failures():
        if _OF_BATCHES.issuperset(frames.values()) and engine_of(session).binds_late:
            _counted(session)  # a filtered frame may have replaced a view
        else:
            for view, frame in frames.items():
                frame.createOrReplaceTempView(view)
        return session.sql(sql_text(name, threshold_au))


def totals(counts: pd.DataFrame, threshold_au: float) -> pd.DataFrame:
    """Return metric, value and definition of the totals among the metrics.

    Raises
    ------
    WrongParameter
        If the metrics were computed with another threshold.
    """
    values = dict(zip(counts["metric"], counts["value"], strict=True))
    defined = totals_defined(threshold_au)
    if not defined.keys() <= values.keys():
        raise WrongParameter(
            f"THRESHOLD_AU={threshold_au} is not the threshold of these metrics. Compute them again"
        )
    rows = [(name, values[name], text) for name, text in defined.items()]
    return pd.DataFrame(rows, columns=["metric", "value", "definition"])
