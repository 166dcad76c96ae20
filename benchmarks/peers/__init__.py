"""The yearly statistics and the totals, as users of other libraries would count them.

A module for each library, loaded by who is measured alone. Its ``count`` takes the paths of the
files of both tables, the newest last, and the day of the fetch, and returns the rows of both; a NEO
of two files counts from the newer one.
"""

# By the library's name.
PEERS = {
    "DuckDB": "benchmarks.peers.by_duckdb",
    "Polars": "benchmarks.peers.by_polars",
    "PyArrow": "benchmarks.peers.by_pyarrow",
    "pandas": "benchmarks.peers.by_pandas",
}
