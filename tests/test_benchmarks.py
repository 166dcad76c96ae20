"""What is made of measurements: medians, ratios, parts, fitted lines. Nothing is measured here."""

import datetime as dt
import json

import pytest

from benchmarks.catalogue import LARGE, SMALL, WHOLE
from benchmarks.decoding_parts import PARTS, parts_s, shares
from benchmarks.ours import SPARK, ours
from benchmarks.phases import STEPS, phases_s, step_of
from benchmarks.profiles import profile_texts
from benchmarks.scaling import Line, line, to_six_digits
from benchmarks.summary import summary, table_text
from neo_utils.sample.catalogue import page_body
from neo_utils.settings.folders import PROJECT


def measured(what, who, *walls, **further):
    return [{"what": what, "who": who, "wall_s": wall, **further} for wall in walls]


ROWS = [
    *measured("200 NEOs", "project on duckdb", 4.0, 2.0, 30.0, cpu_s=5.0, peak_mb=300.4),
    *measured("200 NEOs", "pandas", 8.0, 8.0, 2.0),
    *measured("400 NEOs", "project on duckdb", 6.0),
]


def test_of_each_repeat_the_median_counts_and_the_spread_is_told():
    ours = summary(ROWS)[0]
    assert (ours["what"], ours["who"]) == ("200 NEOs", "project on duckdb")
    assert (ours["wall_s"], ours["fastest_s"], ours["slowest_s"]) == (4.0, 2.0, 30.0)
    assert (ours["repeats"], ours["cpu_s"], ours["peak_mb"]) == (3, 5.0, 300.4)


def test_a_ratio_is_to_the_project_at_the_same_work_by_the_medians():
    ratios = {(row["what"], row["who"]): row["first_to_it"] for row in summary(ROWS)}
    assert ratios == {
        ("200 NEOs", "project on duckdb"): 1.0,
        ("200 NEOs", "pandas"): 0.5,  # who takes twice as long
        ("400 NEOs", "project on duckdb"): 1.0,
    }


def test_what_was_not_measured_is_no_number():
    assert "cpu_s" not in summary(ROWS)[1]


def test_the_table_has_a_line_for_everybody_below_what_they_did():
    _, *lines = table_text(summary(ROWS)).splitlines()
    assert [line.split() for line in lines] == [
        ["200", "NEOs"],
        ["project", "on", "duckdb", "4", "3", "2", "-", "30", "5", "300", "1.00"],
        ["pandas", "8", "3", "2", "-", "8", "0.50"],
        ["400", "NEOs"],
        ["project", "on", "duckdb", "6", "1", "6", "-", "6", "1.00"],
    ]


def test_a_fit_finds_the_line_that_was_measured():
    fitted = line([(size, 3.0 + 2e-6 * size) for size in (4_800, 48_000, 1_000_000, 10_000_000)])
    assert fitted.fixed == pytest.approx(3.0)
    assert fitted.per_million == pytest.approx(2.0)
    assert fitted.off == pytest.approx(0.0, abs=1e-9)


def test_a_fit_tells_by_which_part_of_itself_a_measurement_is_off_at_most():
    # By symmetry the line is level, and 2 (c - 1)² + (c / 2 - 1)² is least at 10/9: the middle one
    # is 4/9 off, the others 1/9.
    fitted = line([(1_000_000, 1.0), (2_000_000, 2.0), (3_000_000, 1.0)])
    assert fitted.fixed == pytest.approx(10 / 9)
    assert fitted.per_million == pytest.approx(0.0, abs=1e-9)
    assert fitted.off == pytest.approx(4 / 9)


def test_large_measurements_do_not_outweigh_small_ones():
    # 20 s are little at 1000 s, and would be the whole of the fixed part.
    fitted = line([(0, 1.0), (1_000_000, 2.0), (100_000_000, 80.0), (1_000_000_000, 1100.0)])
    assert fitted.fixed == pytest.approx(1.0, rel=0.1)


def test_a_fitted_line_is_kept_to_six_digits_so_that_the_next_run_finds_the_same():
    fitted = Line(1.2345678, 0.00098765432, 123456789.0)
    assert to_six_digits(fitted) == (1.23457, 0.000987654, 123457000.0)


def test_of_a_quantity_by_parts_the_median_of_each_counts_and_a_text_stays():
    row = {"what": "200 NEOs", "who": "project", "wall_s": 1.0, "settings": "default.yaml"}
    by_parts = [{"fetch": 1.0}, {"fetch": 4.0, "count": 5.0}, {"fetch": 2.0, "count": 7.0}]
    [ours] = summary([row | {"phases_s": parts} for parts in by_parts])
    assert ours["phases_s"] == {"fetch": 2.0, "count": 6.0}
    assert ours["settings"] == "default.yaml"


