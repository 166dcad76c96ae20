"""The documentation: what is made from the code is as the code has it, and links lead somewhere."""

import io
import re

import pytest
from matplotlib.image import imread

from docs.figure import counted_sample, png_of
from docs.reference import reference
from neo_utils.settings.folders import PROJECT
from neo_utils.statistics.definitions import totals_defined

PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(PROJECT.glob("docs/*.md"))]


def test_the_reference_is_as_the_code_has_it():
    # `make docs` makes it anew.
    assert (PROJECT / "docs/reference.md").read_text(encoding="utf-8") == reference()


def test_the_reference_names_targets_parameters_columns_and_statuses():
    text = reference()
    for told in ("`make report`", "`START`", "`observations_used`", "| 3 | RateLimitReached |"):
        assert told in text


@pytest.fixture(scope="module")
def counted():
    return counted_sample()


def test_the_figure_is_as_the_code_draws_it(counted):
    # `make docs` makes it anew. The same figure may differ in a pixel where processors round.
    stored = imread(PROJECT / "docs/approaches-per-year.png")
    drawn = imread(io.BytesIO(png_of(counted)))
    assert stored.shape == drawn.shape
    assert (stored != drawn).any(axis=2).mean() < 0.001


def test_the_readmes_table_has_the_totals_that_are_counted_and_what_they_count(counted):
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(total_.+?)` \| ([\d,]+) \| (.+?) \|$", text, re.MULTILINE)
    numbers = {name: int(number.replace(",", "")) for name, number, _ in rows}
    assert numbers == {n: value for n, value in counted.metrics.items() if n.startswith("total_")}
    assert {name: definition for name, _, definition in rows} == totals_defined(0.2)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_are_there(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {
                re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings
            }


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_commands_that_a_page_names_are_there(page):
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = re.findall(r"(?:`|    )make\s+([a-z][a-z-]*)", page.read_text(encoding="utf-8"))
    assert set(named) <= targets
