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
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.engines.duckdb import DuckDBFrame, DuckDBSession
from neo_utils.engines.spark_failures import failure_text
from neo_utils.errors import JobFailed, StoredDataChanged
from neo_utils.settings.spark import DUCKDB, check_conf, check_master
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import PARQUET_SETTINGS, parquet_bytes
from neo_utils.store.page_archive import sha256

if TYPE_CHECKING:  # importing PySpark takes a second, and DuckDB does not need it
    from pyspark.sql import DataFrame, SparkSession

Engine: TypeAlias = Union["SparkSession", DuckDBSession]
Rows: TypeAlias = Union["DataFrame", DuckDBFrame]

# Executors share a table by row groups; a million approaches make eight.
_ROW_GROUP_SIZE = 131_072
_KEPT = 4  # files per table, enough for sessions that aggregate the same folder concurrently
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


def register_table(engine: Engine, name: str, table: pa.Table, folder: Path, origin: str) -> None:
    """Register a table under a name that SQL statements can use.

    Spark reads it from a Parquet file in ``folder``, which a cluster's workers must also see.
    DuckDB reads it in memory.

    Parameters
    ----------
    origin
        Checksum of the data that the table was built from; `origins` returns it.
    """
    if isinstance(engine, DuckDBSession):
        engine.register_table(name, table, origin)
        return
    settings = {**PARQUET_SETTINGS, "row_group_size": _ROW_GROUP_SIZE}
    content = parquet_bytes(table, {"origin": origin}, settings)
    # Spark reads lazily. With the checksum in its name, a file is never overwritten by another
    # session that aggregates different data in the same folder.
    path = folder / f"{name}-{sha256(content)}.parquet"
    write_in_order([(path, content)])
    by_age = sorted(folder.glob(f"{name}-*.parquet"), key=lambda other: other.stat().st_mtime_ns)
    for old in by_age[:-_KEPT]:
        old.unlink(missing_ok=True)
    register_file(engine, name, path, table.schema)


def origins(rows: Rows) -> set[str]:
    """Return the origins of all tables that a query reads, as `register_table` received them.

    Raises
    ------
    StoredDataChanged
        If a file that Spark reads is missing or changed.
    """
    if isinstance(rows, DuckDBFrame):
        return set(rows.sparkSession.origins.values())
    files = (Path(unquote(urlsplit(uri).path)) for uri in rows.inputFiles())
    return {_origin_of(path) for path in files}


def _origin_of(path: Path) -> str:
    try:
        unchanged = path.stem.endswith(sha256(path.read_bytes()))
        origin: str = pq.read_metadata(path).metadata[b"origin"].decode()
    except (OSError, pa.ArrowException, KeyError):
        unchanged, origin = False, ""
    if not unchanged:
        raise StoredDataChanged(
            f"{path} changed while it was read. Earlier results are unchanged. Run the same command"
            " again"
        )
    return origin


def register_file(engine: Engine, name: str, path: Path, schema: pa.Schema) -> None:
    """Register a Parquet file with this schema under a name that SQL statements can use."""
    if isinstance(engine, DuckDBSession):
        engine.register_file(name, path)
        return
    from pyspark.sql.pandas.types import from_arrow_schema

    # Spark treats a path as a glob pattern and, without "file:", resolves it on the file system of
    # the user's Hadoop configuration.
    plain = "file://" + _PATTERN_SIGNS.sub(r"\\\g<0>", str(path.resolve()))
    engine.read.schema(from_arrow_schema(schema)).parquet(plain).createOrReplaceTempView(name)


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
