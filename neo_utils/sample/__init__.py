"""A simulated catalogue of NEOs: NeoWs's own JSON, behind NeoWs's own interface.

It stands in for the service where there is no network or no key. Nothing in it is a real object,
and none can be taken for one: ``names`` says how they are told apart.

From the service down: ``service`` · ``catalogue`` · ``fields``, ``names`` · ``approaches`` ·
``orbits``. Nothing of the package around it is imported: what it knows of the service, such as the
distances up to which approaches are listed, is said here once more, and tests compare.
"""

SAMPLE_URL = "https://sample.invalid/neo/rest/v1/neo/browse"  # .invalid: RFC 2606, never resolves
