"""Page-level progress, seen both in JupyterLab and on the terminal of the runner."""

import sys
from typing import Never

from tqdm import tqdm


class _CellStream:
    """A stream for tqdm that keeps only the newest line in the cell.

    Papermill passes what a cell writes to stderr on to the terminal at once; clearing the output
    takes the bar out of the notebook again, so that nothing of it is kept.
    """

    def write(self, text: str) -> None:
        from IPython.display import clear_output

        clear_output(wait=True)
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_FETCHING = "fetching"


def _is_in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # loaded in every kernel, and optional elsewhere
    return bool(ipython and ipython.get_ipython())


def page_progress() -> "tqdm[Never]":
    """Return a progress bar over pages, with rate and estimated time left.

    It appears once a fetch has taken a second: a quick one leaves no trace in its notebook.
    """
    in_notebook = _is_in_notebook()
    return tqdm(
        unit="page",
        desc=_FETCHING,
        file=_CellStream() if in_notebook else sys.stderr,
        delay=1,
        ncols=80,
        leave=False,
        disable=False if in_notebook else None,
    )


def tell(progress: "tqdm[Never]", text: str) -> None:
    """Show what the run waits for, or, for an empty text, that it goes on.

    It stands at the line's beginning: the end of a long line is cut off.
    """
    progress.set_description_str(text or _FETCHING, refresh=bool(text))
    if not text:
        progress.clear()  # the bar itself would, at its end, only where it was drawn by itself
