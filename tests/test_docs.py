"""Generated documentation matches the code, and links and commands exist."""

import re

import pytest

from docs.figure import counted_sample, svg_of
from docs.reference import reference
from neo_utils.settings.folders import PROJECT
from neo_utils.statistics.definitions import totals_defined

NAMED = ("README.md", "CONTRIBUTING.md", "notebooks/README.md")
PAGES = [*(PROJECT / name for name in NAMED), *sorted(PROJECT.glob("docs/*.md"))]


def test_reference_matches_the_code():
    # `make docs` regenerates it.
    text = reference()
    assert (PROJECT / "docs/reference.md").read_text(encoding="utf-8") == text
    for entry in ("`make report`", "`START`", "`observations_used`", "| 3 | RateLimitReached |"):
        assert entry in text


@pytest.fixture(scope="module")
def counted():
    return counted_sample()


def test_figure_matches_the_code(counted):
    # `make docs` regenerates it. Processors round differently, and names of shapes depend on it.
    stored = (PROJECT / "docs/approaches-per-year.svg").read_text(encoding="utf-8")
    texts, numbers = zip(*(_parts(svg) for svg in (stored, svg_of(counted))), strict=True)
    assert texts[0] == texts[1]
    assert numbers[0] == pytest.approx(numbers[1], abs=0.02)


def _parts(svg):
    """Return an SVG without numbers and names of shapes, and its numbers."""
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d+", svg)]
    return re.sub(r"-?\d+\.\d+|\b[mp][0-9a-f]{10}\b", "0", svg), numbers


def test_readme_table_has_the_totals_and_their_definitions(counted):
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(total_.+?)` \| ([\d,]+) \| (.+?) \|$", text, re.MULTILINE)
    numbers = {name: int(number.replace(",", "")) for name, number, _ in rows}
    assert numbers == {n: value for n, value in counted.metrics.items() if n.startswith("total_")}
    assert {name: definition for name, _, definition in rows} == totals_defined(0.2)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_links_point_to_existing_files_and_headings(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_make_commands_are_targets(page):
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = re.findall(r"(?:`|    )make\s+([a-z][a-z-]*)", page.read_text(encoding="utf-8"))
    assert set(named) <= targets
