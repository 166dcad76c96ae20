"""The self-contained HTML report. `test_in_browser` opens it in a browser."""

import re
import shutil
from base64 import b64decode
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest
from nbformat import v4

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import StoredDataBroken, StoredDataMissing
from neo_utils.figures.tables import captioned
from neo_utils.interface import select
from neo_utils.positions import Batch, position_range
from neo_utils.report.page import write_report
from neo_utils.report.policy import DOCUMENT_START
from neo_utils.report.provenance import provenance_table
from neo_utils.report.theme import themed
from neo_utils.run.executed import executed_before
from neo_utils.run.runner import run
from neo_utils.run.terminal import status_text
from neo_utils.run.upkeep import clean_text, verify_text
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from neo_utils.settings.service_address import NASA_URL
from neo_utils.statistics.definitions import totals_defined
from neo_utils.statistics.saving import compute
from neo_utils.store.selection import Selection
from neo_utils.text import printable
from tests.objects import serve_changed
from tests.sample_neos import neos_of
from tests.test_figures import YEARLY, draw_per_year, selection  # noqa: F401 - a fixture

VOID = {"meta", "img", "link", "br", "hr", "input", "wbr"}


class Outline(HTMLParser):
    """Lists the elements of a page in order, each with its attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.open.append((tag, self.elements[-1]))

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, element in self.open:
            element[2] += data

    def all(self, *tags):
        return [(tag, attrs, text) for tag, attrs, text in self.elements if tag in tags]

    def texts(self, *tags):
        return [text for _, _, text in self.all(*tags)]


END = 40


@pytest.fixture(scope="module")
def stored(pristine, tmp_path_factory):
    return shutil.copytree(pristine, tmp_path_factory.mktemp("stored") / "output")


def settings_for(output, **more):
    given = {"end": END, "source": "sample", "output_dir": str(output), "master": "duckdb"}
    return parse_settings(given | more)


@pytest.fixture(scope="module")
def report(stored):
    run("report", ["aggregate"], settings_for(stored))
    return stored / "runs/batches-1-40/report.html"


@pytest.fixture(scope="module")
def page(report):
    return Outline(report.read_text(encoding="utf-8"))


def test_report_is_self_contained(report, page):
    for tag, attributes, _ in page.elements:
        assert tag not in ("script", "link", "iframe", "object", "base")
        assert attributes.get("src", "data:").startswith("data:")
        assert not [name for name in attributes if name.startswith("on")]
        if "href" in attributes:  # only followed when the reader clicks
            assert tag == "a"
            assert re.match("https://|#", attributes["href"])
    assert not re.search(r"url\(|@import", report.read_text(encoding="utf-8"))


def test_each_figure_has_alt_text_and_a_table(page):
    images = [place for place, (tag, *_) in enumerate(page.elements) if tag == "img"]
    assert len(images) == 5
    for place in images:
        alternative = page.elements[place][1]["alt"]
        assert "NEOs at positions 1 to 40" in alternative
        assert re.search(r"\d{4}", alternative)
        following = [text for tag, _, text in page.elements[place:] if tag == "summary"]
        assert following[0] == "Data of this figure"


def test_each_table_has_a_caption_with_definition_and_source(page):
    captions = page.texts("figcaption")
    assert len(captions) == 16
    for caption in captions:
        assert "NEOs at positions 1 to 40" in caption
        assert "simulated sample, not NASA data, as listed on 2026-03-01 00:00 UTC" in caption
        what = caption.partition(" NEOs at positions")[0]
        if "approach" in what.lower():
            assert "threshold" in what or "any listed distance" in what or "closer than" in what
            assert "past and predicted" in what or "from 2026-03-01 to 2036" in what
        assert re.search("approaches|NEOs|nearest approach to Earth", what, re.IGNORECASE)
    assert len(page.all("table")) + len(page.all("dl")) == len(captions)
    assert not [tag for tag, attributes, _ in page.elements if attributes.get("border")]
    assert len(page.all("style")) == 1


def test_report_starts_with_results_and_omits_runner_cells(page, report):
    title = "Close approaches of near-Earth objects"
    assert page.texts("title") == [f"{title}: NEOs at positions 1 to 40"]
    headings = [(tag, text) for tag, _, text in page.all("h1", "h2", "h3", "h4")]
    assert headings == [
        ("h1", title),
        ("h2", "In short"),
        ("h2", "Year by year"),
        ("h3", "Approaches to Earth"),
        ("h3", "The nearest approach of every year"),
        ("h3", "Approaches to other bodies"),
        ("h2", "What comes next?"),
        ("h2", "Which NEOs are these?"),
        ("h3", "By orbit class"),
        ("h3", "By size"),
        ("h3", "How they were found"),
        ("h2", "The numbers and their limits"),
        ("h2", "Consistency of the input"),
        ("h2", "Provenance"),
        ("h2", "Definitions"),
    ]
    text = report.read_text(encoding="utf-8")
    for word in ("make aggregate", "fetch.ipynb", "import ", "spark.log", "output_dir"):
        assert word not in text
    assert "none found" in text
    assert '<pre tabindex="0">[]' not in text


def test_key_numbers_come_first_and_equal_those_of_the_pages(page):
    kinds = [tag for tag, *_ in page.elements if tag in ("dl", "img", "table")]
    assert kinds[:2] == ["dl", "img"]
    near = [
        (float(one["miss_distance"]["astronomical"]), one["close_approach_date"], neo["name"])
        for neo in neos_of([0, 1])
        for one in neo["close_approach_data"]
        if one["orbiting_body"] == "Earth"
    ]
    under = [row for row in near if row[0] < 0.2]
    names = {name for _, _, name in under}
    predicted = sum(date > "2026-03-01" for _, date, _ in under)
    au, date, name = min(near)
    kind = "predicted" if date > "2026-03-01" else "past"
    assert page.texts("dt") == [
        *(f"{len(under):,}", f"{predicted:,}", f"{len(names):,}", f"{au * 389:.3g} LD")
    ]
    assert page.texts("dd")[-1].endswith(f"({au:.3g} AU): {name}, {date}, {kind}")


@pytest.mark.usefixtures("report")
def test_results_saved_after_the_report_are_reported_and_computed_again(stored):
    settings = settings_for(stored)
    assert "results   batches-1-40 (threshold 0.2 AU; with report)\n" in status_text(settings)
    # As a notebook that is run by hand saves them.
    counted = select(1, 40, output_dir=str(stored))
    compute(DuckDBSession(), counted, 0.2)
    shown = status_text(settings)
    assert "batches-1-40 (threshold 0.2 AU; the report is older, `make report` writes" in shown
    run("report", ["aggregate"], settings)
    assert "results   batches-1-40 (threshold 0.2 AU; with report)\n" in status_text(settings)


def test_each_threshold_has_its_own_results_and_report(report, stored, tmp_path):
    output = shutil.copytree(stored, tmp_path / "output")
    settings = settings_for(output)
    first = {path: path.read_bytes() for path in output.rglob("batches-1-40/*")}
    assert output / report.relative_to(stored) in first
    run("report", ["aggregate"], settings_for(output, threshold_au=0.05))
    other = output / "runs/batches-1-40-under-0.05-au/report.html"
    assert "threshold0.05 AU" in Outline(other.read_text(encoding="utf-8")).texts("tr")
    assert {path: path.read_bytes() for path in first} == first
    assert status_text(settings).count(" AU; with report)") == 2
    assert "all intact" in verify_text(settings)
    table = output / "yearly_statistics/batches-1-40-under-0.05-au/part-0.parquet"
    whole = table.read_bytes()
    table.write_bytes(whole[:-9])
    with pytest.raises(
        StoredDataBroken, match=r"0.05-au.* is corrupted. Run .* THRESHOLD_AU=0.05`"
    ):
        verify_text(settings)
    table.write_bytes(whole)
    clean_text(settings)
    assert not list(output.rglob("batches-*"))


def test_totals_are_listed_with_their_definitions(page):
    shown = [text for tag, _, text in page.all("tr") if text.startswith("total_")]
    assert [re.sub(r"[\d,]+(?=NEOs|listed)", "", row) for row in shown] == [
        name + definition for name, definition in totals_defined(0.2).items()
    ]
    assert shown[2] == "total_neos40NEOs, each once"


def test_code_and_definitions_are_folded(page):
    folded = page.all("details")
    assert not [attributes for _, attributes, _ in folded if "open" in attributes]
    text = " ".join(text for _, _, text in folded)
    assert "key_numbers(" in text
    assert "count_if(miss_distance_au < 0.2)" in text


def test_report_shows_source_credit_versions_and_commands(page, stored):
    rows = page.texts("tr")
    same = f"START=1 END=40 SOURCE=sample OUTPUT_DIR={stored}"
    command = f"make report {same} MASTER=duckdb; if batches are missing, first make fetch {same}"
    assert f"reproduce with{command}" in rows
    assert "fetched2026-03-01 00:00 to 2026-03-01 00:00 UTC" in rows
    for item in ("engine.*DuckDB", "versionsneo_utils 0[.]", "credit.*simulated"):
        assert [row for row in rows if re.match(item, row)], item
    links = [attributes["href"] for _, attributes, _ in page.all("a")]
    assert links == ["https://cneos.jpl.nasa.gov/sentry/"]  # the sample's address is not linked


def provenance_of(selection, **parameters):  # noqa: F811
    defaults = {"master": "local[*]", "threshold_au": 0.2, "spark_conf": {}}
    table = provenance_table(selection, DuckDBSession(), **(defaults | parameters))
    return table.set_index("item")["value"]


def test_commands_mention_values_of_the_parameters_file(selection):  # noqa: F811
    selection = selection._replace(output=PROJECT / "output")
    conf = {"spark.ui.enabled": True, "spark.some.password": "not to be shown"}
    rows = provenance_of(selection, threshold_au=0.0001, spark_conf=conf, master="local[2]")
    assert rows["reproduce with"] == (
        "make report START=1 END=20 SOURCE=sample MASTER='local[2]' THRESHOLD_AU=0.0001; if "
        "batches are missing, first make fetch START=1 END=20 SOURCE=sample; with PARAMETERS= "
        "naming a copy of parameters/default.yaml that sets spark_conf: "
        "{spark.ui.enabled: true, spark.some.password: a secret}"
    )
    command = provenance_of(selection, threshold_au=1e-05)["reproduce with"]
    tiny = re.search("THRESHOLD_AU=([^;]+);", command)[1]
    assert parse_settings({"threshold_au": tiny}).threshold_au == 1e-05


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://x.org/browse", "nasa API_URL=https://x.org/browse OUTPUT"),
        ("https://y.org/browse", "nasa OUTPUT (add the API_URL of NeoWs at y.org, if you trust"),
        (NASA_URL, "nasa OUTPUT"),
    ],
)
def test_nasa_is_credited_and_only_a_custom_address_is_given(
    selection,  # noqa: F811
    url,
    address,
    monkeypatch,
):
    monkeypatch.setenv("API_URL", "https://x.org/browse")
    ((batch, sample),) = selection.provenances.items()
    nasa = sample._replace(source="nasa", url=f"{url}?page=0&size=20")
    rows = provenance_of(selection._replace(provenances={batch: nasa}))
    assert rows["credit"].startswith("NASA/JPL-Caltech")
    assert address in rows["reproduce with"].replace(f"OUTPUT_DIR={selection.output}", "OUTPUT")


def test_missing_batches_are_reported_before_creating_folders(tmp_path):
    output = tmp_path / "none yet"
    with pytest.raises(StoredDataMissing, match="SOURCE=sample OUTPUT_DIR='.*none yet'` to fetch"):
        run("report", ["aggregate"], settings_for(output))
    assert not output.exists()


@pytest.mark.parametrize(("bodies", "empty"), [((), 4), (("Venus", "Mars"), 3)])
def test_reports_neos_without_approaches(tmp_path, bodies, empty):
    def keep_bodies(neos):
        for neo in neos:
            listed = neo["close_approach_data"]
            neo["close_approach_data"] = [one for one in listed if one["orbiting_body"] in bodies]

    with serve_changed(keep_bodies) as url:
        settings = settings_for(tmp_path, end=20, source="nasa", api_url=url)
        run("run", ["fetch", "aggregate"], settings)
    page = Outline((tmp_path / "runs/batches-1-20/report.html").read_text(encoding="utf-8"))
    texts = [attributes["alt"] for _, attributes, _ in page.all("img")]
    assert sum(text.startswith("An empty figure") for text in texts) == empty
    assert re.search(r"total_close_approaches_earth0", "".join(t for *_, t in page.all("table")))


def test_edited_notebook_runs_again(report, stored, tmp_path, monkeypatch):
    edited = nbformat.read(PROJECT / "notebooks/aggregate.ipynb", as_version=4)
    assert executed_before("aggregate", report.parent, settings_for(stored).notebook_parameters())
    edited.cells[0].source += "\n\nAn added sentence."
    nbformat.write(edited, tmp_path / "aggregate.ipynb")
    monkeypatch.setattr(
        "neo_utils.run.executed.notebook_path", lambda name: tmp_path / f"{name}.ipynb"
    )
    assert not executed_before(
        "aggregate", report.parent, settings_for(stored).notebook_parameters()
    )


def test_keeps_a_current_report_and_rewrites_any_other(report, stored, capsys):
    content, written = report.read_bytes(), report.stat().st_mtime_ns
    run("report", ["aggregate"], settings_for(stored))
    assert "up to date" in capsys.readouterr().out
    assert report.stat().st_mtime_ns == written
    assert content.startswith(DOCUMENT_START.encode())
    without_policy = content.replace(b"<head>", b"<head><script>alert(1)</script>", 1)
    report.write_bytes(without_policy)
    run("report", ["aggregate"], settings_for(stored))
    assert report.read_bytes() == content
    report.unlink()
    run("run", ["fetch", "aggregate"], settings_for(stored))
    assert report.read_bytes() == content
    output = capsys.readouterr().out
    assert "up to date" in output
    assert f"report      {report}" in output


@pytest.fixture
def report_of(tmp_path, stored):
    """Write the report of a notebook with these cells, and return its text."""

    def written(*cells, **changes):
        notebook, page = tmp_path / "a.ipynb", tmp_path / "a.html"
        nbformat.write(v4.new_notebook(cells=list(cells)), notebook)
        write_report(notebook, page, select(1, 40, "sample", stored)._replace(**changes))
        return page.read_text(encoding="utf-8")

    return written


def test_escapes_text_from_the_data(report_of):
    output = v4.new_output("stream", name="stdout", text="<script>1</script>")
    text = report_of(
        v4.new_markdown_cell("# Title\n\nSee [that](other.ipynb)."),
        v4.new_code_cell("print('<b>')", outputs=[output]),
        v4.new_code_cell("2", metadata={"report_skip": True}),
        v4.new_code_cell("end = 3", metadata={"tags": ["injected-parameters"]}),
    )
    outline = Outline(text)
    assert not outline.all("script", "b", "a")
    assert outline.texts("pre") == ["print('<b>')", "<script>1</script>"]


def test_markdown_is_shown_as_in_jupyterlab(report_of):
    shown = "1<br>2&nbsp;3 <!-- 4 --> ~~5~~ https://api.nasa.gov/ <img src=x onerror=6>"
    output = v4.new_output("display_data", {"text/markdown": "| 7 |\n|---|\n| *8* |"})
    outline = Outline(
        report_of(v4.new_markdown_cell(f"# A\n\n{shown}"), v4.new_code_cell("", outputs=[output]))
    )
    assert outline.texts("p")[1:] == ["12\xa03  5 https://api.nasa.gov/ "]
    assert [attributes["href"] for _, attributes, _ in outline.all("a")] == [
        "https://api.nasa.gov/"
    ]
    assert (len(outline.all("br")), outline.all("img")) == (1, [])
    assert outline.texts("th", "td") == ["7", "8"]


def test_title_is_the_first_line_that_the_report_shows(report_of):
    text = report_of(
        v4.new_code_cell("import os", metadata={"report_skip": True}),
        v4.new_markdown_cell("# Title\n\nText."),
    )
    assert Outline(text).texts("title") == ["Title: NEOs at positions 1 to 40"]


@pytest.mark.parametrize("metadata", [{}, {"image/png": {}}])
def test_picture_without_metadata_has_no_alternative_text(report_of, metadata):
    picture = v4.new_output("display_data", {"image/png": "AAAA"}, metadata=metadata)
    text = report_of(v4.new_markdown_cell("# A"), v4.new_code_cell("", outputs=[picture]))
    assert [attributes for _, attributes, _ in Outline(text).all("img")] == [
        {"alt": "", "src": "data:image/png;base64,AAAA"}
    ]


EVENT = """https://ssd.jpl.nasa.gov/"autofocus/onfocus="document.title='x'"tabindex="1"""
MARKUP = [
    EVENT,
    "https://ssd.jpl.nasa.gov/'onmouseover='document.title=1'",
    "https://ssd.jpl.nasa.gov/><img src=x onerror=document.title=1>",
    "https://ssd.jpl.nasa.gov@x.org/",
    "https://ssd.jpl.nasa.gov.x.org/",
    "https://ssd.jpl.nasa.gov:1/",
    "https://x.org/",
    "http://ssd.jpl.nasa.gov/",
    "javascript:document.title=1",
    "data:text/html,<script>document.title=1</script>",
    "<script>document.title=1</script>",
    "&lt;b&gt; &amp; <b> \u202e \x1b[2J",
]


