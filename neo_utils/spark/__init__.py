"""Spark: the session of a run, the Java behind it, and clusters of the installed PySpark."""
