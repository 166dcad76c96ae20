"""Answers to questions about stored data: next passages, records, one object, SQL, exports.

Each takes a `Selection` of stored batches, or everything that is stored, and computes on DuckDB.
"""
