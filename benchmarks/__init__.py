"""Measure the project's time and memory, compared with alternatives on the same files."""
