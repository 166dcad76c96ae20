"""Fetch a range: plan which pages are missing, download and store them, show progress.

HTTP requests and the rate limit belong in ``neows``, file formats in ``store``.
"""
