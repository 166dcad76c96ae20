"""Inputs of aggregation: the sample catalogue in batches, and ten times as much in two files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.store.columns import read_rows
from neo_utils.store.selection import Selection

NEOS = (200, 2_000, 20_000, 41_000)  # positions of the catalogue, in batches of 20
SIZES = {f"{n:,} NEOs in {n // 20:,} batches, from files to rows": n for n in NEOS}
SMALL, WHOLE = [*SIZES][1], [*SIZES][-1]
LARGE = "10 million approaches in two files, from files to rows"
TABLES = {"stored_neos": ("raw", "id"), "stored_close_approaches": ("close_approaches", "neo_id")}


def make_input(folder: Path, case: str) -> None:
    """Store the input of a case if it is missing; the largest takes minutes and 500 MB."""
    neos = SIZES.get(case, NEOS[-1])
    plan = plan_fetch(1, neos, "sample", output_dir=str(folder / "sample"))
    if plan.to_fetch(plan.catalogue_size):
        fetch(plan)
    large = folder / "large"
    if case == LARGE and not large.exists():
        incomplete = folder / "large.incomplete"
        incomplete.mkdir(exist_ok=True)
        for name, (table, column) in TABLES.items():
            rows = read_rows(stored(folder, neos), table)
            copies = pa.concat_tables(_with_own_ids(rows, column, number) for number in range(10))
            pq.write_table(copies, incomplete / f"{name}.parquet", row_group_size=131_072)
        incomplete.rename(large)


def stored(folder: Path, neos: int) -> Selection:
    """Return the batches of the first NEOs of the stored sample."""
    return select(1, neos, "sample", str(folder / "sample"))


def files_of(folder: Path, case: str) -> tuple[list[str], list[str]]:
    """Return the files of NEOs and those of approaches, from oldest to newest."""
    if case == LARGE:
        neos, approaches = (str(folder / "large" / f"{name}.parquet") for name in TABLES)
        return [neos], [approaches]
    selection = stored(folder, SIZES[case])
    neo_files, approach_files = (
        [str(batch.file(selection.output, table)) for batch, _ in selection.oldest_first]
        for table, _ in TABLES.values()
    )
    return neo_files, approach_files


def close_approaches_of(folder: Path, case: str) -> int:
    """Return the number of approaches in a case."""
    return sum(pq.read_metadata(path).num_rows for path in files_of(folder, case)[1])


def _with_own_ids(table: pa.Table, column: str, number: int) -> pa.Table:
    ids = pc.binary_join_element_wise(table[column], str(number), "-") if number else table[column]
    return table.set_column(table.schema.get_field_index(column), column, ids)
