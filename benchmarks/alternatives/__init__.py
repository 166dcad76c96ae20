"""Compute both tables of statistics as users of other libraries would.

Each library has a module, which is imported only to measure it. Its ``aggregate`` takes the paths
of the segments of both tables and the day of the fetch, and returns the rows of metrics and yearly
statistics. A NEO at two positions counts once, from the larger one: all were fetched at one time.
"""

# By the name of the library.
ALTERNATIVES = {
    "DuckDB": "benchmarks.alternatives.with_duckdb",
    "Polars": "benchmarks.alternatives.with_polars",
    "PyArrow": "benchmarks.alternatives.with_pyarrow",
    "pandas": "benchmarks.alternatives.with_pandas",
}
