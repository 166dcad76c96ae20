"""Statistics of close approaches: definitions in SQL, computation, and saved results.

The texts in ``sql`` define every number. Running SQL belongs in `neo_utils.engines`, and drawing
the results in `neo_utils.figures`.
"""