def assert_no_active_content(outline, links=()):
    assert not outline.all("script", "img", "svg", "iframe", "b", "form", "style")
    kept = {"class", "href", "style", "tabindex"}
    assert not [attrs for _, attrs, _ in outline.elements if attrs.keys() - kept]
    assert {attrs["style"] for _, attrs, _ in outline.elements if "style" in attrs} == {
        "text-align: left;"  # of pandas, for the head
    }
    assert [attrs.get("href") for _, attrs, _ in outline.all("a")] == list(links)


@pytest.mark.parametrize("value", MARKUP)
def test_escapes_table_cells_and_captions(selection, value):  # noqa: F811
    table = pd.DataFrame({value: [value, 1.5], "any": [[value], None]})
    table.index = pd.Index([value, "b"], name=f"by {value}")
    outline = Outline(captioned(table, value, selection._replace(label=value)).html)
    assert_no_active_content(outline)
    shown = outline.texts("th", "td")
    assert shown.count(printable(value)) == 3


def test_categories_are_text_and_numbers_keep_their_digits(selection):  # noqa: F811
    table = pd.DataFrame({"body": pd.Categorical([EVENT, "Earth"]), "au": [0.335523, None]})
    outline = Outline(captioned(table, "Text", selection).html)
    assert_no_active_content(outline)
    assert outline.texts("td") == [EVENT, "0.335523", "Earth", ""]


