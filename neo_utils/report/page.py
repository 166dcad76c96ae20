"""Write an executed notebook as one HTML file that needs nothing else, not even a network."""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter

from neo_utils import __version__
from neo_utils.report.clean import clean
from neo_utils.report.policy import BEGINNING, STYLE
from neo_utils.store.atomic import write_in_order
from neo_utils.store.selection import Selection

# What leads to another file, such as a notebook beside this one, leads nowhere in a mail.
_LINK_TO_A_FILE = re.compile(r"\[([^]]+)\]\((?!https?://|#)[^)]*\)")


def write_report(notebook: Path, path: Path, selection: Selection) -> None:
    """Write the executed notebook as a page to read: code folded, figures and style within.

    Parameters
    ----------
    notebook
        An executed notebook. The metadata of its cells say what becomes of them here: what cells
        with ``report_fold`` show is folded, under that title; text and code with ``report_skip``
        are for whoever runs the notebook, and left out.
    path
        The HTML file.
    """
    content = nbformat.read(notebook, as_version=4)
    content.cells = [cell for cell in content.cells if not _is_for_the_runner(cell)]
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = _LINK_TO_A_FILE.sub(r"\1", cell.source)
    page, _ = _exporter().from_notebook_node(content, {"report": _head(content, selection)})
    # nbconvert reorders attributes: the beginning is put in its place as it is.
    _, _, rest = page.partition("<head>")
    write_in_order([(path, (BEGINNING + rest).encode())])


def _is_for_the_runner(cell: nbformat.NotebookNode) -> bool:
    # The parameters of the run, which papermill puts into a cell, stand under "made again by".
    injected = "injected-parameters" in cell.metadata.get("tags", [])
    return injected or bool(cell.metadata.get("report_skip"))


class _Exporter(HTMLExporter):
    """The exporter, with the templates of this installation: not those of the user's Jupyter."""

    def get_prefix_root_dirs(self) -> list[str]:
        return [f"{sys.prefix}/share/jupyter"]


def _exporter() -> HTMLExporter:
    exporter = _Exporter(  # type: ignore[no-untyped-call]
        template_name="template",
        extra_template_basedirs=[str(Path(__file__).parent)],
        exclude_anchor_links=True,  # a sign behind each heading, which readers aloud would read
        filters={"clean": clean},
    )
    exporter.environment.autoescape = True  # but for what the template marks as clean or safe
    return exporter


def _head(content: nbformat.NotebookNode, selection: Selection) -> dict[str, Any]:
    """Return what stands above the notebook's own text."""
    title = content.cells[0].source.partition("\n")[0].lstrip("# ")
    return {
        "title": f"{title}: {selection.neos_line}",
        "source": f"{selection.neos_line}. {selection.source_line}.",
        "version": __version__,
        "style": STYLE,
    }
