"""Figures of the saved statistics, and how notebooks display tables and figures.

Each figure is drawn from a table that is shown next to it. Figures of single approaches belong in
`neo_utils.explore`, and the numbers in `neo_utils.statistics`.
"""
