"""Run a standalone Spark cluster, as local processes or in containers, and check its health.

Connecting a driver to a cluster belongs in `neo_utils.engines`. Client code and notebooks do not
need this package.
"""
