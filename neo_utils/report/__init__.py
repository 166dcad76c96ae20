"""The HTML report of a run, for readers without Jupyter, and its provenance table.

A report is an executed notebook in one self-contained file. What it shows is decided in the
notebook, and when it is written, in `neo_utils.run`.
"""
