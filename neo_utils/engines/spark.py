"""What the project needs of Spark besides SQL, embedded, on a cluster and with Spark Connect."""

import re
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from neo_utils.engines.spark_connect import ignored_settings
from neo_utils.store.segments import SegmentTable

# Where Spark finds the folder of segments, if not under the same path as this process.
SEGMENTS_SETTING = "spark.neo.segments"
# While Spark computes one query, it plans and compiles others: all statistics of 200 NEOs take
# 6.7 s instead of 8.8 s on two cores. More queries at the same time save nothing.
_AT_THE_SAME_TIME = 3
_PATTERN_SIGNS = re.compile(r"[\\*?\[\]{}]")


def _escaped(path: Path) -> str:
    return _PATTERN_SIGNS.sub(r"\\\g<0>", str(path))


class SparkEngine:
    """A Spark session, embedded or on a cluster."""

    binds_late = False  # Spark looks up names when a frame is created

    def __init__(self, session: SparkSession) -> None:
        self.session = session

    @property
    def may_read_a_copy(self) -> bool:
        """Whether Spark may read other files than this process sees."""
        return self.session.conf.get(SEGMENTS_SETTING, None) is not None

    def register(self, table: SegmentTable) -> None:
        """Let SQL statements read a table of segments by its name."""
        # Spark treats a path as a glob pattern and, without "file:", resolves it on the file system
        # of the user's Hadoop configuration.
        folder = table.folder.resolve()
        url = self.session.conf.get(SEGMENTS_SETTING, None) or f"file://{_escaped(folder)}"
        urls = [f"{url}/{file.relative_to(table.folder)}" for file in table.files]
        schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
        # Whatever the user's Spark skips, a missing or damaged file must fail.
        reader = self.session.read.options(ignoreMissingFiles=False, ignoreCorruptFiles=False)
        rows = reader.schema(schema).parquet(*urls).where(table.condition)
        rows.createOrReplaceTempView(table.name)

    def tables_of(self, queries: Mapping[str, str]) -> dict[str, pa.Table]:
        """Return the rows of each query by its name, computing several at the same time.

        If one fails, or at Ctrl-C, all running queries of the session end.
        """
        pool = ThreadPoolExecutor(_AT_THE_SAME_TIME)
        futures: dict[str, Future[pa.Table]] = {}
        try:
            for name, query in queries.items():
                futures[name] = pool.submit(self._table_of, query)
            for future in as_completed(futures.values()):
                future.result()  # raises the first failure
        except BaseException:  # also for Ctrl-C
            running = [future for future in futures.values() if not future.cancel()]
            # Again and again, because a query that Spark still plans ignores it.
            while wait(running, timeout=0.2).not_done:
                with suppress(Exception):  # Java may be gone
                    self.session.interruptAll()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return {name: future.result() for name, future in futures.items()}

    def _table_of(self, query: str) -> pa.Table:
        return self.session.sql(query).toArrow()

    def frame_of(self, rows: pa.Table) -> "DataFrame":
        """Return the rows of an Arrow table as a frame."""
        schema = from_arrow_schema(rows.schema, prefer_timestamp_ntz=True)
        return self.session.createDataFrame(rows, schema)

    def describe(self) -> str:
        """Return Spark's version and master."""
        return f"Spark {self.session.version} on {self.session.sparkContext.master}"

    def describe_tasks(self) -> str:
        """Return how many tasks each worker ran."""
        from neo_utils.engines.executors import tasks_text

        return tasks_text(self.session)


class SparkConnectEngine(SparkEngine):
    """A session on a Spark Connect server."""

    binds_late = True  # the server looks up names when it receives a query
    may_read_a_copy = True  # the server may be on another machine

    def describe(self) -> str:
        """Return Spark's version and the server's host."""
        # A server of another kind may report any text as its version.
        host = self.session.client.host
        where = f"Spark {self.session.version} on the Spark Connect server {host}"
        names = ", ".join(ignored_settings(self.session))
        return f"{where}; ignored, because only its start can set them: {names}" if names else where

    def describe_tasks(self) -> str:
        """Return that the server ran all tasks; its web page shows where."""
        return "all tasks ran on the Spark Connect server"


def spark_engine(session: SparkSession) -> SparkEngine:
    """Return the engine of a session."""
    remote = type(session).__module__.startswith("pyspark.sql.connect")
    return SparkConnectEngine(session) if remote else SparkEngine(session)
