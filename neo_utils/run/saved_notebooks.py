"""What JupyterLab saves of a notebook; ``jupyter/jupyter_server_config.json`` names this hook."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any


def keep_python_version(
    model: dict[str, Any],
    path: str,
    contents_manager: Any,  # noqa: ANN401 - the server's
    **_: object,
) -> None:
    """Keep the version of Python that a saved notebook names.

    JupyterLab writes the kernel's, so opening a notebook with another Python would change it in
    git.
    """
    if model["type"] == "notebook":
        with suppress(OSError, ValueError, LookupError, TypeError):  # new, or without a version
            saved = json.loads(Path(contents_manager.root_dir, path).read_bytes())
            version = saved["metadata"]["language_info"]["version"]
            model["content"]["metadata"]["language_info"]["version"] = version
