"""Summaries of measurements: medians, ratios, parts, fitted lines. Nothing is measured here."""

import datetime as dt
import json

import pytest

from benchmarks.catalogue import LARGE, SMALL, WHOLE
from benchmarks.decoding_parts import PARTS, parts_s, shares
from benchmarks.phases import STEPS, phases_s, step_of
from benchmarks.project_engines import SPARK, project_engine
from benchmarks.scaling import line
from benchmarks.summary import parts_texts, summary, table_text
from neo_utils.sample.catalogue import page_body
from neo_utils.settings.folders import PROJECT


def measured(task, tool, *walls, **more):
    return [{"task": task, "tool": tool, "wall_s": wall, **more} for wall in walls]


ROWS = [
    *measured("200 NEOs", "project on duckdb", 4.0, 2.0, 30.0, cpu_s=5.0, peak_mb=300.4),
    *measured("200 NEOs", "pandas", 8.0, 8.0, 2.0),
    *measured("400 NEOs", "project on duckdb", 6.0),
]


def test_summary_has_median_range_and_ratio_to_the_first_tool():
    project, pandas, alone = summary(ROWS)
    assert (project["task"], project["tool"]) == ("200 NEOs", "project on duckdb")
    assert (project["wall_s"], project["fastest_s"], project["slowest_s"]) == (4.0, 2.0, 30.0)
    assert (project["repeats"], project["cpu_s"], project["peak_mb"]) == (3, 5.0, 300.4)
    assert project["ratio"] == 1.0
    assert (pandas["tool"], pandas["ratio"]) == ("pandas", 0.5)  # takes twice as long
    assert "cpu_s" not in pandas
    assert (alone["task"], alone["ratio"]) == ("400 NEOs", 1.0)


def test_table_has_a_line_per_tool_below_its_task():
    _, *lines = table_text(summary(ROWS)).splitlines()
    assert [line.split() for line in lines] == [
        ["200", "NEOs"],
        ["project", "on", "duckdb", "4", "3", "2", "-", "30", "5", "300", "1.00"],
        ["pandas", "8", "3", "2", "-", "8", "0.50"],
        ["400", "NEOs"],
        ["project", "on", "duckdb", "6", "1", "6", "-", "6", "1.00"],
    ]
    assert parts_texts(summary(ROWS)) == []


@pytest.mark.parametrize(
    ("points", "fixed", "per_million", "max_deviation"),
    [
        ([(n, 3.0 + 2e-6 * n) for n in (4_800, 48_000, 1_000_000, 10_000_000)], 3, 2, 0),
        # By symmetry the line is level, and 2 (c - 1)² + (c / 2 - 1)² is smallest at 10/9: the
        # middle point is 4/9 off, the others 1/9.
        ([(1_000_000, 1.0), (2_000_000, 2.0), (3_000_000, 1.0)], 10 / 9, 0, 4 / 9),
    ],
)
def test_fits_a_line(points, fixed, per_million, max_deviation):
    fitted = line(points)
    expected = (fixed, per_million, max_deviation)
    assert fitted == pytest.approx(expected, rel=1e-5, abs=1e-9)
    assert fitted == tuple(float(f"{value:.6g}") for value in fitted)


def test_large_measurements_do_not_outweigh_small_ones():
    # 20 s are little at 1000 s, but would determine the whole fixed part.
    fitted = line([(0, 1.0), (1_000_000, 2.0), (100_000_000, 80.0), (1_000_000_000, 1100.0)])
    assert fitted.fixed == pytest.approx(1.0, rel=0.1)


def test_summary_has_the_median_of_each_part_and_keeps_text():
    row = {"task": "200 NEOs", "tool": "project", "wall_s": 1.0, "settings": "default.yaml"}
    repeats = [{"fetch": 1.0}, {"fetch": 4.0, "count": 5.0}, {"fetch": 2.0, "count": 7.0}]
    [project] = summary([row | {"phases_s": parts} for parts in repeats])
    assert project["phases_s"] == {"fetch": 2.0, "count": 6.0}
    assert project["settings"] == "default.yaml"


def test_parts_are_columns_with_their_sum_and_gaps():
    rows = [
        *measured("first run", "project", 3.0, phases_s={"fetch": 1.0, "count": 2.0}),
        *measured("first run", "pandas", 9.0),
        *measured("again", "project", 1.0, phases_s={"count": 0.5}),
    ]
    [text] = parts_texts(rows)
    head, *lines = [line.split() for line in text.splitlines()]
    assert head[-3:] == ["fetch", "count", "total"]
    assert lines == [
        ["first", "run"],
        ["project", "1.00", "2.00", "3.00"],
        ["again"],
        ["project", "0.50", "0.50"],
    ]


