"""The linked views of explore.ipynb: their rows, and what is selected in them."""

import pytest
from ipywidgets import ToggleButtons

from neo_utils.errors import WrongParameter
from neo_utils.explore import explorer, open_catalogue, stored_or_sample
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.statistics.definitions import sql_text
from neo_utils.units import UNITS
from tests.objects import serve_changed
from tests.sample_neos import approaches_of, neos_of


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("output"))
    fetch(plan_fetch(1, 40, "sample", output_dir=folder))
    return open_catalogue(stored_or_sample(folder))


def columns_in(part):
    """Return every column that a specification names."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("bin", "median", "column", "z") or (key in "xy" and isinstance(value, str)):
                yield value
            elif key in ("columns", "argmin"):
                yield from value
            else:
                yield from columns_in(value)
    elif isinstance(part, list):
        for one in part:
            yield from columns_in(one)


@pytest.mark.parametrize("unit", UNITS)
def test_views_name_columns_of_their_table(catalogue, unit):
    views = explorer(catalogue, unit)
    named = set(columns_in(views.children[1].spec))
    named -= {"a", "e", "-x"}  # of the class boundaries, and an order
    assert named <= set(views.selected().columns)
    assert unit in named
    assert not named & (UNITS.keys() - {unit})


def test_all_passages_are_selected_at_first(catalogue):
    selected = explorer(catalogue).selected()
    listed = approaches_of(neos_of([0, 1]))
    assert sorted(selected["AU"]) == sorted(
        float(one["miss_distance"]["astronomical"]) for one in listed
    )
    for unit, key in (("LD", "lunar"), ("km", "kilometers")):
        expected = sorted(float(one["miss_distance"][key]) for one in listed)
        assert sorted(selected[unit]) == pytest.approx(expected, rel=1e-6)


def test_a_selection_is_available_as_rows_and_as_sql(catalogue):
    views = explorer(catalogue)
    views.children[1].params = {
        "selection": {"predicate": "(year BETWEEN 2000 AND 2050) AND (body = 'Earth')"}
    }
    selected = views.selected()
    assert set(selected["body"]) == {"Earth"}
    assert selected["year"].between(2000, 2050).all()
    assert len(selected) == len(catalogue.sql(views.sql).collect()) > 10
    assert selected["date"].is_monotonic_increasing


def test_another_unit_starts_without_a_selection(catalogue):
    views = explorer(catalogue)
    everything = len(views.selected())
    views.children[1].params = {"selection": {"predicate": '"LD" < 20'}}
    assert len(views.selected()) < everything
    (unit,) = (one for one in views.children if isinstance(one, ToggleButtons))
    unit.value = "km"
    assert "km" in columns_in(views.children[1].spec)
    assert views.unit == "km"
    assert len(views.selected()) == everything


def test_overlapping_queries_do_not_disturb_each_other(catalogue):
    connection = explorer(catalogue).children[1].con
    first = connection.query("SELECT count(*) FROM explored")
    second = connection.query("SELECT max(year) FROM explored")
    connection.execute("CREATE SCHEMA IF NOT EXISTS mosaic")
    assert first.fetchall() != second.fetchall()


def test_another_unit_than_these_gives_one_line(catalogue):
    with pytest.raises(WrongParameter, match="unit=miles is not valid. Use LD, AU or km"):
        explorer(catalogue, "miles")


def test_a_reader_without_a_kernel_sees_a_sentence(catalogue):
    bundle = explorer(catalogue)._repr_mimebundle_()
    assert bundle["text/plain"] == (
        "Linked views of all passages. Run this cell in JupyterLab to use them"
    )


def test_neos_without_orbit_size_or_name_are_shown(tmp_path):
    def damage(neos):
        del neos[1]["orbital_data"]
        neos[2] |= {"name": None, "estimated_diameter": None}

    with serve_changed(damage) as url:
        fetch(plan_fetch(1, 20, "nasa", url, str(tmp_path)))
    selected = explorer(open_catalogue(stored_or_sample(str(tmp_path)))).selected()
    assert len(selected) == len(approaches_of(neos_of([0])))
    pages = {neo["id"]: neo["nasa_jpl_url"] for neo in neos_of([0])}
    assert dict(zip(selected["id"], selected["page"], strict=True)).items() <= pages.items()
    assert "unknown" in set(selected["orbit class"])
    assert neos_of([0])[2]["id"] in set(selected["NEO"])
    assert selected["label"].notna().all()


def test_a_distance_of_zero_is_left_out_of_logarithmic_axes(tmp_path):
    # No service lists one, but an older version stored zeros.
    fetch(plan_fetch(1, 20, "sample", output_dir=str(tmp_path)))
    catalogue = open_catalogue(stored_or_sample(str(tmp_path)))
    catalogue.sql("UPDATE close_approaches SET miss_distance_au = 0 WHERE position = 2")
    catalogue.sql(sql_text("explored"))
    selected = explorer(catalogue).selected()
    assert selected["LD"].isna().any()
    assert not (selected["LD"] == 0).any()
