"""The files of an output folder: batches, archived pages, where they come from, and their checks.

All that reads or writes ``raw``, ``close_approaches``, ``pages`` and ``rejected`` is here.
"""
