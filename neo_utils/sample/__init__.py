"""The simulated service: a deterministic catalogue of NEOs in the JSON format of NeoWs.

It replaces NASA's service when there is no network or key. None of its objects is real or can be
mistaken for a real one (see ``names``). From the other packages it takes only limits and units.
"""

SAMPLE_URL = "https://sample.invalid/neo/rest/v1/neo/browse"  # .invalid: RFC 2606, never resolves
NUMBERED_OBJECTS = 3_700  # about as many NEOs had a permanent number in early 2026
CATALOGUE_SIZE = 41_000
