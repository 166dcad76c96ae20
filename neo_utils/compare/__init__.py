"""Compare stored approaches with an older output (drift) and with JPL's list (reconcile).

Nothing here changes stored data. Checking an output by itself belongs in `neo_utils.store`.
"""
