"""A standalone Spark cluster: its daemons, local or in containers, and their health."""
