"""Interactive exploration in explore.ipynb: a table of passages, questions, figures, controls.

A passage is a close approach together with the properties of its NEO. Everything runs on DuckDB;
the saved statistics and their figures belong in `neo_utils.statistics` and `neo_utils.figures`.
"""
