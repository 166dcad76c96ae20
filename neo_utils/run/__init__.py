"""The commands: what each one does, running the notebooks, the summary, and maintenance.

Parsing parameters belongs in `neo_utils.settings`. What a command computes belongs in the packages
below this one; here they are only called and their results shown.
"""
