"""DuckDB engine, exposing the small part of Spark's API that the project uses."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from neo_utils.errors import WrongParameter
from neo_utils.store.segments import SegmentTable
from neo_utils.text import shown

if TYPE_CHECKING:  # imported only where they are used
    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

# Download nothing, and resolve names in a statement to tables, never to notebook variables.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
_PATTERN_SIGNS = re.compile(r"[*?\[]")  # of a glob pattern; a set of one sign matches only that


class DuckDBSession:
    """An in-memory database, the counterpart of a ``SparkSession``.

    ``ignored`` lists the Spark settings that were passed and have no effect.
    """

    binds_late = True  # a relation is a query, whose names are looked up when it runs
    may_read_a_copy = False

    def __init__(self, ignored: tuple[str, ...] = ()) -> None:
        import duckdb

        self.ignored = ignored
        # DuckDB creates this folder if it runs out of memory, and removes it when it closes.
        spilled = Path(tempfile.gettempdir()) / f"duckdb-{uuid4().hex}"
        self.connection: DuckDBPyConnection = duckdb.connect(
            config={**_CONFIG, "temp_directory": str(spilled)}
        )
        self.version: str = duckdb.__version__

    def __repr__(self) -> str:
        return f"DuckDB {self.version} in this process"

    def sql(self, statement: str) -> "DuckDBFrame":
        """Run a statement; for a query, return its rows as a lazy frame."""
        return DuckDBFrame(self, self.connection.sql(statement))

    def check_query(self, statement: str) -> None:
        """Raise WrongParameter if this is not one query that returns rows."""
        import duckdb

        found = self.connection.extract_statements(statement)
        if [one.type for one in found] != [duckdb.StatementType.SELECT]:
            raise WrongParameter(
                f"SQL={shown(statement)} is not one query. Use one SELECT statement"
            )

    def table(self, name: str) -> "DuckDBFrame":
        """Return a table or view by name."""
        return self.sql(f"FROM {name}")

    def tables_of(self, queries: Mapping[str, str]) -> dict[str, pa.Table]:
        """Return the rows of each query by its name."""
        return {name: self.sql(query).toArrow() for name, query in queries.items()}

    def frame_of(self, rows: pa.Table) -> "DuckDBFrame":
        """Return the rows of an Arrow table as a frame."""
        name = f"rows_{uuid4().hex}"
        self.connection.register(name, rows)
        return self.table(name)

    def register(self, table: SegmentTable) -> None:
        """Register the rows of segments under a name; their files are read by each query."""
        files = [_PATTERN_SIGNS.sub(r"[\g<0>]", str(file)) for file in table.files]
        rows = self.connection.read_parquet(files, hive_partitioning=False)
        rows.filter(table.condition).create_view(table.name, replace=True)

    def describe(self) -> str:
        """Return name, version and the Spark settings that have no effect."""
        unused = ", ".join(self.ignored)
        note = f"; ignored, because spark_conf applies only to Spark: {unused}" if unused else ""
        return f"{self!r}{note}"

    def describe_tasks(self) -> str:
        """Return where the work was done."""
        return "all work ran in this process"

    def stop(self) -> None:
        """Close the database."""
        self.connection.close()


class DuckDBFrame:
    """The rows of a query, computed on demand; the counterpart of Spark's ``DataFrame``."""

    def __init__(self, engine: DuckDBSession, relation: "DuckDBPyRelation") -> None:
        self.sparkSession, self._relation = engine, relation

    def __repr__(self) -> str:
        """Return the first rows as a text table."""
        return str(self._relation)

    def createOrReplaceTempView(self, name: str) -> None:  # noqa: N802 - Spark's name
        """Register these rows as a view."""
        query, connection = self._relation.sql_query(), self.sparkSession.connection
        if re.search(rf"\b{name}\b", query):  # a view cannot read the one that it replaces
            rows = f"rows_{uuid4().hex}"
            connection.execute(f"CREATE TEMP TABLE {rows} AS {query}")
            query = f"FROM {rows}"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")

    def toArrow(self) -> pa.Table:  # noqa: N802 - Spark's name
        """Return the rows as an Arrow table."""
        return self._relation.to_arrow_table()

    def toPandas(self) -> "pd.DataFrame":  # noqa: N802 - Spark's name
        """Return the rows as a pandas DataFrame."""
        return self._relation.df()

    def collect(self) -> list[tuple[Any, ...]]:
        """Return the rows as tuples."""
        return self._relation.fetchall()
