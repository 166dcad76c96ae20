"""The large inputs: the whole sample catalogue as batches, and ten times its approaches."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neo_utils.packing import packed
from neo_utils.plan import plan_recall
from neo_utils.recall import recall
from neo_utils.selection import Selection, select_batches


def whole_catalogue(output: Path) -> Selection:
    """Return the stored sample catalogue, 41,000 NEOs in 2,050 batches; made where missing."""
    plan = plan_recall(1, "all", "sample", output_dir=str(output))
    if plan.to_fetch(plan.catalogue_size):
        recall(plan)
    return select_batches(1, "all", "sample", str(output))


def repeated(selection: Selection, times: int) -> dict[str, pa.Table]:
    """Return what an engine is given of a catalogue so many times as large.

    Every NEO and its approaches stand there ``times`` times, under ids of their own, in one table
    of NEOs and one of approaches, whatever their number: what is measured is the query.
    """
    return {
        name: pa.concat_tables(
            _renamed(packed(selection, table), column, number) for number in range(times)
        )
        for name, table, column in (
            ("stored_neos", "raw", "id"),
            ("stored_close_approaches", "close_approaches", "neo_id"),
        )
    }


def _renamed(table: pa.Table, column: str, number: int) -> pa.Table:
    ids = pc.binary_join_element_wise(table[column], str(number), "-") if number else table[column]
    return table.set_column(table.schema.get_field_index(column), column, ids)


def close_approaches_of(folder: Path, neos: int | None) -> int:
    """Return how many approaches the first NEOs have; None: all of the two large files."""
    if neos is None:
        path = folder / "large" / "stored_close_approaches.parquet"
        return int(pq.read_metadata(path).num_rows)
    selection = select_batches(1, neos, "sample", str(folder / "whole"))
    return int(packed(selection, "close_approaches").num_rows)
