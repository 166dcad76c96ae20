"""One interface to the engines that run SQL: Spark, or DuckDB in this process.

A session has ``sql``, ``table`` and ``stop``. A query result has ``createOrReplaceTempView``,
``toArrow``, ``collect`` and ``sparkSession``. The names are Spark's. `Engine` has the rest.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

import pyarrow as pa

from neo_utils.engines.duckdb import DuckDBFrame, DuckDBSession
from neo_utils.engines.spark_failures import failure_text
from neo_utils.errors import JobFailed, RunFailure
from neo_utils.settings.spark import DUCKDB, check_conf, check_master, is_remote
from neo_utils.store.segments import SegmentTable

if TYPE_CHECKING:  # importing PySpark takes a second, and DuckDB does not need it
    from pyspark.sql import DataFrame, SparkSession

Session: TypeAlias = Union["SparkSession", DuckDBSession]
Rows: TypeAlias = Union["DataFrame", DuckDBFrame]


class Engine(Protocol):
    """What the project needs of an engine besides the SQL of its session."""

    @property
    def binds_late(self) -> bool:
        """Whether a frame of a view reads the view's definition when the frame is computed."""

    @property
    def may_read_a_copy(self) -> bool:
        """Whether the engine may read other files than this process sees."""

    def register(self, table: SegmentTable) -> None:
        """Let SQL statements read a table of segments by its name.

        The engine reads the files itself, when a query needs them; so do the workers of a cluster.
        """

    def tables_of(self, queries: Mapping[str, str]) -> dict[str, pa.Table]:
        """Return the rows of each query by its name; Spark computes several at the same time."""

    def frame_of(self, rows: pa.Table) -> "Rows":
        """Return the rows of an Arrow table as a frame."""

    def describe(self) -> str:
        """Return name, version and location in one line."""

    def describe_tasks(self) -> str:
        """Return where the tasks ran, in one line."""


def connect(
    master: str = "local[*]",
    spark_conf: Mapping[str, Any] | None = None,
    log_path: Path | None = None,
) -> Session:
    """Return a Spark session on ``master``, or a DuckDB database with the same ``sql``.

    Parameters
    ----------
    master
        "local[*]" is Spark on this machine, "spark://host:7077" a cluster, "sc://host:15002" a
        Spark Connect server. "duckdb" needs no Java.
    spark_conf
        More Spark settings by name. DuckDB ignores them, which `describe_engine` reports.
    log_path
        File for Java's output; None creates one in a temporary folder.

    Raises
    ------
    WrongParameter
        If ``master`` or a setting is not valid.
    JavaMissing, SparkUnavailable
        If Spark cannot start or its cluster does not answer.

    Examples
    --------
    >>> connect("duckdb").sql("SELECT 6 * 7").collect()
    [(42,)]
    """
    spark_conf = {} if spark_conf is None else spark_conf
    check_master(master)
    check_conf(spark_conf)
    if master == DUCKDB:
        return DuckDBSession(ignored=tuple(spark_conf))
    if is_remote(master):
        from neo_utils.engines.spark_connect import connect as connect_remote

        return connect_remote(master, spark_conf)
    from neo_utils.engines.spark_session import connect as connect_spark

    return connect_spark(master, spark_conf, log_path or Path(mkdtemp(prefix="neo-")) / "spark.log")


def engine_of(session: Session) -> Engine:
    """Return what the project needs of a session besides SQL."""
    if isinstance(session, DuckDBSession):
        return session
    from neo_utils.engines.spark import spark_engine

    return spark_engine(session)


def describe_engine(session: Session) -> str:
    """Return the engine's name, version and location in one line."""
    return engine_of(session).describe()


def describe_tasks(session: Session) -> str:
    """Return where the engine ran its tasks, in one line."""
    return engine_of(session).describe_tasks()


@contextmanager
def one_line_failures() -> Iterator[None]:
    """Replace the long error of a failed query by one line.

    Raises
    ------
    JobFailed
        If a query in this context fails, with the engine's reason.
    """
    try:
        yield
    except RunFailure:
        raise
    except Exception as error:  # DuckDB's, py4j's or PySpark's
        if "Query interrupted" in str(error):  # DuckDB's error after Ctrl-C
            raise KeyboardInterrupt from None
        first_line = str(error).partition("\n")[0]
        from_duckdb = "duckdb" in type(error).__module__
        reason = f"DuckDB query failed: {first_line}" if from_duckdb else failure_text(error)
        raise JobFailed(f"{reason.rstrip('.')}. Stored data is unchanged") from None
