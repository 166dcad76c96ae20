"""What is made of measurements: medians, ratios, fitted lines. Nothing is measured here."""

import pytest

from benchmarks.scaling import line
from benchmarks.summary import summary, table_text


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
    assert fitted.fixed == pytest.approx(10 / 9, rel=1e-5)
    assert fitted.per_million == pytest.approx(0.0, abs=1e-9)
    assert fitted.off == pytest.approx(4 / 9, rel=1e-5)


def test_large_measurements_do_not_outweigh_small_ones():
    # 20 s are little at 1000 s, and would be the whole of the fixed part.
    fitted = line([(0, 1.0), (1_000_000, 2.0), (100_000_000, 80.0), (1_000_000_000, 1100.0)])
    assert fitted.fixed == pytest.approx(1.0, rel=0.1)


def test_a_fitted_line_has_six_digits_so_that_the_next_run_finds_the_same():
    fitted = line([(1_000_000, 1.0), (2_000_000, 2.0), (3_000_000, 3.1)])
    assert [value == float(f"{value:.6g}") for value in fitted] == [True, True, True]
