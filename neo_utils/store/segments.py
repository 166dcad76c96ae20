"""Segments: the stored batches in the form that engines read, one file per table and 100 batches.

A segment is derived from its batches: deleting it loses nothing. Its metadata list the batches with
their provenance and the size and modification time of their files. It is current for a batch while
that agrees with the disk.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.positions import BATCH_SIZE, Batch, spans
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import SCHEMAS, StoredTable

FOLDER = "segments"
BATCHES = 100  # per segment
_STORED = get_args(StoredTable)
# Each table of segments, with its columns.
SEGMENT_SCHEMAS = {
    "neos": pa.schema([*SCHEMAS["raw"], *[*SCHEMAS["orbits"]][1:], *SCHEMAS["segments"]]),
    "close_approaches": pa.schema([*SCHEMAS["close_approaches"], *[*SCHEMAS["segments"]][:2]]),
}
State = dict[str, Any]  # what a segment's metadata record about a batch
FILE_STATES = "size_and_mtime_ns"


class Segment(NamedTuple):
    """The batches of 2,000 positions from ``first`` on.

    Examples
    --------
    >>> segment = Segment.of(Batch(2_021))
    >>> print(segment.file(Path("output"), "neos"))
    output/segments/neos/positions=2001-4000.parquet
    >>> len(segment.batches), segment.batches[-1].name
    (100, '3981-4000')
    """

    first: int

    @classmethod
    def of(cls, batch: Batch) -> "Segment":
        """Return the segment that contains a batch."""
        return cls(batch.first - (batch.first - 1) % (BATCHES * BATCH_SIZE))

    @property
    def batches(self) -> list[Batch]:
        """The batches that the segment contains if they are stored."""
        return [Batch(self.first + BATCH_SIZE * place) for place in range(BATCHES)]

    def file(self, output: Path, table: str) -> Path:
        """Return the path of this segment's file of ``table`` (a key of ``SEGMENT_SCHEMAS``)."""
        name = f"positions={self.first}-{self.batches[-1].last}.parquet"
        return output / FOLDER / table / name


class SegmentTable(NamedTuple):
    """What an engine needs to read the rows of stored batches from segments."""

    name: str
    folder: Path
    files: list[Path]  # in the folder or below
    schema: pa.Schema
    condition: str  # in SQL: the positions of the batches


def segment_tables(output: Path, batches: Iterable[Batch]) -> list[SegmentTable]:
    """Return the tables ``stored_neos`` and ``stored_close_approaches`` of these batches."""
    batches = sorted(batches)
    segments, ranges = segments_of(batches), spans(batches)
    condition = f"position BETWEEN {batches[0].first} AND {batches[-1].last}"
    if len(ranges) > 1:  # the first condition is the one that engines use to skip rows
        some = " OR ".join(f"position BETWEEN {one.start} AND {one.end}" for one in ranges)
        condition = f"{condition} AND ({some})"
    return [
        SegmentTable(
            f"stored_{name}",
            output / FOLDER,
            [segment.file(output, name) for segment in segments],
            SEGMENT_SCHEMAS[name],
            condition,
        )
        for name in SEGMENT_SCHEMAS
    ]


def segments_of(batches: Iterable[Batch]) -> list[Segment]:
    """Return the segments that contain these batches, in order of position."""
    return sorted({Segment.of(batch) for batch in batches})


def listed_provenances(output: Path, batches: Iterable[Batch]) -> dict[Batch, Provenance]:
    """Return the provenance of those batches for which segments are current.

    Reading it from a segment is faster than from the files of 100 batches.
    """
    batches = sorted(batches)
    states, found = _states(output, batches), {}
    for batch in batches:
        state = states[Segment.of(batch)].get(batch.name, {})
        files = state.pop(FILE_STATES, None)
        if files and files == _files_of(output, batch):
            with suppress(ValueError):  # another program wrote it
                metadata = {key.encode(): str(value).encode() for key, value in state.items()}
                found[batch] = Provenance.from_metadata(metadata)
    return found


def outdated_batches(output: Path, stored: Mapping[Batch, Provenance]) -> list[Batch]:
    """Return the batches whose segment is missing, unreadable, or differs from the disk."""
    states = _states(output, stored)
    return [
        batch
        for batch, provenance in stored.items()
        if states[Segment.of(batch)].get(batch.name) != state_of(output, batch, provenance)
    ]


def state_of(output: Path, batch: Batch, provenance: Provenance) -> State:
    """Return what a segment records about a batch as it is now."""
    return {**provenance.as_metadata(), FILE_STATES: _files_of(output, batch)}


def _files_of(output: Path, batch: Batch) -> list[list[int]] | None:
    """Return size and modification time (ns) of a batch's files; None if one is missing."""
    try:
        files = [batch.file(output, table).stat() for table in _STORED]
    except OSError:
        return None
    return [[file.st_size, file.st_mtime_ns] for file in files]


def _states(output: Path, batches: Iterable[Batch]) -> dict[Segment, dict[str, State]]:
    """Return what the segments of these batches record, if all files of a segment agree."""
    found = {}
    for segment in segments_of(batches):
        first, *others = (listed_states(segment.file(output, table)) for table in SEGMENT_SCHEMAS)
        found[segment] = first if all(other == first for other in others) else {}
    return found


def listed_states(path: Path) -> dict[str, State]:
    """Return the batches that a segment's file lists, by name; empty if it is not usable."""
    try:
        metadata = pq.read_metadata(path)
        if metadata.schema.to_arrow_schema() != SEGMENT_SCHEMAS[path.parent.name]:
            return {}  # an older version's
        found = json.loads(metadata.metadata[b"batches"])
        return {name: dict(state) for name, state in found.items()}
    except (OSError, pa.ArrowException):
        return {}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}  # another program wrote it
