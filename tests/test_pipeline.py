"""The make targets in a fresh clone with nothing else installed."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.sample.service import serve
from tests.clones import clone_into, run, stored_rows
from tests.cluster import free_ports
from tests.oracle import metrics_of

KEY = "canary-0123456789-abcdefghijklmnopqrstuvwxyz"
DATA = ("raw", "close_approaches", "pages", "aggregations", "yearly_statistics")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    return clone_into(tmp_path_factory.mktemp("clone"))


@pytest.fixture(scope="module")
def first_run(clone):
    ran = run(clone, "make", "run", "START=1", "END=200")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def data_of(output):
    files = (path for table in DATA for path in (output / table).rglob("*") if path.is_file())
    return {str(path.relative_to(output)): path.read_bytes() for path in files}


def pages_in(output):
    paths = sorted((output / "pages").glob("*/*.json.zst"))
    return [pa.input_stream(io.BytesIO(p.read_bytes()), compression="zstd").read() for p in paths]


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("first_run")]


def test_first_run_stores_ten_batches_counts_them_and_prints_a_short_summary(clone, first_run):
    output = clone / "output"
    tables = [pq.read_table(p, partitioning=None) for p in (output / "raw").glob("*/*.parquet")]
    assert [table.num_rows for table in tables] == [20] * 10
    assert dict(stored_rows(output)) == metrics_of(pages_in(output), "0.2")
    notebooks = {path.name for path in (output / "runs/batches-1-200").glob("*.ipynb")}
    assert notebooks == {"fetch.ipynb", "aggregate.ipynb"}
    summary = first_run.stdout.partition("done in ")[2].splitlines()
    assert len(summary) <= 10
    assert "simulated sample, not NASA data" in summary[1]
    assert first_run.stderr == ""


def test_second_run_fetches_nothing_and_changes_no_byte(clone):
    before = data_of(clone / "output")
    again = run(clone, "make", "run", "START=1", "END=200")
    assert "fetched     0 pages, 10 already stored" in again.stdout
    assert "up to date" in again.stdout
    assert data_of(clone / "output") == before


def test_aggregates_a_part_of_the_range(clone):
    ran = run(clone, "make", "aggregate", "START=21", "END=40", "MASTER=duckdb")
    assert ran.returncode == 0, ran.stderr
    page = next(p for p in pages_in(clone / "output") if b'"number":1}' in p)
    assert dict(stored_rows(clone / "output", positions="batches-21-40")) == metrics_of(
        [page], "0.2"
    )


def test_local_service_gives_the_same_counts_and_the_key_stays_secret(clone):
    output = clone / "output-of-the-port"
    with serve() as url:
        ran = run(
            clone,
            *("make", "run", "START=1", "END=200", "MASTER=duckdb"),
            *(f"API_URL={url}", f"OUTPUT_DIR={output}"),
            API_KEY=KEY,
        )
    assert ran.returncode == 0, ran.stderr
    assert dict(stored_rows(output)) == dict(stored_rows(clone / "output"))
    assert "NeoWs at 127.0.0.1" in ran.stdout
    assert "with your API_KEY" in ran.stdout
    assert KEY not in ran.stdout + ran.stderr
    assert not any(KEY.encode() in page for page in pages_in(output))


def test_wrong_parameter_fails_with_one_line_and_status_2(clone):
    ran = run(clone, "make", "run", "START=5")
    message, made = ran.stderr.splitlines()
    assert message.startswith("run: START=5 is not the start of a batch of 20. Use 1 or 21")
    assert made.endswith("Error 2")


def test_aggregates_again_with_another_parameter(clone):
    file = clone / "parameters/nearer.yaml"
    text = (clone / "parameters/default.yaml").read_text()
    file.write_text(text.replace("threshold_au: 0.2", "threshold_au: 0.05"))
    parameters = ("START=1", "END=40", "MASTER=duckdb", "PARAMETERS=parameters/nearer.yaml")
    ran = run(clone, "make", "run", *parameters)
    assert ran.returncode == 0, ran.stderr
    assert "closer than 0.05 AU" in ran.stdout


def test_reports_and_rebuilds_corrupted_data(clone):
    path = clone / "output/close_approaches/batch-number=21-40/close_approaches_21-40.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    broken = run(clone, "make", "aggregate", "START=1", "END=200")
    assert "make backfill START=21 END=40" in broken.stderr
    assert run(clone, "make", "verify").returncode == 2
    assert run(clone, "make", "rebuild").returncode == 0
    assert run(clone, "make", "verify").returncode == 0
    assert "0 added, 0 removed" in run(clone, "make", "drift", "AGAINST=output").stdout


@pytest.mark.parametrize("name", ["STRAT", "MASTER_URL", "OUTPUT_DIRECTORY"])
def test_rejects_a_misspelt_variable(clone, name):
    ran = run(clone, "make", "run", f"{name}=1")
    assert ran.returncode == 2
    assert f"Unknown variable {name}. Known variables: START END" in ran.stderr


def test_accepts_a_value_with_blanks_and_equal_signs(clone):
    ran = run(clone, "make", "help", "DOCKER_BUILD_FLAGS=--build-arg https_proxy=http://proxy:3128")
    assert ran.returncode == 0


def test_unavailable_service_ends_with_status_4_and_keeps_the_notebook(clone):
    with serve() as url:
        pass
    ran = run(clone, "make", "fetch", f"API_URL={url}", "SOURCE=nasa", "OUTPUT_DIR=output-down")
    assert "Error 4" in ran.stderr
    message, where, _ = ran.stderr.splitlines()
    assert "127.0.0.1" in message
    assert where.endswith("output-down/runs/batches-1-200/fetch-failed.ipynb")
    assert (clone / "output-down/runs/batches-1-200/fetch-failed.ipynb").exists()


def test_notebook_runs_directly_under_papermill(clone):
    papermill = clone / ".venv/bin/papermill"
    file = ("-f", "parameters/default.yaml")
    ran = run(clone, str(papermill), "notebooks/fetch.ipynb", "fetched.ipynb", *file)
    assert ran.returncode == 0, ran.stderr
    assert (clone / "fetched.ipynb").exists()


def test_local_cluster_equals_embedded_spark(clone):
    names = ("SPARK_MASTER_PORT", "SPARK_MASTER_WEBUI_PORT", "SPARK_WORKER_WEBUI_PORT")
    ports = dict(zip(names, free_ports(3), strict=True))
    address = f"MASTER=spark://127.0.0.1:{ports['SPARK_MASTER_PORT']}"
    embedded = data_of(clone / "output")
    try:
        up = run(clone, "make", "local-cluster-up", **ports)
        assert f"make run {address}" in up.stdout, up.stderr
        counted = run(clone, "make", "aggregate", "START=1", "END=200", address)
        assert counted.returncode == 0, counted.stderr
    finally:
        down = run(clone, "make", "local-cluster-down")
    assert down.stdout.startswith("3 processes stopped")
    assert data_of(clone / "output") == embedded


def test_plan_and_status_do_not_fetch(clone):
    assert "to fetch   5 batches" in run(clone, "make", "plan", "START=101", "END=300").stdout
    assert "sample    10 batches: positions 1-200" in run(clone, "make", "status").stdout


def test_bare_make_lists_the_targets(clone):
    listed = run(clone, "make").stdout
    for target in ("run", "fetch", "aggregate", "backfill", "plan", "status", "lab", "test"):
        assert f"\n{target} " in f"\n{listed}"


def test_clean_keeps_fetched_data(clone):
    before = data_of(clone / "output")
    ran = run(clone, "make", "clean")
    assert ran.returncode == 0
    assert f"removed the computed results in {clone / 'output'}; fetched data is kept" in ran.stdout
    assert not (clone / "output" / "runs").exists()
    fetched = {name for name in before if not name.startswith(("aggregations", "yearly"))}
    assert data_of(clone / "output").keys() == fetched
