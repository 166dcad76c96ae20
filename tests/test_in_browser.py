"""The report and JupyterLab, as `make lab` opens it, in a headless Chromium.

The screenshots are in build/screenshots.
"""

import json
import os
import platform
import re
import signal
import subprocess
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from matplotlib.image import imread
from nbformat.reader import NotJSONError
from playwright.sync_api import Page, expect

from neo_utils.report.page import write_report
from neo_utils.run.runner import run
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store.selection import select_stored
from tests.browser import CHROMIUM, opened_browser
from tests.clones import clone_into
from tests.cluster import free_ports
from tests.objects import serve_changed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
SCREENSHOTS = PROJECT / "build" / "screenshots"
PLOTS = ".jp-OutputArea svg:has(g[aria-label])"
TOKEN = "a-token-of-the-test"  # noqa: S105 - no secret


@pytest.fixture(scope="module")
def browser():
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with opened_browser() as opened:
        yield opened


# ---- the report


def run_pipeline(output, **settings):
    """Run the pipeline for two batches; return the report."""
    settings |= {"end": 40, "output_dir": str(output), "master": "duckdb"}
    run("run", ["fetch", "aggregate"], parse_settings(settings))
    return output / "runs/batches-1-40/report.html"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return run_pipeline(tmp_path_factory.mktemp("output"), source="sample")


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture(params=[390, 1280], ids=["narrow", "wide"])
def width(request):
    return request.param


