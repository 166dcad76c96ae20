"""Build segments from stored batches, and verify them."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neo_utils.errors import OutputBusy, RunFailure, StoredDataChanged
from neo_utils.limits import earth_listed_to_au
from neo_utils.positions import Batch
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import provenance_of, read_parquet, read_rejected, read_table
from neo_utils.store.locks import one_line_if_unwritable, try_lock
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import StoredTable
from neo_utils.store.segments import (
    FILE_STATES,
    SEGMENT_SCHEMAS,
    Segment,
    listed_states,
    outdated_batches,
    segments_of,
    state_of,
)
from neo_utils.store.verification import changed_file, check_files

# Small enough that a reader of a few batches skips most rows, large enough that the whole catalogue
# reads as fast as from one group per file.
ROWS_PER_GROUP = {"neos": 500, "close_approaches": 12_000}
# Only columns whose values repeat; others would be larger and slower to read.
SEGMENT_SETTINGS: Mapping[str, Any] = {
    "compression": "zstd",
    "write_page_checksum": True,
    "use_dictionary": ["neo_id", "orbiting_body", "position", "fetched_at"],
}
_LONGEST_WAIT_S = 120.0  # the whole catalogue takes 8 s on two idle cores
_Tables = dict[str, pa.Table]


def make_current(output: Path, stored: Mapping[Batch, Provenance]) -> None:
    """Build the segments of these batches that are not current.

    Raises
    ------
    StoredDataBroken
        If a batch is corrupted.
    StoredDataChanged
        If a batch is replaced at the same time.
    OutputUnwritable
        If a segment cannot be written.
    """
    if left := build_outdated(output, stored):
        check_files(output, left)  # names the corrupted batch, or finds that a backfill replaced it
        raise StoredDataChanged(
            f"batch {left[0].name} was fetched again while it was read. Earlier results are "
            "unchanged. Run the same command again"
        )


def build_outdated(output: Path, stored: Mapping[Batch, Provenance]) -> list[Batch]:
    """Build the segments of these batches that are not current, without corrupted batches.

    Returns
    -------
    list of Batch
        Those that are not in a current segment: corrupted ones, and ones that a backfill replaced
        at the same time.

    Raises
    ------
    OutputBusy
        If another process builds segments for two minutes.
    OutputUnwritable
        If a segment cannot be written.
    """
    if not outdated_batches(output, stored):
        return []
    with one_line_if_unwritable(output), _sole_builder(output):
        # Another process may have built them while this one waited.
        segments = segments_of(outdated_batches(output, stored))
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(partial(_build, output), segments))
    return outdated_batches(output, stored)


def differing_segments(output: Path, batches: Iterable[Batch]) -> list[Path]:
    """Return the files of segments that differ from their batches, although none has changed."""
    wrong = []
    for segment in segments_of(batches):
        tables, listed = _contents(output, segment)
        paths = {segment.file(output, name): table for name, table in tables.items()}
        wrong += [path for path, table in paths.items() if _differs(path, table, listed)]
    return wrong


def _differs(path: Path, table: pa.Table, expected: dict[str, Any]) -> bool:
    found = listed_states(path)
    if not found:  # missing or unusable: the next count builds it
        return False
    files = [
        {name: state.get(FILE_STATES) for name, state in one.items()} for one in (found, expected)
    ]
    if files[0] != files[1]:  # outdated, likewise
        return False
    try:
        return found != expected or not read_parquet(path).equals(table)
    except (OSError, pa.ArrowException):
        return True


@contextmanager
def _sole_builder(output: Path) -> Iterator[None]:
    """Wait until no other process builds segments, and keep others out."""
    with (output / ".segments-lock").open("w") as file:
        last = time.monotonic() + _LONGEST_WAIT_S
        while True:
            try:
                try_lock(file)
                break
            except BlockingIOError:
                if time.monotonic() > last:
                    raise OutputBusy(
                        f"another process has been building segments in {output} for "
                        f"{_LONGEST_WAIT_S:.0f} s. Stored data is kept. Wait for it to finish, or "
                        "end it, and run the same command again"
                    ) from None
                time.sleep(0.05)
        yield


def _build(output: Path, segment: Segment) -> None:
    tables, listed = _contents(output, segment)
    for name, table in tables.items():
        buffer = pa.BufferOutputStream()
        with pq.ParquetWriter(buffer, table.schema, **SEGMENT_SETTINGS) as writer:
            writer.write_table(table, ROWS_PER_GROUP[name])
            writer.add_key_value_metadata({"batches": json.dumps(listed)})
        write_in_order([(segment.file(output, name), bytes(buffer.getvalue()))])


def _contents(output: Path, segment: Segment) -> tuple[_Tables, dict[str, Any]]:
    """Return the tables of a segment, and what it records about each batch."""
    listed, parts = {}, []
    for batch in segment.batches:
        with suppress(FileNotFoundError, RunFailure):  # not stored, corrupted, or being replaced
            provenance = provenance_of(output, batch)
            state = state_of(output, batch, provenance)
            if changed_file(output, batch) is None:
                tables = _tables_of(output, batch, provenance)
                if state == state_of(output, batch, provenance):
                    listed[batch.name] = state
                    parts.append(tables)
    return {
        name: pa.concat_tables([schema.empty_table(), *(part[name] for part in parts)])
        for name, schema in SEGMENT_SCHEMAS.items()
    }, listed


def _tables_of(output: Path, batch: Batch, provenance: Provenance) -> _Tables:
    """Return the rows of a batch, with the position of their NEO and the time of the fetch."""
    raw, approaches, orbits = (
        read_table(output, [batch], table) for table in get_args(StoredTable)
    )
    rejected = {one["position"] for one in read_rejected(output, [batch])}
    free = (position for position in count(batch.first) if position not in rejected)
    positions = pa.array(islice(free, raw.num_rows), pa.int64())
    of_approaches = positions.take(pc.index_in(approaches["neo_id"], raw["id"]).combine_chunks())
    time = pa.scalar(provenance.fetched_at.replace(tzinfo=None), pa.timestamp("us"))
    # A page lists the NEOs of raw and of orbits in the same order.
    of_neos = [*raw.columns, *orbits.columns[1:], positions, pa.repeat(time, len(positions))]
    counts = approaches_listed(raw["id"], approaches)
    columns = {
        "neos": [*of_neos, _listed_to_au(orbits, approaches), pa.array(counts, pa.int64())],
        "close_approaches": [
            *(*approaches.columns, of_approaches),
            pa.repeat(time, len(of_approaches)),
        ],
    }
    return {
        name: pa.Table.from_arrays(arrays, schema=SEGMENT_SCHEMAS[name])
        for name, arrays in columns.items()
    }


def approaches_listed(ids: pa.ChunkedArray, approaches: pa.Table) -> list[int]:
    """Return the number of listed approaches of each of these NEOs."""
    counts = Counter(approaches["neo_id"].to_pylist())
    return [counts[neo_id] for neo_id in ids.to_pylist()]


def _listed_to_au(orbits: pa.Table, approaches: pa.Table) -> pa.Array:
    """Return the distance (AU) up to which each NEO's approaches to Earth are listed."""
    to_earth = approaches.filter(pc.equal(approaches["orbiting_body"], "Earth"))
    farthest = to_earth.group_by("neo_id").aggregate([("miss_distance_au", "max")])
    farthest_au = dict(zip(*(column.to_pylist() for column in farthest.columns), strict=True))
    ids, times = orbits["neo_id"].to_pylist(), orbits["orbit_determination_date"].to_pylist()
    return pa.array(
        [
            earth_listed_to_au(time and time.date(), farthest_au.get(neo_id))
            for neo_id, time in zip(ids, times, strict=True)
        ],
        pa.float64(),
    )
