"""Inputs of aggregation: parts of the sample catalogue, and copies of all of it, as segments."""

from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.positions import Batch, PositionRange
from neo_utils.store.segment_building import ROWS_PER_GROUP, SEGMENT_SETTINGS
from neo_utils.store.segments import (
    SEGMENT_SCHEMAS,
    Segment,
    SegmentTable,
    segment_tables,
    segments_of,
)

NEOS = (200, 2_000, 20_000, 41_000)  # positions of the catalogue
# Case: NEOs, and copies of their segments. The whole catalogue has 509,000 approaches.
SIZES = {f"{neos:,} NEOs": (neos, 1) for neos in NEOS}
SMALL, WHOLE = [*SIZES][1], [*SIZES][-1]
LARGE, HUGE = "10 million approaches", "100 million approaches"
SIZES |= {LARGE: (NEOS[-1], 20), HUGE: (NEOS[-1], 197)}
_LAST = 42_000  # the last position of the catalogue's segments


def make_input(folder: Path, case: str) -> None:
    """Store the input of a case if it is missing; the largest takes ten minutes and 5 GB.

    Copies are written one segment at a time. Their NEOs have ids and positions of their own.
    """
    neos, copies = SIZES[case]
    plan = plan_fetch(1, neos, "sample", output_dir=str(folder / "copies-1"))
    if plan.to_fetch(plan.catalogue_size):
        fetch(plan)
    target = output_of(folder, case)
    if target.exists():
        return
    incomplete = target.with_suffix(".incomplete")
    segments = segments_of(plan.positions.batches(neos))
    for number, segment, table in product(range(copies), segments, SEGMENT_SCHEMAS):
        rows = pq.ParquetFile(segment.file(plan.output, table)).read()
        path = Segment(segment.first + number * _LAST).file(incomplete, table)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_copy(rows, number, path)
    incomplete.rename(target)


def output_of(folder: Path, case: str) -> Path:
    """Return the folder of a case's segments."""
    return folder / f"copies-{SIZES[case][1]}"


def batches_of(case: str) -> list[Batch]:
    """Return the batches of a case."""
    neos, copies = SIZES[case]
    of_one = PositionRange(1, neos).batches(neos)
    return [Batch(batch.first + number * _LAST) for number in range(copies) for batch in of_one]


def tables_of(folder: Path, case: str) -> list[SegmentTable]:
    """Return the tables of a case: NEOs and approaches."""
    return segment_tables(output_of(folder, case), batches_of(case))


def close_approaches_of(folder: Path, case: str) -> int:
    """Return the number of approaches in a case."""
    (_, approaches) = tables_of(folder, case)
    if SIZES[case][0] == NEOS[-1]:
        return sum(pq.read_metadata(path).num_rows for path in approaches.files)
    positions = (pq.ParquetFile(path).read(["position"]) for path in approaches.files)
    last = SIZES[case][0]
    return sum(pc.sum(pc.less_equal(table["position"], last)).as_py() for table in positions)


def _write_copy(rows: pa.Table, number: int, path: Path) -> None:
    names = rows.schema.names
    ids = (
        pc.binary_join_element_wise(rows.column(0), str(number), "-") if number else rows.column(0)
    )
    places = pc.add(rows["position"], number * _LAST)
    rows = rows.set_column(0, rows.schema.field(0), ids)
    rows = rows.set_column(names.index("position"), rows.schema.field("position"), places)
    pq.write_table(rows, path, row_group_size=ROWS_PER_GROUP[path.parent.name], **SEGMENT_SETTINGS)
