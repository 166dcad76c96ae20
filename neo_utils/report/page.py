"""Write an executed notebook as one self-contained HTML file."""

import re
from pathlib import Path

import nbformat
from jinja2 import ChainableUndefined, Environment, FileSystemLoader, Template
from mistune import create_markdown

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
    cells = nbformat.read(notebook, as_version=4).cells
    shown = [cell for cell in cells if not _is_for_the_runner(cell)]
    title = shown[0].source.partition("\n")[0].lstrip("# ")
    page = _template().render(
        start=DOCUMENT_START,
        style=STYLE,
        version=__version__,
        title=f"{title}: {selection.neos_line}",
        source=f"{selection.neos_line}. {selection.source_line}.",
        cells=shown,
    )
    write_in_order([(path, page.encode())])


def _is_for_the_runner(cell: nbformat.NotebookNode) -> bool:
    # The parameters that papermill injects appear in the provenance table.
    injected = "injected-parameters" in cell.metadata.get("tags", [])
    return injected or bool(cell.metadata.get("report_skip"))


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # except for what the template marks as clean or safe
        undefined=ChainableUndefined,  # an output without metadata has no alternative text
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clean": clean, "themed": themed, "markdown": _html_of}
    return environment.get_template("report.html.j2")


def _html_of(markdown: str) -> str:
    """Return HTML, which still has to be sanitized."""
    as_html = create_markdown(escape=False, plugins=["strikethrough", "table", "url"])
    return str(as_html(_LINK_TO_A_FILE.sub(r"\1", markdown)))