def test_parts_stand_side_by_side_with_their_sum_and_a_gap_where_one_is_missing():
    rows = [
        *measured("first run", "project", 3.0, phases_s={"fetch": 1.0, "count": 2.0}),
        *measured("first run", "pandas", 9.0),
        *measured("again", "project", 1.0, phases_s={"count": 0.5}),
    ]
    [text] = profile_texts(rows)
    head, *lines = [line.split() for line in text.splitlines()]
    assert head[-3:] == ["fetch", "count", "together"]
    assert lines == [
        ["first", "run"],
        ["project", "1.00", "2.00", "3.00"],
        ["again"],
        ["project", "0.50", "0.50"],
    ]


def test_what_java_took_is_told_with_the_rest_so_that_all_make_the_processor_time():
    java = {"java_tasks_s": 2.0, "java_compiling_s": 1.5, "java_tidying_up_s": 0.25}
    [text] = profile_texts(measured("200 NEOs", "Spark", 5.0, cpu_s=7.0, **java))
    assert text.splitlines()[-1].split() == ["Spark", "2.00", "1.50", "0.25", "3.25", "7.00"]


def test_rows_without_parts_make_no_table_of_parts():
    assert profile_texts(summary(ROWS)) == []


def test_the_parts_of_a_decoded_page_and_what_they_leave_make_the_whole_of_it():
    # Of 10 s the medians tell 2 + 5, and 4 s count as 1.
    parts = [{"structs": 1.0, "times": 5.0}, {"structs": 2.0, "times": 4.0}]
    parts += [{"structs": 9.0, "times": 6.0}]
    assert shares(parts, whole_s=10.0, of_s=4.0) == {"structs": 0.5, "times": 1.25, "left": 0.75}


def test_every_part_of_decoding_a_page_is_timed_of_old_pages_too():
    # Without the full date, as in old pages: then approaches that stand there twice are looked for.
    body = page_body(0, 20, "key")
    for page in (body, body.replace(b"close_approach_date_full", b"unknown")):
        parts = parts_s(page)
        assert tuple(parts) == PARTS


BEGAN = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def executed(folder, name, *cells):
    """Write a notebook as Papermill leaves it: of each cell its text, and when it ran, in s."""

    def at(seconds):
        return (BEGAN + dt.timedelta(seconds=seconds)).isoformat()

    told = [
        {
            "cell_type": "code",
            "source": [source],
            "metadata": {"papermill": {"start_time": at(start), "end_time": at(end)}},
        }
        for source, start, end in cells
    ]
    text = {"cell_type": "markdown", "source": ["captioned("], "metadata": {"papermill": {}}}
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [text, *told]}))


def test_the_phases_of_a_run_make_all_of_its_time(tmp_path):
    executed(tmp_path, "fetch", ("import neo_utils as neo", 2, 5), ("neo.fetch_neos(plan)", 5, 6))
    cells = [
        ("start = 1", 7, 7.5),
        ("neo.plot_a(b)", 8, 9),
        ("x", 9, 9.5),
        ("captioned(b)", 9.5, 10),
    ]
    executed(tmp_path, "aggregate", *cells)
    phases = phases_s(tmp_path, BEGAN, wall_s=13.0)
    # The rest: 1 s between the notebooks, 0.5 s between cells, and two cells of no step.
    fetched = {"before": 2.0, "fetch: imports": 3.0, "pages": 1.0}
    assert phases == fetched | {"figures": 1.5, "rest": 2.5, "after": 3.0}
    assert sum(phases.values()) == 13.0


def test_a_notebook_that_an_earlier_run_executed_is_no_phase_of_this_one(tmp_path):
    executed(tmp_path, "fetch", ("neo.fetch_neos(plan)", 1, 2))
    executed(tmp_path, "aggregate", ("neo.plot_a(b)", -9, -5))
    phases = phases_s(tmp_path, BEGAN, wall_s=4.0)
    assert phases == {"before": 1.0, "pages": 1.0, "rest": 0.0, "after": 2.0}


def test_what_executes_no_notebook_of_the_project_has_no_phases(tmp_path):
    assert phases_s(tmp_path, BEGAN, wall_s=4.0) == {}


@pytest.mark.parametrize("name", STEPS)
def test_every_step_is_found_in_its_notebook(name):
    # A step whose call is written differently would otherwise be counted as the rest.
    cells = json.loads((PROJECT / "notebooks" / f"{name}.ipynb").read_bytes())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    found = {said for said in STEPS[name] if any(said in source for source in code)}
    assert found == STEPS[name].keys()
    assert set(STEPS[name].values()) <= {step_of(name, source) for source in code}


def test_spark_counts_with_the_settings_of_the_file_that_make_run_would_be_given():
    assert {case: ours(case, SPARK).settings for case in (SMALL, WHOLE, LARGE)} == {
        SMALL: "default.yaml",
        WHOLE: "whole-catalogue.yaml",
        LARGE: "whole-catalogue.yaml",
    }
    assert ours(SMALL, SPARK).spark_conf == {}
    assert ours(WHOLE, SPARK).spark_conf == {"spark.driver.memory": "3g"}
