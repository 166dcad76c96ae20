"""What runs the SQL texts: Spark, or DuckDB in this process. Who has one need not know which.

Both run statements by ``sql``, show tables by ``table``, and end by ``stop``; what comes of a query
has ``createOrReplaceTempView``, ``toArrow``, ``collect``, and its engine in ``sparkSession``. These
are Spark's own names, which `neo_utils.engines.duckdb` follows.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.engines.duckdb import Duck, Frame
from neo_utils.engines.spark_jobs import failure_text, tasks_text
from neo_utils.errors import JobFailed, StoredDataChanged
from neo_utils.settings.spark import DUCKDB, check_conf, check_master
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import PARQUET_SETTINGS, parquet_bytes
from neo_utils.store.page_archive import sha256

if TYPE_CHECKING:  # its import takes a second, and DuckDB's users have no need of it
    from pyspark.sql import DataFrame, SparkSession

Engine: TypeAlias = Union["SparkSession", Duck]
Rows: TypeAlias = Union["DataFrame", Frame]

# Cut where executors share a table; a million approaches are eight such groups.
_ROW_GROUP_SIZE = 131_072
_KEPT = 4  # files per table: enough for the sessions that count one folder at the same time
_PATTERN_SIGNS = re.compile(r"[\\*?\[\]{}]")
_SPARK_TYPES = {
    pa.string(): "STRING",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.int32(): "INT",
    pa.date32(): "DATE",
}


def connect(master: str, spark_conf: Mapping[str, Any], log_path: Path) -> Engine:
    """Return a Spark session on ``master``, or DuckDB where that is "duckdb".

    Parameters and failures are those of `neo_utils.engines.spark_session.connect`. DuckDB needs no
    Java and ignores ``spark_conf``: `engine_text` says so.
    """
    check_master(master)
    if master == DUCKDB:
        check_conf(spark_conf)
        return Duck(ignored=tuple(spark_conf))
    from neo_utils.engines.spark_session import connect as connect_spark

    return connect_spark(master, spark_conf, log_path)


def engine_text(engine: Engine) -> str:
    """Return which engine this is, and where it runs, in one line."""
    if not isinstance(engine, Duck):
        return f"Spark {engine.version} on {engine.sparkContext.master}"
    unused = ", ".join(engine.ignored)
    note = f"; spark_conf is for Spark alone, and left aside: {unused}" if unused else ""
    return f"DuckDB {engine.version} in this process{note}"


def name_table(engine: Engine, name: str, table: pa.Table, folder: Path, origin: str) -> None:
    """Make a table visible to an engine's statements under a name.

    Spark reads it from a Parquet file in ``folder``, which a cluster's workers must see, too;
    DuckDB reads it in memory.

    Parameters
    ----------
    origin
        Checksum of the data that the table was made from; `origins` returns it.
    """
    if isinstance(engine, Duck):
        engine.name_table(name, table, origin)
        return
    settings = {**PARQUET_SETTINGS, "row_group_size": _ROW_GROUP_SIZE}
    content = parquet_bytes(table, {"origin": origin}, settings)
    # Spark reads lazily, so the name contains the content's checksum: another count of the same
    # folder, with other data, never replaces a file that this session still reads.
    path = folder / f"{name}-{sha256(content)}.parquet"
    write_in_order([(path, content)])
    by_age = sorted(folder.glob(f"{name}-*.parquet"), key=lambda other: other.stat().st_mtime_ns)
    for old in by_age[:-_KEPT]:
        old.unlink(missing_ok=True)
    name_file(engine, name, path, table.schema)


def origins(rows: Rows) -> set[str]:
    """Return the origins of all tables that a query reads, as `name_table` received them.

    Raises
    ------
    StoredDataChanged
        If a file that Spark reads is missing or changed.
    """
    if isinstance(rows, Frame):
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


def name_file(engine: Engine, name: str, path: Path, schema: pa.Schema) -> None:
    """Let an engine's statements see a Parquet file, of this schema, by a name."""
    if isinstance(engine, Duck):
        engine.name_file(name, path)
        return
    columns = ", ".join(f"{field.name} {_SPARK_TYPES[field.type]}" for field in schema)
    # Spark reads a folder's name as a pattern, and a path without "file:" from the file system that
    # a user's Hadoop configuration names.
    plain = "file://" + _PATTERN_SIGNS.sub(r"\\\g<0>", str(path.resolve()))
    engine.read.schema(columns).parquet(plain).createOrReplaceTempView(name)


def work_text(engine: Engine) -> str:
    """Return who has done an engine's work, in one line."""
    if isinstance(engine, Duck):
        return "all was done in this process"
    return tasks_text(engine)


@contextmanager
def plain_failures() -> Iterator[None]:
    """Let a query that fails in this context end in one line in place of the engine's pages.

    Raises
    ------
    JobFailed
        With the engine's reason.
    """
    try:
        yield
    except Exception as error:  # of DuckDB, py4j or PySpark, as it happens
        said = str(error).partition("\n")[0]
        of_duckdb = "duckdb" in type(error).__module__
        reason = f"DuckDB's job failed: {said}" if of_duckdb else failure_text(error)
        raise JobFailed(f"{reason}; earlier results stay as they are") from None
