"""Engines that run SQL: DuckDB in this process, or Spark (session, Java, configuration, jobs).

`neo_utils.engines.engine` is the one interface that other packages use. What the SQL computes
belongs in `neo_utils.statistics`, and starting a cluster in `neo_utils.cluster`.
"""
