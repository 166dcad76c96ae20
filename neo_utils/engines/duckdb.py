"""DuckDB in this process: the engine without Java, in the few words of Spark's that we use."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:  # slow imports that not every run needs
    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

# Nothing is downloaded, and a name in a statement is a table, never a variable of the notebook.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}


class Duck:
    """A database in memory; what a ``SparkSession`` is to Spark.

    ``ignored`` names the settings that were given and have no meaning here.
    """

    def __init__(self, ignored: tuple[str, ...] = ()) -> None:
        import duckdb

        self.ignored = ignored
        self.origins: dict[
            str, str
        ] = {}  # of each named table; see `neo_utils.engines.engine.origins`
        self._connection: DuckDBPyConnection = duckdb.connect(config=_CONFIG)
        self.version: str = duckdb.__version__

    def sql(self, statement: str) -> "Frame":
        """Run a statement, or, where it is a query, return what will give its rows."""
        return Frame(self, self._connection.sql(statement))

    def table(self, name: str) -> "Frame":
        """Return a table or view by its name."""
        return self.sql(f"FROM {name}")

    def name_table(self, name: str, table: pa.Table, origin: str) -> None:
        """Make an Arrow table visible to statements under this name; nothing is copied."""
        self._connection.register(name, table)
        self.origins[name] = origin

    def name_file(self, name: str, path: Path) -> None:
        """Let statements see a Parquet file by this name."""
        self._connection.read_parquet(str(path)).create_view(name, replace=True)

    def stop(self) -> None:
        """Forget all tables and end."""
        self._connection.close()


class Frame:
    """The rows of a query, not computed yet; what a ``DataFrame`` is to Spark."""

    def __init__(self, engine: Duck, relation: "DuckDBPyRelation") -> None:
        self.sparkSession, self._relation = engine, relation

    def createOrReplaceTempView(self, name: str) -> None:  # noqa: N802 - Spark's word
        """Let statements see these rows by a name."""
        self._relation.create_view(name, replace=True)

    def toArrow(self) -> pa.Table:  # noqa: N802 - Spark's word
        """Compute the rows."""
        return self._relation.to_arrow_table()

    def toPandas(self) -> "pd.DataFrame":  # noqa: N802 - Spark's word
        """Compute the rows, for pandas."""
        return self._relation.df()

    def collect(self) -> list[tuple[Any, ...]]:
        """Compute the rows, as tuples."""
        return self._relation.fetchall()
