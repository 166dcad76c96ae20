"""Stored data under the names that questions in SQL use, on any engine."""

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import Rows, Session, engine_of, one_line_failures
from neo_utils.errors import StoredDataMissing
from neo_utils.settings.folders import output_folder
from neo_utils.settings.run_settings import check_parameter
from neo_utils.settings.variables import setting
from neo_utils.statistics.computation import read_batches
from neo_utils.statistics.definitions import sql_text
from neo_utils.store.history import read_history
from neo_utils.store.make_commands import output_argument
from neo_utils.store.selection import Selection, select_stored
from neo_utils.text import printable


def sql(
    statement: str,
    stored: Selection | None = None,
    session: Session | None = None,
    *,
    threshold_au: float = 0.2,
) -> Rows:
    """Return the rows of a query over the stored data.

    Parameters
    ----------
    statement
        One query in SQL. It can use the views ``neos``, ``passages`` (each approach with properties
        of its NEO), ``orbits``, ``yearly`` (the yearly statistics) and ``history`` (what a fetch
        found changed).
    stored
        The batches to read; None is everything that is stored in the default folder.
    session
        A session of `connect`; None is a new DuckDB database.
    threshold_au
        For the columns of ``yearly`` that count approaches under a threshold.

    Raises
    ------
    WrongParameter
        If it is not one query.
    JobFailed
        If the query is not valid or fails.
    StoredDataMissing, StoredDataBroken
        If nothing is stored, or a batch is corrupted.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from neo_utils.fetch.fetching import fetch
    >>> from neo_utils.interface import plan_fetch, select
    >>> folder = mkdtemp()
    >>> done = fetch(plan_fetch(1, 20, source="sample", output_dir=folder))
    >>> query = "SELECT orbiting_body, count(*) FROM passages GROUP BY ALL ORDER BY 2 DESC LIMIT 2"
    >>> sql(query, select(1, 20, output_dir=folder)).collect()
    [('Earth', 439), ('Venus', 202)]
    """
    session = session or DuckDBSession()
    stored = stored or everything_stored()
    open_views(stored, session, threshold_au)
    with one_line_failures():
        changes = engine_of(session).frame_of(read_history(stored.output))
        changes.createOrReplaceTempView("history")
        if isinstance(session, DuckDBSession):
            session.check_query(statement)
        return session.sql(statement)


def open_views(stored: Selection, session: Session, threshold_au: float = 0.2) -> None:
    """Define the views of `sql` in a session, except for ``history``."""
    check_parameter("threshold_au", threshold_au)
    read_batches(session, stored)
    with one_line_failures():
        for statement in sql_text("views", threshold_au).split(";\n"):
            session.sql(statement)


def opened(stored: Selection, threshold_au: float = 0.2) -> DuckDBSession:
    """Return a DuckDB database with the views of `sql`, except for ``history``."""
    session = DuckDBSession()
    open_views(stored, session, threshold_au)
    return session


def everything_stored(output_dir: str = "") -> Selection:
    """Return all stored batches of a folder; an empty name is the folder of ``make``.

    Raises
    ------
    StoredDataMissing
        If nothing is stored, or data of two sources.
    StoredDataBroken
        If a raw file was not written by this project.
    """
    output = output_folder(output_dir or setting("OUTPUT_DIR") or "output")
    stored = select_stored(output)
    if stored is None:
        raise StoredDataMissing(
            f"nothing is stored in {printable(str(output))}. Set OUTPUT_DIR to stored data, or run "
            f"`make fetch{output_argument(output)}` first"
        )
    return stored
