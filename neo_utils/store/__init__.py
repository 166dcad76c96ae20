"""The files of an output folder: batches, archived pages, provenance, locks and verification.

All code that reads or writes ``raw``, ``close_approaches``, ``orbits``, ``pages`` and ``rejected``
belongs here. Results computed from them belong in ``statistics``.
"""
