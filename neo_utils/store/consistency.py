"""Check whether batches belong to the same state of the listing."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from neo_utils.positions import Batch
from neo_utils.store.batches import read_parquet, read_table
from neo_utils.store.provenance import Provenance
from neo_utils.store.segments import outdated_batches, segments_of
from neo_utils.text import shown

# The listing changes daily, when orbits are recomputed. Fetching all of it takes a few hours.
LONGEST_SPAN = dt.timedelta(hours=24)
_LONGEST_ID = 40  # characters; ids of NeoWs have 7 or 8


def drift_notes(output: Path, provenances: Mapping[Batch, Provenance]) -> list[str]:
    """Return a sentence for each sign that the listing changed while the batches were fetched.

    The signs are different catalogue sizes, fetch times further apart than `LONGEST_SPAN`, and NEOs
    in two batches: if one NEO moved, another may be in no batch.
    """
    notes = []
    sizes = sorted({provenance.catalogue_size for provenance in provenances.values()})
    if len(sizes) > 1:
        notes.append(f"the listing had {sizes[0]:,} to {sizes[-1]:,} NEOs while it was fetched")
    times = sorted(provenance.fetched_at for provenance in provenances.values())
    if times and times[-1] - times[0] > LONGEST_SPAN:
        notes.append(
            f"the batches were fetched from {times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M}"
            f" UTC, more than {LONGEST_SPAN // dt.timedelta(hours=1)} hours apart"
        )
    counts = Counter(_ids(output, provenances))
    repeated = [neo_id for neo_id, count in counts.items() if count > 1]
    if repeated:
        ids = [shown(neo_id, _LONGEST_ID) for neo_id in sorted(repeated)[:3]]
        some = ", ".join(ids) + (", ..." if len(repeated) > 3 else "")
        notes.append(
            f"NEOs in two batches, each counted once: {len(repeated):,} ({some}); as many others"
            " may be missing"
        )
    return notes


def _ids(output: Path, provenances: Mapping[Batch, Provenance]) -> Iterator[str]:
    """Yield the ids of the NEOs of each batch, from segments where they are current."""
    left = set(outdated_batches(output, provenances))
    current = provenances.keys() - left
    for segment in segments_of(current):
        try:
            rows = read_parquet(segment.file(output, "neos"), ["id", "position"]).to_pydict()
        except (OSError, pa.ArrowException):  # damaged, or removed meanwhile
            left |= current & set(segment.batches)
            continue
        for neo_id, position in zip(rows["id"], rows["position"], strict=True):
            if Batch.containing(position) in current:
                yield neo_id
    for batch in sorted(left):
        yield from read_table(output, [batch], "raw", ["id"])["id"].to_pylist()
