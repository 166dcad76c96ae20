"""Print docs/sample-report.pdf, the report of 200 simulated NEOs: ``python -m docs.sample_report``.

It needs Chromium, as the tests in a browser do.
"""

from neo_utils.run.runner import run
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from tests.browser import opened_browser

# The report names its folder, so this one is the same for everyone.
_SETTINGS = {"source": "sample", "master": "duckdb", "output_dir": "build/sample-report"}


def print_report() -> None:
    """Run the pipeline, and print its report as a browser does."""
    settings = parse_settings(_SETTINGS)
    run("aggregate", ["fetch", "aggregate"], settings)  # always anew
    report = settings.output / "runs/batches-1-200/report.html"
    with opened_browser() as browser:
        page = browser.new_page()
        page.goto(report.as_uri())
        margin = dict.fromkeys(("top", "right", "bottom", "left"), "10mm")
        page.pdf(path=PROJECT / "docs/sample-report.pdf", format="A4", margin=margin)


if __name__ == "__main__":
    print_report()
