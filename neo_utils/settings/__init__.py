"""The parameters of a run: names, defaults, valid values, and the files they are read from.

Everything that a user can set is parsed here, once. Other packages receive parsed values.
"""