def test_java_parts_add_up_to_the_processor_time():
    java = {"java_tasks_s": 2.0, "java_compiling_s": 1.5, "java_gc_s": 0.25}
    [text] = parts_texts(measured("200 NEOs", "Spark", 5.0, cpu_s=7.0, **java))
    assert text.splitlines()[-1].split() == ["Spark", "2.00", "1.50", "0.25", "3.25", "7.00"]


def test_decoding_parts_and_the_remainder_add_up_to_the_whole():
    # The medians are 2 s and 5 s of 10 s, and 4 s count as 1.
    parts = [{"structs": 1.0, "times": 5.0}, {"structs": 2.0, "times": 4.0}]
    parts += [{"structs": 9.0, "times": 6.0}]
    assert shares(parts, whole_s=10.0, unit_s=4.0) == {"structs": 0.5, "times": 1.25, "other": 0.75}


def test_times_every_part_of_decoding_new_and_old_pages():
    # Old pages have no full date, so duplicates are found by other means.
    body = page_body(0, 20, "key")
    for page in (body, body.replace(b"close_approach_date_full", b"unknown")):
        assert tuple(parts_s(page)) == PARTS


STARTED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def executed(folder, name, *cells):
    """Write a notebook as Papermill does: the text of each cell, its start and end in seconds."""

    def at(seconds):
        return (STARTED + dt.timedelta(seconds=seconds)).isoformat()

    code = [
        {
            "cell_type": "code",
            "source": [source],
            "metadata": {"papermill": {"start_time": at(start), "end_time": at(end)}},
        }
        for source, start, end in cells
    ]
    text = {"cell_type": "markdown", "source": ["captioned("], "metadata": {"papermill": {}}}
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [text, *code]}))


def test_phases_add_up_to_the_elapsed_time(tmp_path):
    executed(tmp_path, "fetch", ("import neo_utils as neo", 2, 5), ("neo.fetch_neos(plan)", 5, 6))
    cells = [
        ("start = 1", 7, 7.5),
        ("neo.plot_a(b)", 8, 9),
        ("x", 9, 9.5),
        ("captioned(b)", 9.5, 10),
    ]
    executed(tmp_path, "aggregate", *cells)
    phases = phases_s(tmp_path, STARTED, wall_s=13.0)
    # Other: 1 s between the notebooks, 0.5 s between cells, and two cells of no phase.
    fetched = {"before": 2.0, "fetch: imports": 3.0, "pages": 1.0}
    assert phases == fetched | {"figures": 1.5, "other": 2.5, "after": 3.0}
    assert sum(phases.values()) == 13.0


def test_phases_ignore_notebooks_of_an_earlier_run(tmp_path):
    assert phases_s(tmp_path, STARTED, wall_s=4.0) == {}
    executed(tmp_path, "fetch", ("neo.fetch_neos(plan)", 1, 2))
    executed(tmp_path, "aggregate", ("neo.plot_a(b)", -9, -5))
    phases = phases_s(tmp_path, STARTED, wall_s=4.0)
    assert phases == {"before": 1.0, "pages": 1.0, "other": 0.0, "after": 2.0}


@pytest.mark.parametrize("name", STEPS)
def test_every_phase_is_found_in_its_notebook(name):
    # Otherwise a phase whose call was renamed would count as "other".
    cells = json.loads((PROJECT / "notebooks" / f"{name}.ipynb").read_bytes())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    found = {text for text in STEPS[name] if any(text in source for source in code)}
    assert found == STEPS[name].keys()
    assert set(STEPS[name].values()) <= {step_of(name, source) for source in code}


def test_spark_has_the_settings_that_make_run_would_use():
    assert {case: project_engine(case, SPARK).settings for case in (SMALL, WHOLE, LARGE)} == {
        SMALL: "default.yaml",
        WHOLE: "whole-catalogue.yaml",
        LARGE: "whole-catalogue.yaml",
    }
    assert project_engine(SMALL, SPARK).spark_conf == {}
    assert project_engine(WHOLE, SPARK).spark_conf == {"spark.driver.memory": "3g"}
