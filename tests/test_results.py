"""Saved tables of statistics match their recorded inputs, and changed tables are rejected."""

from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import StoredDataBroken, StoredDataChanged
from neo_utils.interface import select
from neo_utils.run.upkeep import verify_text
from neo_utils.settings.run_settings import parse_settings
from neo_utils.statistics.definitions import Statistic, sql_text
from neo_utils.statistics.results import are_current, read_result
from neo_utils.statistics.saving import compute

END = 40


@pytest.fixture
def selection(output):
    return select(1, END, "sample", str(output))


def save_both(selection):
    """Save both tables."""
    compute(DuckDBSession(), selection, 0.2)


def verify(selection):
    settings = {"start": 1, "end": END, "output_dir": str(selection.output)}
    return verify_text(parse_settings(settings))


def test_saved_results_are_identified_by_their_inputs(selection):
    assert not are_current(selection, 0.2)
    save_both(selection)
    assert are_current(selection, 0.2)
    assert not are_current(selection, 0.1)
    assert "2 batches" in verify(selection)


@pytest.mark.parametrize("changed", ["counted", *get_args(Statistic)])
def test_results_of_another_definition_are_outdated(selection, changed, monkeypatch):
    save_both(selection)
    assert are_current(selection, 0.2)

    def changed_text(name, threshold_au):
        return sql_text(name, threshold_au) + " -- changed" * (name == changed)

    monkeypatch.setattr("neo_utils.statistics.results.sql_text", changed_text)
    assert not are_current(selection, 0.2)


def test_edited_table_is_rejected(selection):
    save_both(selection)
    path = selection.result_files(0.2).table("metrics")
    table = pq.read_table(path, partitioning=None)
    edited = pa.array([999_999, *table["value"].to_pylist()[1:]])
    pq.write_table(table.set_column(1, table.schema.field(1), edited), path)
    assert pq.read_schema(path).metadata == table.schema.metadata
    with pytest.raises(StoredDataBroken, match="Run `make aggregate START=1 END=40 .*` to compute"):
        read_result("metrics", selection.result_files(0.2))
    with pytest.raises(StoredDataBroken, match="aggregations"):
        verify(selection)
    assert not are_current(selection, 0.2)


@pytest.mark.parametrize("keep", [0, 50, -50])
def test_truncated_table_is_rejected(selection, keep):
    save_both(selection)
    path = selection.result_files(0.2).table("yearly_statistics")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoredDataBroken, match="is corrupted"):
        read_result("yearly_statistics", selection.result_files(0.2))
    assert not are_current(selection, 0.2)


def test_does_not_save_results_of_replaced_pages(selection):
    save_both(selection)
    other = selection.provenances | {
        batch: p._replace(page_sha256="0" * 64)
        for batch, p in list(selection.provenances.items())[1:]
    }
    with pytest.raises(StoredDataChanged, match="batch 21-40 was fetched again"):
        save_both(selection._replace(provenances=other))
    assert are_current(selection, 0.2)
