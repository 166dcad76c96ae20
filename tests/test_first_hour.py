"""Notebooks opened by hand in a fresh clone: Run All, then cells again with another parameter."""

import nbformat
import pytest
from nbclient import NotebookClient

from neo_utils.errors import StoredDataMissing
from neo_utils.interface import select
from tests.clones import clone_into

pytestmark = pytest.mark.slow
CHANGES = {
    "fetch": ('end: str = "40"', 'end: str = "60"'),
    "aggregate": ("threshold_au: float = 0.2", "threshold_au: float = 0.05"),
    "explore": ('unit: str = "LD"', 'unit: str = "km"'),
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return clone_into(tmp_path_factory.mktemp("clone"))


@pytest.mark.parametrize("name", CHANGES)
def test_cells_run_again_after_run_all(clone, name, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(clone))
    monkeypatch.setenv("OUTPUT_DIR", str(clone / "output"))
    notebook = nbformat.read(clone / f"notebooks/{name}.ipynb", 4)
    folder = {"metadata": {"path": str(clone / "notebooks")}}
    client = NotebookClient(notebook, timeout=300, resources=folder)
    code = [(place, cell) for place, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    (parameters,) = (cell for _, cell in code if "parameters" in cell.metadata.get("tags", []))
    before, after = CHANGES[name]
    with client.setup_kernel():
        for place, cell in code:
            client.execute_cell(cell, place)
        shown = [str(cell.outputs) for _, cell in code]
        assert before in parameters.source
        parameters.source = parameters.source.replace(before, after)
        for place, cell in code:
            client.execute_cell(cell, place)
        assert [str(cell.outputs) for _, cell in code] != shown
    assert not [*clone.glob("output/runs/batches-*"), *clone.glob("build/explored-sample/runs/b*")]


def test_missing_batches_of_the_sample_are_made_if_asked_for(tmp_path):
    output = str(tmp_path)
    for source, is_asked in (("sample", False), ("auto", True), ("nasa", True)):
        with pytest.raises(StoredDataMissing):
            select(1, 40, source, output, or_sample=is_asked)
        assert list(tmp_path.iterdir()) == []
    assert len(select(1, 40, "sample", output, or_sample=True).provenances) == 2
