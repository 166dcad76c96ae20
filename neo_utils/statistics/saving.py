"""Compute all statistics of stored NEOs, and save two of them as tables."""

from typing import get_args

import pandas as pd
import pyarrow as pa

from neo_utils import __version__
from neo_utils.engines.engine import Session, engine_of, one_line_failures
from neo_utils.errors import JobFailed, StoredDataChanged
from neo_utils.settings.run_settings import check_parameter
from neo_utils.statistics.computation import read_segments
from neo_utils.statistics.definitions import Statistic, sql_text
from neo_utils.statistics.results import inputs_sha256, values_sha256
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import parquet_bytes, stored_provenances
from neo_utils.store.result_files import FOLDERS
from neo_utils.store.schemas import SCHEMAS
from neo_utils.store.segment_building import make_current
from neo_utils.store.segments import segment_tables
from neo_utils.store.selection import Selection
from neo_utils.store.stable_read import states_of


def compute(session: Session, selection: Selection, threshold_au: float) -> dict[str, pd.DataFrame]:
    """Compute all statistics of stored NEOs, save two of them as tables, and return all.

    Spark computes several of them at the same time. Each earlier table stays readable until its new
    version is complete.

    Returns
    -------
    A frame of each statistic by its name in `sql_text`. The columns of "metrics" and
    "yearly_statistics", which are written, are those of `columns_of`; see `statistic` for the
    others: "population", "first_observations", "since_first_observation", "hazard_exceptions".

    Raises
    ------
    WrongParameter
        For a threshold that is not from 1e-6 to 1,000 AU.
    StoredDataBroken, OutputUnwritable, OutputBusy
        If a batch is corrupted, or a segment or table cannot be written.
    JobFailed
        If the engine cannot compute one of them. Then none is saved.
    StoredDataChanged
        If a batch was fetched again or a segment was built again during the computation.
    """
    check_parameter("threshold_au", threshold_au)
    make_current(selection.output, selection.provenances)
    segments = _states_of_segments(selection)
    names = get_args(Statistic)
    try:
        read_segments(session, selection)
        with one_line_failures():
            tables = engine_of(session).tables_of({n: sql_text(n, threshold_au) for n in names})
    except JobFailed:
        _check_unchanged(selection, segments)  # a query also fails if its segment was replaced
        raise
    _check_unchanged(selection, segments)
    for name in FOLDERS:
        tables[name] = tables[name].cast(SCHEMAS[name])
        # The driver writes these few hundred rows itself: atomically, and with the same bytes on
        # every engine.
        _write(name, tables[name], selection, threshold_au)
    return {name: table.to_pandas() for name, table in tables.items()}


def _write(name: str, table: pa.Table, selection: Selection, threshold_au: float) -> None:
    first, last = selection.fetched
    metadata = {
        "inputs_sha256": inputs_sha256(selection, threshold_au),
        "pages_sha256": selection.pages_sha256,
        "values_sha256": values_sha256(table),
        "package_version": __version__,
        "source": selection.label,
        "fetched_from": f"{first:%Y-%m-%dT%H:%M:%SZ}",
        "fetched_to": f"{last:%Y-%m-%dT%H:%M:%SZ}",
        "threshold_au": str(threshold_au),
        "definition": sql_text("counted") + ";\n" + sql_text(name, threshold_au),
    }
    path = selection.result_files(threshold_au).table(name)
    write_in_order([(path, parquet_bytes(table, metadata))])


def _states_of_segments(selection: Selection) -> list[tuple[int, int, int]]:
    tables = segment_tables(selection.output, selection.provenances)
    return states_of(file for table in tables for file in table.files)


def _check_unchanged(selection: Selection, segments: list[tuple[int, int, int]]) -> None:
    """Raise StoredDataChanged if batches or segments are no longer those that were read."""
    stored = stored_provenances(selection.output, selection.positions, skip_broken=True)
    changed = [batch for batch, p in selection.provenances.items() if stored.get(batch) != p]
    if changed:
        raise StoredDataChanged(
            f"batch {changed[0].name} was fetched again during the computation. Earlier results are"
            " unchanged. Run the same command again"
        )
    if _states_of_segments(selection) != segments:
        raise StoredDataChanged(
            "a segment was built again during the computation. Earlier results are unchanged. Run "
            "the same command again"
        )
