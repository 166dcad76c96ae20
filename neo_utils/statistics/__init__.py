"""The statistics of close approaches: their definitions in SQL, computing, and saved results."""
