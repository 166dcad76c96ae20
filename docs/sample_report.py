"""Print docs/sample-report.pdf, the report of 200 simulated NEOs: ``python -m docs.sample_report``.

It needs Chromium, as the tests in a browser do.
"""

import os
import shutil

from playwright.sync_api import sync_playwright

from neo_utils.run.runner import run
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings

# The report names its folder, so this one is the same for everyone.
_SETTINGS = {"source": "sample", "master": "duckdb", "output_dir": "build/sample-report"}


def print_report() -> None:
    """Run the pipeline, and print its report as a browser does."""
    settings = parse_settings(_SETTINGS)
    run("aggregate", ["fetch", "aggregate"], settings)  # always anew
    report = settings.output / "runs/batches-1-200/report.html"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        page.goto(report.as_uri())
        margin = dict.fromkeys(("top", "right", "bottom", "left"), "10mm")
        page.pdf(path=PROJECT / "docs/sample-report.pdf", format="A4", margin=margin)
        browser.close()


if __name__ == "__main__":
    print_report()
