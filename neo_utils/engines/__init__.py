"""What runs SQL: DuckDB in this process, or a Spark session with its Java, settings and jobs.

Statistics use the one interface in ``engine`` and work alike on each engine.
"""
