"""One HTML file that tells all of a count, for readers who have no Jupyter."""
