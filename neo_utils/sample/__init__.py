"""The simulated service: a deterministic catalogue of NEOs in the JSON format of NeoWs.

It replaces NASA's service when there is no network or key. None of its objects is real; their
names and identifiers show it (see ``names``). It imports only limits and units from elsewhere.
"""

SAMPLE_URL = "https://sample.invalid/neo/rest/v1/neo/browse"  # .invalid: RFC 2606, never resolves
NUMBERED_OBJECTS = 3_700  # about as many NEOs had a permanent number in early 2026
CATALOGUE_SIZE = 41_000
