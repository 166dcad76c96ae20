"""Check whether an executed notebook is still up to date."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neo_utils.settings.folders import PROJECT

FAILED = "-failed"  # in the name of a notebook that ended with an error


def notebook_path(name: str) -> Path:
    """Return the path of a notebook: "fetch" or "aggregate"."""
    return PROJECT / "notebooks" / f"{name}.ipynb"


def executed_before(name: str, folder: Path, parameters: Mapping[str, Any]) -> bool:
    """Check whether a folder contains this notebook, executed to its end with these parameters."""
    try:
        notebook = json.loads((folder / f"{name}.ipynb").read_bytes())
        record = notebook["metadata"]["papermill"]
        succeeded = record["end_time"] and not record["exception"]
        same_values = all(parameters[key] == value for key, value in record["parameters"].items())
        complete = all(c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code")
        same_text = has_same_text(name, notebook)
    except (OSError, ValueError, LookupError, TypeError):
        return False  # missing, truncated or edited
    return bool(succeeded and same_values and complete and same_text)


def has_same_text(name: str, notebook: Mapping[str, Any]) -> bool:
    """Check whether an executed notebook has the same cells as this version's notebook."""
    return _text(notebook) == _text(json.loads(notebook_path(name).read_bytes()))


def _text(notebook: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the cells without the one that Papermill adds for the parameters."""
    return [
        (cell["cell_type"], "".join(cell["source"]))
        for cell in notebook["cells"]
        if "injected-parameters" not in cell["metadata"].get("tags", [])
    ]
