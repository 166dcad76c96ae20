"""Statistics by orbit class, size and first observation equal a count in plain Python."""

import datetime as dt
import json

import pandas as pd
import pytest

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.figures.population import plot_first_observations, plot_since_first_observation
from neo_utils.interface import select
from neo_utils.positions import Batch
from neo_utils.sample.catalogue import page_body
from neo_utils.statistics.computation import read_batches, statistic
from neo_utils.store.batches import write_batch
from neo_utils.store.page_archive import sha256
from neo_utils.store.page_tables import decode_page
from neo_utils.store.provenance import Provenance
from tests.objects import approach, neo, page, passing, put, without
from tests.oracle import (
    first_observations_of,
    hazard_exceptions_of,
    population_of,
    since_first_observation_of,
)
from tests.page_oracle import BETWEEN, MODERN, OLD

AU = 149_597_870.7
EVERY_CLASS = ("AMO", "APO", "ATE", "IEO")


def passages(*dates):
    """Return approaches to Earth, alternately below and above 0.2 AU, and one to Venus."""
    near = [passing(date, (0.1 + 0.15 * (n % 2)) * AU) for n, date in enumerate(dates)]
    listed = [
        put(one, ("miss_distance", "astronomical"), 0.1 + 0.15 * (n % 2))
        for n, one in enumerate(near)
    ]
    return [*listed, approach(orbiting_body="Venus")]


def edge_cases():
    """Return NEOs on the edges of classes, with missing values, and against the hazard rule."""
    found = []
    for n, (magnitude, moid, is_hazardous) in enumerate(
        [
            *((17.75, 0.05, True), (17.76, 0.0501, False), (22, 0.05, True), (22.01, 0.01, False)),
            *((22, 0.05, False), (23, 0.01, True), (20, 0.06, True), (20, None, True)),
            *((None, 0.01, True), (20, 0.01, None), (18, 0.3, False), (21, 0.04, True)),
        ]
    ):
        one = neo(id=f"{n}", absolute_magnitude_h=magnitude)
        one["is_potentially_hazardous_asteroid"] = is_hazardous
        one = put(one, ("orbital_data", "minimum_orbit_intersection"), moid)
        one = put(one, ("orbital_data", "orbit_class", "orbit_class_type"), EVERY_CLASS[n % 4])
        one = put(one, ("orbital_data", "first_observation_date"), f"{1990 + n // 3}-05-06")
        dates = [f"{1988 + n // 2 + k}-03-0{k + 1}" for k in range(n % 5)]
        found.append(one | {"close_approach_data": passages(*dates)})
    return [
        *reversed(found),  # not in the order of a result
        without(neo(id="20"), "orbital_data"),
        without(neo(id="21"), "absolute_magnitude_h"),
    ]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return a selection of a page of the sample and one of edge cases, and these pages."""
    output = tmp_path_factory.mktemp("population")
    time = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    objects = edge_cases()
    bodies = [page_body(0, 20, "k"), page(objects, number=1, total=20 + len(objects))]
    changed = json.loads(bodies[0])
    changed["page"]["total_elements"] = 20 + len(objects)
    bodies[0] = json.dumps(changed).encode()
    for number, body in enumerate(bodies):
        batch = Batch(20 * number + 1)
        size = 20 + len(objects)
        provenance = Provenance("sample", "https://x/browse", time, sha256(body), size)
        write_batch(output, batch, decode_page(body, batch), body, provenance)
    return select(1, "all", "sample", str(output)), bodies


@pytest.fixture(params=["spark", "duckdb"])
def frames(request, stored):
    session = DuckDBSession() if request.param == "duckdb" else request.getfixturevalue("spark")
    return read_batches(session, stored[0])


def rows(frame):
    return [tuple(row) for row in frame.collect()]


def test_population_by_class_and_size(frames, stored):
    found = rows(statistic("population", *frames, 0.2))
    assert found == population_of(stored[1], "0.2")
    assert len(found) == 1 + 5 + 4


def test_population_of_no_neos(frames):
    newest, approaches = frames
    none = newest.sparkSession.sql("SELECT * FROM newest WHERE neo_id = 'none'")
    assert rows(statistic("population", none, approaches, 0.2)) == []


def test_first_observations_accumulate(frames, stored):
    assert rows(statistic("first_observations", *frames, 0.2)) == first_observations_of(stored[1])


def test_approaches_by_years_since_first_observation(frames, stored):
    found = rows(statistic("since_first_observation", *frames, 0.2))
    assert found == since_first_observation_of(stored[1], "0.2")
    assert found[0][0] < 0 < found[-1][0]


def test_hazard_flag_against_the_rule(frames, stored):
    found = rows(statistic("hazard_exceptions", *frames, 0.2))
    assert found == hazard_exceptions_of(stored[1])
    assert [neo_id for neo_id, *_ in found] == ["4", "5", "6"]


@pytest.mark.parametrize("recorded", [OLD, BETWEEN, MODERN], ids=lambda path: path.stem)
def test_recorded_pages_are_counted_as_in_plain_python(recorded, tmp_path):
    if not recorded.exists():
        pytest.skip(f"the recorded page {recorded.name} is not on this machine")
    document = json.loads(recorded.read_bytes())
    document["page"] |= {"total_elements": 20, "size": 20, "number": 0}
    for one in document["near_earth_objects"]:
        one.setdefault("id", one["neo_reference_id"])
    body, batch = json.dumps(document).encode(), Batch(1)
    time = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    provenance = Provenance("nasa", "https://x/browse", time, sha256(body), 20)
    write_batch(tmp_path, batch, decode_page(body, batch), body, provenance)
    frames = read_batches(DuckDBSession(), select(1, "all", "nasa", str(tmp_path)))
    for name, expected in (
        ("population", population_of([body], "0.2")),
        ("first_observations", first_observations_of([body])),
        ("since_first_observation", since_first_observation_of([body], "0.2")),
        ("hazard_exceptions", hazard_exceptions_of([body])),
    ):
        assert rows(statistic(name, *frames, 0.2)) == expected, name


def table(frame):
    return pd.DataFrame(rows(frame), columns=frame.toArrow().column_names)


def test_figures_show_size_classes_and_the_year_of_the_first_observation(stored):
    selection = stored[0]
    newest, approaches = read_batches(DuckDBSession(), selection)
    first = table(statistic("first_observations", newest, approaches, 0.2))
    (axes,) = plot_first_observations(first, selection).axes
    assert len(axes.lines) == first["size_class"].nunique()
    last = {line.get_label(): line.get_ydata()[-1] for line in axes.lines}
    assert last == first.groupby("size_class")["neos"].sum().to_dict()
    since = table(statistic("since_first_observation", newest, approaches, 0.2))
    figure = plot_since_first_observation(since, selection, 0.2)
    heights = {round(bar.get_x() + 0.5): bar.get_height() for bar in figure.axes[0].patches}
    rates = since.set_index("years_since")["approaches_per_neo_and_year"]
    assert heights[0] == rates.get(0, 0)
    assert sum(heights.values()) == pytest.approx(rates.loc[-50:50].sum())
    assert "closer than 0.2 AU per NEO and year" in figure.get_label()


def test_empty_figures_show_none_listed(stored):
    first = pd.DataFrame(columns=["year", "size_class", "neos", "neos_so_far"])
    since = pd.DataFrame(
        columns=["years_since", "approaches", "listed_years", "approaches_per_neo_and_year"]
    )
    for figure in (
        plot_first_observations(first, stored[0]),
        plot_since_first_observation(since, stored[0], 0.2),
    ):
        assert [text.get_text() for text in figure.axes[0].texts] == ["none listed"]
