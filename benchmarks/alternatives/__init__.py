"""Compute both tables of statistics as users of other libraries would.

Each library has a module, which is imported only to measure it. Its ``aggregate`` takes the paths
of the files of both tables, from oldest to newest, and the day of the fetch, and returns the rows
of metrics and yearly statistics. A NEO in two files counts once, from the newer file.
"""

# By the name of the library.
ALTERNATIVES = {
    "DuckDB": "benchmarks.alternatives.with_duckdb",
    "Polars": "benchmarks.alternatives.with_polars",
    "PyArrow": "benchmarks.alternatives.with_pyarrow",
    "pandas": "benchmarks.alternatives.with_pandas",
}
