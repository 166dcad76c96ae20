"""What is stored about each NEO: the values whose changes the history keeps."""

import datetime as dt
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.positions import EVERYTHING, Batch
from neo_utils.store.batches import batches_on_disk
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import read_archived
from neo_utils.store.segment_building import approaches_listed
from neo_utils.store.segments import Segment, listed_provenances, segments_of

VALUES = (
    *("absolute_magnitude_h", "orbit_id", "is_potentially_hazardous_asteroid"),
    *("minimum_orbit_intersection_au", "listed_approaches"),
)


class NeoState(NamedTuple):
    """What was known of a NEO: the time of the fetch (UTC), its name, its `VALUES`, its batch."""

    fetched_at: dt.datetime
    name: str | None
    values: tuple[Any, ...]
    batch: Batch | None = None  # None if no batch has it


def stored_neos(output: Path, label: str) -> dict[str, NeoState]:
    """Return what is stored of each NEO that a service listed, by id."""
    return newest_states(_stored(output, label))


def newest_states(found: Iterable[tuple[str, NeoState]]) -> dict[str, NeoState]:
    """Return the newest of these states of each NEO, by id; of equal times, the last."""
    newest: dict[str, NeoState] = {}
    for neo_id, state in found:
        older = newest.get(neo_id)
        if older is None or older.fetched_at <= state.fetched_at:
            newest[neo_id] = state
    return newest


def _stored(output: Path, label: str) -> Iterator[tuple[str, NeoState]]:
    """Yield what each batch says about its NEOs, from segments where they are current."""
    on_disk = batches_on_disk(output, EVERYTHING)
    listed = listed_provenances(output, on_disk)
    left = on_disk - listed.keys()
    own = {batch for batch, p in listed.items() if p.service.label == label}
    for segment in segments_of(own):
        batches = own & set(segment.batches)
        try:
            yield from _in_segment(output, segment, batches)
        except (OSError, pa.ArrowException):  # damaged, or removed meanwhile
            left |= batches
    # A killed run may have left a page without the other files.
    for batch in sorted(left):
        with suppress(ValueError):  # the page is corrupted: nothing is known
            archived = read_archived(output, batch)
            if archived.provenance.service.label == label:
                yield from states_on(batch, archived.page, archived.provenance).items()


def _in_segment(
    output: Path, segment: Segment, batches: Set[Batch]
) -> Iterator[tuple[str, NeoState]]:
    columns = ["id", "name", "fetched_at", "position", *VALUES]
    path = segment.file(output, "neos")
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        rows = file.read(columns).to_pylist()
    for row in rows:
        batch = Batch.containing(row["position"])
        if batch in batches:
            values = tuple(row[name] for name in VALUES)
            yield row["id"], NeoState(row["fetched_at"], row["name"], values, batch)


def states_on(batch: Batch, page: Page, provenance: Provenance) -> dict[str, NeoState]:
    """Return what a page says about its NEOs, by id."""
    neos, orbits = page.neos, page.orbits
    columns = [neos[n] if n in neos.column_names else orbits[n] for n in VALUES[:-1]]
    counts = approaches_listed(neos["id"], page.close_approaches)
    rows = zip(*(column.to_pylist() for column in columns), counts, strict=True)
    time = provenance.fetched_at.replace(tzinfo=None)
    ids, names = neos["id"].to_pylist(), neos["name"].to_pylist()
    return {
        neo_id: NeoState(time, name, values, batch)
        for neo_id, name, values in zip(ids, names, rows, strict=True)
    }
