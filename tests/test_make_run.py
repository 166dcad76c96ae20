"""One `make run` on Spark in this checkout; `test_pipeline` tests more in a fresh clone."""

import pyarrow.parquet as pq

from neo_utils.sample.catalogue import page_body
from neo_utils.settings.folders import PROJECT
from tests.clones import run, stored_rows
from tests.oracle import metrics_of

PAGES = [page_body(number, 20, "k") for number in range(10)]


def test_make_run_stores_counts_and_reports_200_neos(tmp_path):
    given = ("START=1", "END=200", "SOURCE=sample", "MASTER=local[2]", f"OUTPUT_DIR={tmp_path}")
    ran = run(PROJECT, "make", "run", *given)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    summary = ran.stdout.partition("done in ")[2]
    assert "simulated sample, not NASA data" in summary
    counts = [line for line in summary.splitlines() if line.startswith(("approaches", " "))]
    assert "to Earth closer than 0.2 AU" in counts[0]
    assert "to any body" in counts[1]
    tables = [pq.read_table(p, partitioning=None) for p in tmp_path.glob("raw/*/*.parquet")]
    assert [table.num_rows for table in tables] == [20] * 10
    assert dict(stored_rows(tmp_path)) == metrics_of(PAGES, "0.2")
    kept = {path.name for path in (tmp_path / "runs/batches-1-200").iterdir()}
    assert kept >= {"fetch.ipynb", "aggregate.ipynb", "report.html"}
