"""Write an executed notebook as one self-contained HTML file."""

import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter

from neo_utils import __version__
from neo_utils.report.policy import DOCUMENT_START, STYLE
from neo_utils.report.sanitize import clean
from neo_utils.report.theme import themed
from neo_utils.store.atomic import write_in_order
from neo_utils.store.selection import Selection

# A link to another file, such as a notebook in the same folder, does not work in an e-mail.
_LINK_TO_A_FILE = re.compile(r"\[([^]]+)\]\((?!https?://|#)[^)]*\)")


def write_report(notebook: Path, path: Path, selection: Selection) -> None:
    """Write the report of an executed notebook, with folded code and embedded figures and style.

    Parameters
    ----------
    notebook
        An executed notebook. Cell metadata control the report: the output of a cell with
        ``report_fold`` is folded under that title, and cells with ``report_skip`` are left out.
    path
        The HTML file.
    """
    content = nbformat.read(notebook, as_version=4)
    content.cells = [cell for cell in content.cells if not _is_for_the_runner(cell)]
    for cell in content.cells:
        if cell.cell_type == "markdown":
            cell.source = _LINK_TO_A_FILE.sub(r"\1", cell.source)
    page, _ = _exporter().from_notebook_node(content, {"report": _head(content, selection)})
    # nbconvert reorders attributes, so insert the beginning afterwards, unchanged.
    _, _, rest = page.partition("<head>")
    write_in_order([(path, (DOCUMENT_START + rest).encode())])


def _is_for_the_runner(cell: nbformat.NotebookNode) -> bool:
    # The parameters that papermill injects appear in the provenance table.
    injected = "injected-parameters" in cell.metadata.get("tags", [])
    return injected or bool(cell.metadata.get("report_skip"))


class _Exporter(HTMLExporter):
    """An exporter that ignores templates of the user's own Jupyter."""

    def get_prefix_root_dirs(self) -> list[str]:
        return [f"{sys.prefix}/share/jupyter"]


def _exporter() -> HTMLExporter:
    exporter = _Exporter(  # type: ignore[no-untyped-call]
        template_name="template",
        extra_template_basedirs=[str(Path(__file__).parent)],
        exclude_anchor_links=True,  # screen readers would read the sign after each heading
        filters={"clean": clean, "themed": themed},
    )
    exporter.environment.autoescape = True  # except for what the template marks as clean or safe
    return exporter


def _head(content: nbformat.NotebookNode, selection: Selection) -> dict[str, Any]:
    """Return the values of the page's head."""
    title = content.cells[0].source.partition("\n")[0].lstrip("# ")
    return {
        "title": f"{title}: {selection.neos_line}",
        "source": f"{selection.neos_line}. {selection.source_line}.",
        "version": __version__,
        "style": STYLE,
    }
