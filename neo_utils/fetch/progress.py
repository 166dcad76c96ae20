"""Progress by page, in JupyterLab and on the runner's terminal."""

import sys
from typing import Never

from tqdm import tqdm


class _CellStream:
    """A stream for tqdm that keeps only the newest line in the cell.

    Papermill forwards a cell's stderr to the terminal. Clearing the cell's output keeps the
    progress bar out of the saved notebook.
    """

    def write(self, text: str) -> None:
        from IPython.display import clear_output

        clear_output(wait=True)
        sys.stderr.write(text)
        if not text.strip():  # the end of the progress bar
            sys.stderr.flush()
            clear_output()

    def flush(self) -> None:
        sys.stderr.flush()


_FETCHING = "fetching"


def page_progress() -> "tqdm[Never]":
    """Return a progress bar over pages, with rate and estimated time left.

    It appears after one second, so a quick fetch leaves no trace in its notebook.
    """
    ipython = sys.modules.get("IPython")  # loaded in every kernel, and optional elsewhere
    in_notebook = bool(ipython and ipython.get_ipython())
    return tqdm(
        unit="page",
        desc=_FETCHING,
        file=_CellStream() if in_notebook else sys.stderr,
        delay=1,
        ncols=80,
        leave=False,
        disable=False if in_notebook else None,
    )


def show_wait(progress: "tqdm[Never]", text: str) -> None:
    """Show why the run waits; an empty text restores the progress bar.

    The text comes first, because the end of a long line is cut off.
    """
    progress.set_description_str(text or _FETCHING, refresh=bool(text))
    if not text:
        progress.clear()  # at its end, tqdm clears only what it drew itself
