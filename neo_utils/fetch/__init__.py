"""Fetching: which pages of a range are missing, downloading them, and progress."""