def watched(page):
    """Record what a page requests, logs and opens."""
    page.requested, page.logged, page.opened = [], [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("console", lambda message: page.logged.append(message.text))
    page.on("pageerror", lambda error: page.logged.append(str(error)))
    page.on("dialog", lambda dialog: (page.opened.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda popup: page.opened.append(popup.url))
    return page


def external_requests(page):
    return [url for url in page.requested if not url.startswith("data:")]


@pytest.fixture
def report_page(browser, report, scheme, width):
    """Return the report, opened from disk without a network."""
    context = browser.new_context(
        offline=True, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    page = watched(context.new_page())
    page.goto(report.as_uri())
    yield page
    context.close()


def brightness(page, element):
    colour = page.locator(element).evaluate("node => getComputedStyle(node).backgroundColor")
    return sum(int(part) for part in colour[4:-1].split(",")) / 3


def test_report_opens_offline_and_fits_the_screen(report_page, report, scheme, width):
    page = report_page
    page.screenshot(path=SCREENSHOTS / f"report-{scheme}-{width}.png", full_page=True)
    assert external_requests(page) == [report.as_uri()]
    assert page.logged == []
    assert (brightness(page, "body") < 128) == (scheme == "dark")
    # Wide tables scroll within themselves.
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("img").count() == 5
    # In the colours of the theme: Matplotlib writes titles in a grey for any background.
    title = page.locator("img").first.screenshot(path=SCREENSHOTS / f"figure-{scheme}-{width}.png")
    shades = imread(BytesIO(title))[:40, :200, :3].mean(axis=2)
    assert shades.min() < 0.25
    assert shades.max() > 0.75
    assert (shades.mean() < 0.5) == (scheme == "dark")
    for image in page.locator("img").all():
        assert image.evaluate("node => node.complete && node.naturalWidth") > 600
        assert image.bounding_box()["width"] >= 640
        assert len(image.get_attribute("alt")) > 100
    metrics = page.locator("table", has_text="total_neos_under").last.locator("td:last-child")
    assert metrics.count() == 7
    for value in metrics.all():
        box = value.bounding_box()
        assert box["x"] + box["width"] <= width


def test_report_is_small_and_accessible(report_page, report):
    assert report.stat().st_size < 1_500_000
    report_page.evaluate("document.querySelectorAll('details').forEach(node => node.open = true)")
    found = Axe().run(report_page).response["violations"]
    assert [(rule["id"], rule["impact"], rule["nodes"][0]["html"]) for rule in found] == []


def test_report_prints_definitions_without_code_or_long_tables(report_page):
    page = report_page
    page.emulate_media(media="print")
    for code in page.locator("details.code").all():
        expect(code).not_to_be_visible()
    expect(page.get_by_text("count_if(miss_distance_au < 0.2)").first).to_be_visible()
    expect(page.get_by_text("mean velocity relative to the body").first).to_be_visible()
    assert brightness(page, "body") == 255
    page.set_viewport_size({"width": 680, "height": 1000})  # A4 within its margins
    for table in page.locator("table").all():
        if table.locator("tr").count() > 50:
            expect(table).not_to_be_visible()
    shown = page.locator("table:visible").all()
    assert max(table.locator("th").count() for table in shown) >= 7
    for table in shown:
        box = table.bounding_box()
        assert box["x"] + box["width"] <= 680
    printed = page.pdf(format="A4")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 8
    figure = page.locator("img").first.bounding_box()
    assert figure["y"] + figure["height"] < 1000  # on the first page


# ---- hostile data

MARK = "document.title='ran'"
HOSTILE = [
    f'https://ssd.jpl.nasa.gov/"autofocus/onfocus="{MARK}"onmouseover="{MARK}"tabindex="1',
    f"https://ssd.jpl.nasa.gov/'onfocus='{MARK}'onmouseover='{MARK}'",
    f"<img src=x onerror={MARK}><script>{MARK}</script><svg onload={MARK}>",
    f"javascript:{MARK}",
    f"data:text/html,<script>parent.{MARK}</script>",
    f'"><script>{MARK}</script><b a="',
    "\x1b[2J\x01 control characters",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Run the pipeline on a service whose every text is hostile; return the output folder."""
    output = tmp_path_factory.mktemp("hostile")

    def change(neos):
        for place, neo in enumerate(neos):
            text = HOSTILE[place % len(HOSTILE)]
            neo |= dict.fromkeys(("name", "name_limited", "designation", "nasa_jpl_url"), text)
            neo["id"] = neo["neo_reference_id"] = f"{text}{neo['id']}"
            for approach in neo["close_approach_data"][::2]:
                approach["orbiting_body"] = text

    with serve_changed(change) as url:
        run_pipeline(output, source="nasa", api_url=url)
    return output


def touch_everything(page, within="body"):
    """Dispatch the events of a reader's mouse and keyboard to all elements but links."""
    page.evaluate(
        """within => {
            const kinds = ['focus', 'focusin', 'mouseover', 'mouseenter', 'pointerover', 'error',
                'load', 'click', 'toggle']
            for (const area of document.querySelectorAll(within))
                for (const node of area.querySelectorAll('*:not(a)'))
                    for (const kind of kinds) node.dispatchEvent(new Event(kind))
        }""",
        within,
    )


def test_hostile_data_runs_no_script_in_the_report(browser, hostile):
    report = hostile / "runs/batches-1-40/report.html"
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = watched(context.new_page())
    page.goto(report.as_uri())
    title = page.title()
    page.evaluate("document.querySelectorAll('details').forEach(node => node.open = true)")
    for _ in range(60):
        page.keyboard.press("Tab")
    for cell in page.locator("td").all()[:400:3]:
        cell.dispatch_event("mouseover")
    page.locator("td", has_text="autofocus").first.hover()
    touch_everything(page)
    page.screenshot(path=SCREENSHOTS / "report-hostile.png", full_page=True)
    assert page.title() == title
    assert page.opened == []
    assert page.logged == []
    assert external_requests(page) == [report.as_uri()]
    hosts = {link.evaluate("node => node.host") for link in page.locator("a").all()}
    assert hosts <= {"cneos.jpl.nasa.gov", "ssd.jpl.nasa.gov", "api.nasa.gov"}
    assert page.locator("td", has_text="autofocus").count()
    assert "JPL" in page.locator("table", has_text="impact risk").inner_text()
    for image in page.locator("img").all():
        assert image.evaluate("node => node.naturalWidth") > 600
    context.close()


def test_a_figure_with_a_script_runs_nothing(browser, report, tmp_path):
    notebook = nbformat.read(report.with_name("aggregate.ipynb"), 4)
    (figure, *_) = [
        output.data
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/svg+xml" in output.get("data", {})
    ]
    hostile = f'<script>{MARK}; fetch("https://example.invalid/")</script>'
    load = '<image href="https://example.invalid/x.png"/></svg>'
    figure["image/svg+xml"] = re.sub("<svg", f'<svg onload="{MARK}"', figure["image/svg+xml"])
    figure["image/svg+xml"] = figure["image/svg+xml"].replace("</svg>", hostile + load)
    nbformat.write(notebook, tmp_path / "hostile.ipynb")
    hostile_report = tmp_path / "report.html"
    write_report(tmp_path / "hostile.ipynb", hostile_report, select_stored(report.parents[2]))
    context = browser.new_context(offline=True)
    page = watched(context.new_page())
    page.goto(hostile_report.as_uri())
    page.wait_for_load_state("networkidle")
    assert page.locator("img").first.evaluate("node => node.naturalWidth") > 600
    assert page.title().startswith("Close approaches")
    assert external_requests(page) == [hostile_report.as_uri()]
    context.close()


@pytest.mark.parametrize(
    "injected",
    [
        f"<script>{MARK}</script>",
        f"<img src=x onerror={MARK}>",
        f'<a tabindex=1 autofocus onfocus="{MARK}">x</a>',
        f'<iframe srcdoc="<script>parent.{MARK}</script>"></iframe>',
        '<script src="https://example.invalid/x.js"></script>',
        '<img src="https://example.invalid/x.png">',
        '<base href="https://example.invalid/"><link rel=stylesheet href=x.css>',
    ],
)
def test_report_policy_blocks_injected_content(browser, report, tmp_path, injected):
    copy = tmp_path / "report.html"
    copy.write_text(report.read_text(encoding="utf-8").replace("<main>", f"<main>{injected}"))
    context = browser.new_context()
    page = watched(context.new_page())
    sent = []  # the page's own list includes what the policy blocked
    context.route("https://**", lambda route: (sent.append(route.request.url), route.abort()))
    page.goto(copy.as_uri())
    page.keyboard.press("Tab")
    page.wait_for_load_state("networkidle")
    assert page.title().startswith("Close approaches")
    assert any("Content Security Policy" in line for line in page.logged)
    assert sent == []
    context.close()


# ---- JupyterLab


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab in a clone that shares our packages; return its address and folder."""
    clone = clone_into(tmp_path_factory.mktemp("clone"))
    (clone / ".venv").symlink_to(PROJECT / ".venv")
    for lock in clone.glob("*.lock"):  # older than what is installed from them
        os.utime(lock, (0, 0))
    (port,), settings = free_ports(1), tmp_path_factory.mktemp("settings")
    # A user's own root_dir would hide the notebooks.
    (settings / "elsewhere").mkdir()
    elsewhere = {"root_dir": str(settings / "elsewhere")}
    server = {"open_browser": False, "port": int(port), "port_retries": 0, "allow_root": True}
    (settings / "jupyter_server_config.json").write_text(
        json.dumps(
            {
                "ServerApp": server | elsewhere,
                "FileContentsManager": elsewhere,
                "AsyncLargeFileManager": elsewhere,
                "IdentityProvider": {"token": TOKEN},
            }
        )
    )
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(settings),
        "PYTHONPATH": str(clone),
        "OUTPUT_DIR": str(clone / "output"),
    }
    with (settings / "log").open("wb") as log:
        started = subprocess.Popen(
            # The command of `make lab` without -I, which would import PROJECT instead of the clone.
            [".venv/bin/python", "-m", "neo_utils", "lab"],
            cwd=clone,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        await_answer(f"{address}/api?token={TOKEN}", settings / "log")
        yield address, clone
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def await_answer(url: str, log: Path) -> None:
    for _ in range(120):
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.5)
    pytest.fail(log.read_text())


def test_lab_starts_with_a_page_that_leads_to_the_notebooks(browser, lab):
    address, _ = lab
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{address}/?token={TOKEN}")
    expect(page.get_by_role("heading", name="Start here")).to_be_visible(timeout=60_000)
    for name in ("fetch", "aggregate", "explore"):
        listed = page.locator(".jp-DirListing-item", has_text=f"{name}.ipynb")
        expect(listed).to_be_visible(timeout=60_000)
    page.screenshot(path=SCREENSHOTS / "lab-start.png")
    page.get_by_role("link", name="Explore the close approaches").click()
    await_kernel(page)
    page.wait_for_load_state("networkidle")
    # JupyterLab would ask about news, and count the question in its status bar.
    expect(page.locator(".jp-Notification-Status")).to_have_text("0")
    page.close()


def is_save(response, url: str) -> bool:
    return response.request.method == "PUT" and response.url.startswith(url)


@pytest.mark.parametrize(
    ("name", "version"),
    [(name, platform.python_version()) for name in ("fetch", "aggregate", "explore")]
    + [("aggregate", "3.99.0")],  # the user has another Python
)
def test_opening_and_saving_a_notebook_leaves_it_unchanged(browser, lab, name, version):
    address, clone = lab
    path = clone / f"notebooks/{name}.ipynb"
    stored = nbformat.read(path, as_version=4).metadata.language_info.version
    text = path.read_text(encoding="utf-8")
    text = text.replace(f'"version": "{stored}"', f'"version": "{version}"')
    path.write_text(text, encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    # In a workspace of its own: JupyterLab would open the notebooks of the last one again.
    workspace = f"{name}-{version.replace('.', '-')}"
    page.goto(f"{address}/lab/workspaces/{workspace}/tree/notebooks/{name}.ipynb?token={TOKEN}")
    await_kernel(page)
    if version == platform.python_version():
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    page.locator(".jp-NotebookPanel .jp-Cell").first.click()
    contents = f"{address}/api/contents/notebooks/{name}.ipynb"
    with page.expect_response(lambda response: is_save(response, contents)) as saving:
        page.keyboard.press("Control+s")
    assert saving.value.ok
    assert path.read_text(encoding="utf-8") == text
    page.close()


@pytest.fixture(scope="module")
def notebook(browser, lab):
    """Run explore.ipynb without its stored outputs in JupyterLab, and save it."""
    address, clone = lab
    write_without_outputs(saved(clone, "explore"), clone / "notebooks/explore.ipynb")
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    run_all_cells(page, f"{address}/lab/tree/notebooks/explore.ipynb?token={TOKEN}")
    await_end_of_run(page, clone, "explore")
    yield page, clone
    page.close()


def write_without_outputs(notebook: nbformat.NotebookNode, path: Path) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


def await_kernel(page: Page) -> None:
    expect(page.locator(".jp-NotebookPanel .jp-Cell").first).to_be_visible(timeout=60_000)
    # Until the kernel has started, JupyterLab asks which one to use.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)


def run_all_cells(page: Page, url: str) -> None:
    page.goto(url)
    await_kernel(page)
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()


def saved(clone: Path, name: str) -> nbformat.NotebookNode:
    for _ in range(100):
        with suppress(NotJSONError):  # JupyterLab may be writing it
            return nbformat.read(clone / f"notebooks/{name}.ipynb", as_version=4)
        time.sleep(0.1)
    pytest.fail("the saved notebook is not readable")


def code_cells(clone: Path, name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in saved(clone, name).cells if cell.cell_type == "code"]


def await_end_of_run(page: Page, clone: Path, name: str, count: int | None = None) -> None:
    """Wait until the last cell, or any cell with this execution count, has been executed."""
    for _ in range(120):
        page.wait_for_timeout(1_000)
        page.keyboard.press("Control+s")
        counts = [cell.execution_count for cell in code_cells(clone, name)]
        if counts[-1] if count is None else count in counts:
            return
    pytest.fail("the notebook did not finish within two minutes")


def assert_no_errors(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return the outputs of the cells, none of which is an error or a message on stderr."""
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [one for one in outputs if one.output_type == "error" or one.get("name") == "stderr"]
    return outputs


def test_notebook_runs_without_an_error(notebook):
    _, clone = notebook
    code = code_cells(clone, "explore")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = assert_no_errors(code)
    pictures = [one for one in outputs if "image/svg+xml" in one.get("data", {})]
    assert len(pictures) == 2
    assert all(len(one.metadata["image/svg+xml"]["alt"]) > 100 for one in pictures)


def test_a_selection_in_one_view_filters_all_others_and_continues_in_python(notebook):
    page, _ = notebook
    scrolled_to(page, PLOTS)
    years, distances, *_, by_date, _orbits = page.locator(PLOTS).all()
    page.screenshot(path=SCREENSHOTS / "explore-before.png")
    before, dots = distances.inner_html(), by_date.locator("circle")
    number = dots.count()
    drag(page, years, 0.45, 0.6)
    expect(distances).not_to_have_js_property("innerHTML", before)
    expect(dots).not_to_have_count(number)
    page.screenshot(path=SCREENSHOTS / "explore-brushed.png")
    dots.first.hover(force=True)
    expect(by_date.locator("[aria-label=tip]")).to_contain_text(re.compile(r"LD, [\d,]+ km"))
    page.screenshot(path=SCREENSHOTS / "explore-hovered.png")
    names = by_date.locator("[aria-label=text] text")
    expect(names.nth(30)).to_be_attached()  # once the end of the drag is drawn
    expect(names.first).to_be_hidden()
    drag(page, distances, 0.2, 0.45)
    expect(names.first).to_be_visible()
    expect(names.nth(30)).not_to_be_attached()
    page.screenshot(path=SCREENSHOTS / "explore-named.png")
    selecting = ".jp-CodeCell:has-text('views.selected(where)')"
    cell = scrolled_to(page, selecting)
    everything = cell.locator(".jp-OutputArea-output").inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    printed = page.locator(f"{selecting} .jp-OutputArea-output")
    expect(printed).not_to_have_text(everything)
    expect(printed).to_have_text(
        re.compile(r"^[1-9]\d* passages by [1-9]\d* NEOs: .*Earth.*year.*BETWEEN", re.DOTALL)
    )
    scrolled_to(page, PLOTS)
    bodies = page.locator("table:has(th:has-text('orbit class')) tbody td:nth-child(3)")
    others = bodies.filter(has_not_text="Earth")
    expect(others.first).to_be_attached()
    page.locator(".jp-OutputArea select").first.select_option("Earth")
    expect(others).to_have_count(0)
    expect(bodies.first).to_have_text("Earth")


def test_distances_switch_their_unit(notebook):
    # This also clears the selection.
    page, _ = notebook
    scrolled_to(page, PLOTS)
    for unit in ("km", "AU", "LD"):
        page.locator(".jp-OutputArea .widget-toggle-button", has_text=unit).click()
        label = page.locator(PLOTS).nth(1).get_by_text(f"miss distance ({unit})")
        expect(label).to_be_visible()
        expect(page.locator(".mosaic-widget th", has_text=re.compile(f"^{unit}$"))).to_be_visible()
        expect(page.locator(".mosaic-widget tbody tr").nth(20)).to_be_attached()


def test_the_table_is_sorted_by_a_click_on_its_head(notebook):
    page, _ = notebook
    scrolled_to(page, PLOTS)
    for direction in (1, -1):  # Mosaic sorts by rising values first, then by falling ones
        page.locator(".mosaic-widget th", has_text="velocity").click()
        page.wait_for_function(
            """direction => {
                const cells = [...document.querySelectorAll('.mosaic-widget tbody td:nth-child(5)')]
                const values = cells.map(cell => direction * Number(cell.innerText)).slice(0, 20)
                const steps = values.slice(1).map((value, place) => value - values[place])
                return values.length > 5 && steps.every(step => step >= 0) && Math.max(...steps) > 0
            }""",
            arg=direction,
        )


def contrast(page, selector):
    """Return the contrast ratio of an element's text and background, from 1 to 21 (WCAG)."""
    colours = page.locator(selector).first.evaluate(
        """node => {
            const text = getComputedStyle(node)[node instanceof SVGElement ? 'fill' : 'color']
            const solid = colour => !/^rgba\\(.*, 0\\)$/.test(colour)
            let back = node
            while (!solid(getComputedStyle(back).backgroundColor)) back = back.parentElement
            return [text, getComputedStyle(back).backgroundColor]
        }"""
    )
    levels = sorted(map(luminance, colours))
    return (levels[1] + 0.05) / (levels[0] + 0.05)


def luminance(colour):
    shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_views_and_figures_are_readable_in_both_themes(notebook):
    page, _ = notebook
    for theme in ("Dark", "Light"):
        page.locator(".lm-MenuBar-itemLabel", has_text="Settings").first.click()
        page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
        page.locator(".lm-Menu-itemLabel").get_by_text(f"JupyterLab {theme}", exact=True).click()
        is_light = str(theme == "Light").lower()
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", is_light)
        scrolled_to(page, PLOTS)
        for selector in ("th", "td", "svg [aria-label*='tick label'] text", "label"):
            assert contrast(page, f".mosaic-widget {selector}") > 4.5, (theme, selector)
        page.screenshot(path=SCREENSHOTS / f"explore-{theme.lower()}.png")
        figure = scrolled_to(page, ".jp-RenderedSVG img")
        figure.screenshot(path=SCREENSHOTS / f"explore-figure-{theme.lower()}.png")


def test_views_fit_every_window(notebook):
    page, _ = notebook
    for width in (800, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 1000})
        scrolled_to(page, PLOTS)
        panel = page.locator(".jp-NotebookPanel").bounding_box()
        for plot in page.locator(PLOTS).all():
            box = plot.bounding_box()
            assert box["width"] >= 280
            assert box["x"] + box["width"] <= panel["x"] + panel["width"]
        page.screenshot(path=SCREENSHOTS / f"explore-{width}.png")


def drag(page, plot, start, end):
    """Drag over a part of a plot, given as fractions of its width."""
    box = plot.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + start * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], middle, steps=8)
    page.mouse.up()


def scrolled_to(page: Page, selector: str):
    """Scroll until an element matches, because JupyterLab renders only visible cells."""
    notebook = page.locator(".jp-Notebook .jp-WindowedPanel-outer").first
    for place in range(24):
        notebook.evaluate("(node, part) => node.scrollTo(0, node.scrollHeight * part)", place / 24)
        page.wait_for_timeout(300)
        if page.locator(selector).count():
            page.locator(selector).first.scroll_into_view_if_needed()
            return page.locator(selector).first
    pytest.fail(f"not found in the notebook: {selector}")


HOSTILE_NOTEBOOK = """
import pandas as pd
from IPython.display import display
import neo_utils as neo
from neo_utils.explore import explorer, open_catalogue, stored_or_sample
selection = stored_or_sample({output!r})
catalogue = open_catalogue(selection)
display(neo.upcoming(selection, days=36_000, within=2, body="any", first_day="2026-03-01"))
display(explorer(catalogue))
"""


def test_hostile_data_runs_no_script_in_jupyterlab(browser, lab, hostile):
    address, clone = lab
    source = HOSTILE_NOTEBOOK.format(output=str(hostile))
    cell = nbformat.v4.new_code_cell(source)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=saved(clone, "explore").metadata)
    nbformat.write(notebook, clone / "notebooks/hostile.ipynb")
    page = watched(browser.new_page(viewport={"width": 1280, "height": 1000}))
    address += "/lab/workspaces/hostile/tree/notebooks/hostile.ipynb"
    run_all_cells(page, f"{address}?token={TOKEN}")
    expect(page.locator(".jp-OutputArea svg circle").first).to_be_visible(timeout=60_000)
    cells = page.locator(".jp-RenderedHTMLCommon td")
    expect(cells.first).to_be_visible()
    for shown in cells.all()[:60]:
        shown.hover()
    touch_everything(page, ".jp-RenderedHTMLCommon, .jupyter-widgets")
    page.locator(".jp-OutputArea svg circle").first.hover(force=True)
    page.screenshot(path=SCREENSHOTS / "lab-hostile.png")
    assert "ran" not in page.title()
    assert page.opened == []
    names = page.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea *')].flatMap(
            node => node.getAttributeNames().filter(name => name.startsWith('on')))"""
    )
    assert names == []
    assert page.locator(".jp-OutputArea :is(script, iframe)").count() == 0
    assert page.locator(".jp-RenderedHTMLCommon td a").count() == 0
    links = page.locator(".mosaic-widget td a").all()
    assert links
    for link in links:
        assert link.evaluate("node => node.origin") == "https://ssd.jpl.nasa.gov"
        assert link.inner_text() == "JPL"
    page.close()


# Changed parameters, and a cell that uses them.
CHANGES = {
    "fetch": ({'end: str = "40"': 'end: str = "60"'}, "plan = neo.plan_fetch"),
    "aggregate": ({"threshold_au: float = 0.2": "threshold_au: float = 0.05"}, "neo.compute("),
    "explore": ({"AU < 0.2": "AU < 0.05"}, "views.selected(where)"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_cell_runs_again_with_another_parameter_after_run_all(browser, lab, name):
    _, clone = lab
    page, opened = opened_copy(browser, lab, name, f"{name}-again")
    before = code_cells(clone, opened)
    assert_no_errors(before)
    changes, using = CHANGES[name]
    change_parameters(page, clone, opened, changes)
    run_cell(page, using)
    await_end_of_run(page, clone, opened, len(before) + 2)
    after = code_cells(clone, opened)
    assert_no_errors(after)
    (place,) = (place for place, cell in enumerate(after) if using in cell.source)
    assert after[place].execution_count == len(before) + 2
    if before[place].outputs:
        assert after[place].outputs != before[place].outputs
    page.screenshot(path=SCREENSHOTS / f"lab-{opened}.png")
    page.close()
    # Exploring computes no results of a run.
    assert not list(clone.glob("build/explored-sample/runs/batches-*"))


@pytest.mark.parametrize("name", ["aggregate", "explore"])
def test_notebooks_show_what_a_run_stored(browser, lab, name):
    _, clone = lab
    run_pipeline(clone / "output", source="sample")
    changes = {'source: str = "sample"': 'source: str = "auto"', "build/sample": "output"}
    page, opened = opened_copy(
        browser, lab, name, f"{name}-stored", changes if name == "aggregate" else {}
    )
    outputs = assert_no_errors(code_cells(clone, opened))
    assert "NEOs at positions 1 to 40, in 2 batches" in str(outputs)
    page.close()


def opened_copy(
    browser, lab, name: str, copy: str, changes: dict[str, str] | None = None
) -> tuple[Page, str]:
    """Run all cells of a copy of a notebook with other parameters; return its page and name."""
    address, clone = lab
    notebook = saved(clone, name)
    parameters = parameters_of(notebook)
    parameters.source = changed(parameters.source, changes or {})
    write_without_outputs(notebook, clone / f"notebooks/{copy}.ipynb")
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    address += f"/lab/workspaces/{copy}/tree/notebooks/{copy}.ipynb"
    run_all_cells(page, f"{address}?token={TOKEN}")
    await_end_of_run(page, clone, copy)
    return page, copy


def change_parameters(page: Page, clone: Path, name: str, changes: dict[str, str]) -> None:
    """Type other parameters into their cell and run it."""
    source = changed(parameters_of(saved(clone, name)).source, changes)
    scrolled_to(page, ".jp-CodeCell:has-text('output_dir: str')").locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Shift+Enter")


def parameters_of(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    (cell,) = (one for one in notebook.cells if "parameters" in one.metadata.get("tags", []))
    return cell


def changed(source: str, changes: dict[str, str]) -> str:
    for before, after in changes.items():
        assert before in source
        source = source.replace(before, after)
    return source


def run_cell(page: Page, text: str) -> None:
    scrolled_to(page, f".jp-CodeCell:has-text('{text}')").locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
