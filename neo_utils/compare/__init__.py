"""Comparisons of stored approaches: with an older output, and with JPL's own list."""
