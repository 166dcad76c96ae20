"""Remember that an output is meant to have the whole catalogue of a service.

A refresh of such an output follows a catalogue that grows, even if an earlier command ended with a
part of what it gained.
"""

from pathlib import Path

from neo_utils.store.atomic import write_in_order
from neo_utils.store.folders import exists

_MARKER = ".whole-catalogue"


def mark_whole(output: Path, label: str) -> None:
    """Note that the output is meant to have the whole catalogue of the service of this label."""
    if not is_marked_whole(output, label):
        write_in_order([(output / _MARKER, label.encode())])


def is_marked_whole(output: Path, label: str) -> bool:
    """Check whether `mark_whole` was called for this service."""
    marker = output / _MARKER
    return exists(marker) and marker.read_bytes() == label.encode()
