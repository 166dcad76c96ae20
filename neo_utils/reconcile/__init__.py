"""Stored Earth approaches beside those that JPL's CAD lists, each difference with its reason."""
