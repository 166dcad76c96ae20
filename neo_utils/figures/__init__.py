"""Figures, each made of the table that is shown beside it."""