HOSTILE_OUTPUTS = {
    "text/html": f"<p onclick=1 style='color:red'>1<a href='{EVENT}'>2</a></p>"
    "<script>3</script><svg onload=4><form action=5><img src=x onerror=6><base href=7>"
    "<a href='https://ssd.jpl.nasa.gov/'>8</a><iframe srcdoc='<script>9</script>'></iframe>",
    "image/svg+xml": "<svg onload='document.title=1'/>",
    "application/javascript": "document.title=1",
    "text/markdown": "<script>document.title=1</script>",
    "text/latex": "<script>document.title=1</script>",
    "text/vnd.mermaid": "<script>document.title=1</script>",
    "application/x-other": "<script>document.title=1</script>",
    "text/plain": "<script>document.title=1</script>",
}


@pytest.mark.parametrize("kind", HOSTILE_OUTPUTS)
def test_strips_active_content_from_notebook_outputs(report_of, kind):
    hostile = "<script>document.title=1</script><p onclick=1>"
    outputs = [
        v4.new_output("display_data", {kind: HOSTILE_OUTPUTS[kind]}),
        v4.new_output("execute_result", {kind: HOSTILE_OUTPUTS[kind]}),
        v4.new_output("stream", name="stderr", text=hostile),
        v4.new_output("error", ename=hostile, evalue=hostile, traceback=[hostile]),
    ]
    fold = {"report_fold": f'"></summary>{hostile}'}
    text = report_of(
        v4.new_markdown_cell(f"# Title</title>{hostile}\n\n{hostile}[a]({EVENT})"),
        v4.new_code_cell(hostile, outputs=outputs, metadata=fold),
        v4.new_raw_cell(hostile, metadata={"raw_mimetype": "text/html"}),
        label=hostile,
    )
    head, _, body = text.partition("</head>")
    outline = Outline(body.replace("</html>", ""))
    links = {attributes.get("href") for _, attributes, _ in outline.all("a")}
    assert links <= {None, "https://ssd.jpl.nasa.gov/"}
    assert not outline.all("script", "svg", "iframe", "form", "base", "object", "link")
    # As a picture, SVG runs no script: test_in_browser.
    sources = [attributes["src"] for _, attributes, _ in outline.all("img")]
    assert len(sources) == 2 * (kind == "image/svg+xml")
    assert all(re.fullmatch(r"data:image/svg\+xml;base64,[\w+/=]+", one) for one in sources)
    kept = {"class", "href", "tabindex"}
    elements = [(tag, attrs) for tag, attrs, _ in outline.elements if tag != "img"]
    assert not [attrs for _, attrs in elements if attrs.keys() - kept]
    assert not Outline(f"{head}</head></html>").all("script", "p")


