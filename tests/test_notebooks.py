import ast
import re

import nbformat
import pytest
from ipykernel.kernelspec import get_kernel_dict

from neo_utils.settings.folders import PROJECT

NOTEBOOKS = sorted(PROJECT.glob("notebooks/*.ipynb"))
pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == kind]


def test_defines_no_function_or_class(path):
    for cell in cells(path, "code"):
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [node for node in ast.walk(ast.parse(cell.source)) if type(node) in definitions]


def test_starts_with_a_title_and_has_one_parameters_cell(path):
    notebook = nbformat.read(path, 4)
    assert notebook.cells[0].source.startswith("# ")
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    for line in tagged[0].source.splitlines():
        assert re.fullmatch(r"\w+: (int|str|float|bool|dict) = .+  # .+", line), line


def test_every_cell_ran_once_in_order_without_failure(path):
    code = cells(path, "code")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    kinds = {output.output_type for cell in code for output in cell.outputs}
    assert kinds <= {"stream", "execute_result"}


def test_names_the_kernel_as_jupyterlab_does(path):
    # Otherwise JupyterLab changes the notebook when it is opened.
    display_name = nbformat.read(path, 4).metadata.kernelspec.display_name
    assert display_name == get_kernel_dict()["display_name"]


def test_stored_outputs_contain_no_path_host_time_or_key(path):
    text = path.read_text(encoding="utf-8")
    outputs = "".join(str(cell.outputs) for cell in cells(path, "code"))
    # Base64 images can contain any short word.
    outputs = re.sub(r"'image/png': '[^']*'", "", outputs)
    for secret in (str(PROJECT), "/home", "/root", "/tmp", "localhost", "api_key"):  # noqa: S108
        assert secret not in outputs
    assert not re.search(r"\b\d+\.\d+ ?s\b|\b\d\d:\d\d:\d\d\.\d", outputs)
    assert "stderr" not in outputs
    assert '"iopub.execute_input"' not in text
