"""Open JupyterLab on the project's notebooks."""

import os
import sys
from typing import NoReturn

from neo_utils.settings.folders import PROJECT

# A folder in the user's Jupyter settings would hide the notebooks. The most specific class wins, so
# each one is set.
_CLASSES = (
    *("ServerApp", "FileContentsManager", "AsyncFileContentsManager"),
    *("LargeFileManager", "AsyncLargeFileManager"),
)


def open_lab() -> NoReturn:
    """Replace this process by JupyterLab, with the project as its folder."""
    os.environ.pop("JUPYTER_PATH", None)  # it may name other kernels
    folders = [
        f"--{cls}.{name}={PROJECT}" for cls in _CLASSES for name in ("root_dir", "preferred_dir")
    ]
    urls = ["--ServerApp.base_url=/", "--LabApp.default_url=/lab/tree/notebooks"]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *folders, *urls])  # noqa: S606
