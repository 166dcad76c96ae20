"""One interface to the engines that run SQL: Spark, or DuckDB in this process.

Both provide ``sql``, ``table`` and ``stop``. A query result has ``createOrReplaceTempView``,
``toArrow``, ``collect`` and ``sparkSession`` (its engine). The names are Spark's; see
`neo_utils.engines.duckdb`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from neo_utils.engines.duckdb import DuckDBFrame, DuckDBSession
from neo_utils.engines.spark_failures import failure_text
from neo_utils.errors import JobFailed
from neo_utils.settings.spark import DUCKDB, check_conf, check_master
from neo_utils.store.segments import SegmentTable

if TYPE_CHECKING:  # importing PySpark takes a second, and DuckDB does not need it
    from pyspark.sql import DataFrame, SparkSession

Engine: TypeAlias = Union["SparkSession", DuckDBSession]
Rows: TypeAlias = Union["DataFrame", DuckDBFrame]

_PATTERN_SIGNS = re.compile(r"[\\*?\[\]{}]")


def connect(
    master: str = "local[*]",
    spark_conf: Mapping[str, Any] | None = None,
    log_path: Path | None = None,
) -> Engine:
    """Return a Spark session on ``master``, or a DuckDB database with the same ``sql``.

    Parameters
    ----------
    master
        "local[*]" is Spark on this machine, "spark://host:7077" a cluster, "duckdb" needs no Java.
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
    from neo_utils.engines.spark_session import connect as connect_spark

    return connect_spark(master, spark_conf, log_path or Path(mkdtemp(prefix="neo-")) / "spark.log")


def describe_engine(engine: Engine) -> str:
    """Return the engine's name, version and location in one line."""
    if not isinstance(engine, DuckDBSession):
        return f"Spark {engine.version} on {engine.sparkContext.master}"
    unused = ", ".join(engine.ignored)
    note = f"; ignored, because spark_conf applies only to Spark: {unused}" if unused else ""
    return f"{engine!r}{note}"


def register(engine: Engine, table: SegmentTable) -> None:
    """Let SQL statements of this engine read a table of segments by its name.

    The engine reads the files itself, when a query needs them; so do the workers of a cluster.
    """
    if isinstance(engine, DuckDBSession):
        engine.register(table)
        return
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark treats a path as a glob pattern and, without "file:", resolves it on the file system of
    # the user's Hadoop configuration.
    urls = ["file://" + _PATTERN_SIGNS.sub(r"\\\g<0>", str(file.resolve())) for file in table.files]
    schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
    rows = engine.read.schema(schema).parquet(*urls).where(table.condition)
    rows.createOrReplaceTempView(table.name)


def describe_tasks(engine: Engine) -> str:
    """Return where the engine ran its tasks, in one line."""
    if isinstance(engine, DuckDBSession):
        return "all work ran in this process"
    from neo_utils.engines.executors import tasks_text

    return tasks_text(engine)


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
    except Exception as error:  # DuckDB's, py4j's or PySpark's
        first_line = str(error).partition("\n")[0]
        from_duckdb = "duckdb" in type(error).__module__
        reason = f"DuckDB query failed: {first_line}" if from_duckdb else failure_text(error)
        raise JobFailed(f"{reason.rstrip('.')}. Earlier results are unchanged") from None