def test_strips_active_picture_attributes(report_of):
    alt = '"onerror="document.title=1"><script>'
    picture = v4.new_output(
        "display_data", {"image/png": alt}, metadata={"image/png": {"alt": alt, "width": alt}}
    )
    outline = Outline(
        report_of(v4.new_markdown_cell("# A"), v4.new_code_cell("", outputs=[picture]))
    )
    assert [attributes for _, attributes, _ in outline.all("img")] == [
        {"alt": alt, "width": alt, "src": f"data:image/png;base64,{alt}"}
    ]
    assert not outline.all("script")


def test_picture_has_the_alt_text_of_its_figure(selection):  # noqa: F811
    figure = draw_per_year(selection)
    data, metadata = figure._repr_mimebundle_()
    assert b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["image/svg+xml"].rstrip().endswith("</svg>")
    for kind in ("image/png", "image/svg+xml"):
        assert metadata[kind]["alt"] == data["text/plain"] == figure.alt_text


def test_text_of_figures_follows_the_theme(selection):  # noqa: F811
    svg = draw_per_year(selection).svg
    themes = b64decode(themed(svg)).decode()
    style = re.search(r"<svg[^>]*><style>(.*?)</style>", themes)[1]
    light, _, dark = style.partition("@media screen and (prefers-color-scheme: dark)")
    for part, colour in ((light, "#1c1e21"), (dark, "#e4e6ea")):
        for name in ("fill", "stroke"):
            assert f"[style*='{name}: #757575']{{{name}:{colour}!important}}" in part
            assert f"{name}: #757575" in svg  # as Matplotlib writes it


def test_caption_gives_definition_range_and_source(selection):  # noqa: F811
    outline = Outline(captioned(YEARLY, "Approaches to <Earth>", selection).html)
    ((_, _, caption),) = outline.all("figcaption")
    assert caption == (
        "Approaches to <Earth>. NEOs at positions 1 to 20. "
        "Source: simulated sample, not NASA data, as listed on 2026-03-01 00:00 UTC."
    )
    assert len(outline.all("tr")) == 1 + len(YEARLY)


def test_links_addresses_and_allows_line_breaks(selection):  # noqa: F811
    cell = "see https://api.nasa.gov/a_b?c=1&d=2, or <that>"
    outline = Outline(captioned(pd.DataFrame({"long_name": [cell]}), "Text", selection).html)
    ((_, attributes, text),) = outline.all("a")
    assert attributes["href"] == text == "https://api.nasa.gov/a_b?c=1&d=2"
    assert outline.texts("td") == [cell]
    assert len(outline.all("wbr")) == 2


def test_counts_have_thousands_separators_but_years_do_not(selection):  # noqa: F811
    table = pd.DataFrame({"year": [2026], "approaches": [41_000], "distance": [0.25]})
    outline = Outline(captioned(table, "Counts", selection).html)
    assert outline.texts("td") == ["2026", "41,000", "0.25"]


def test_caption_lists_positions_without_the_gaps(selection):  # noqa: F811
    ((_, provenance),) = selection.provenances.items()
    batches = [Batch(1), Batch(21), Batch(81), Batch(40_981)]
    shorter = provenance._replace(catalogue_size=40_990)
    some = Selection(
        position_range(1, "all"), selection.output, "x", dict.fromkeys(batches, shorter)
    )
    assert some.neos_line == "NEOs at positions 1 to 40, 81 to 100, 40981 to 40990"
