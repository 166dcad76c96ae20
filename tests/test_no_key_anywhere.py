"""Search every byte that runs with a canary key wrote or printed for that key."""

import base64
import contextlib
import html
import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.errors import WrongParameter
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch
from neo_utils.neows.client import without_key
from neo_utils.settings.folders import PROJECT
from tests import summary
from tests.faulty_service import http, sample_page, serve_faults

# With characters that percent-encoding, JSON and shells change.
KEY = "canary" + "+/=" + "4f&z'~%" + "0123456789"
ENCODED = urllib.parse.quote(KEY, safe="")
END = 60
PAGES = range(3)

# Spark records all its settings in the event log. The last line only saves time.
PARAMETERS = """
spark_conf:
  spark.eventLog.enabled: true
  spark.eventLog.compress: false
  spark.eventLog.dir: {folder}/spark-events
  spark.local.dir: {folder}/spark-work
  spark.sql.shuffle.partitions: 1
"""


def forms_of(key):
    """Return byte strings, one of which is in any text that contains the key."""
    plain = key.encode()
    quoted = {urllib.parse.quote(key, safe=safe) for safe in ("", "/", "/=+&'~")}
    quoted |= {urllib.parse.quote_plus(key)}
    # Some programs write percent-encoding in lower case.
    quoted |= {re.sub("%..", lambda m: m[0].lower(), text) for text in quoted}
    forms = {plain, json.dumps(key)[1:-1].replace("/", r"\/").encode()}
    forms |= {text.encode() for text in quoted}
    forms |= {html.escape(key).encode(), html.escape(key, quote=False).encode()}  # in a VOTable
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # Leave out the characters that depend on the neighbours of the key.
            whole = (before + len(plain)) // 3 * 3
            forms.add(encode(b"\0" * before + plain)[-(-before * 8 // 6) : whole * 8 // 6])
    return forms


FORMS = forms_of(KEY)


def unpacked(path):
    """Return the compressed content of a file: pages, columns, images."""
    content = path.read_bytes()
    if path.suffix == ".zst":
        return [pa.input_stream(io.BytesIO(content), compression="zstd").read()]
    if path.suffix == ".parquet":
        table = pq.read_table(path, partitioning=None)
        texts = [c for c in table.itercolumns() if pa.types.is_string(c.type)]
        schema = pq.read_schema(path)
        metadata = [schema.metadata or {}, *((field.metadata or {}) for field in schema)]
        return ["\n".join(filter(None, column.to_pylist())).encode() for column in texts] + [
            b"\n".join([*one.keys(), *one.values()]) for one in metadata
        ]
    if path.suffix == ".ipynb":
        outputs = [o for c in nbformat.read(path, 4).cells for o in c.get("outputs", [])]
        images = [o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})]
        return [base64.b64decode(image) for image in images]
    return []


class Scan(NamedTuple):
    files: int
    size: int
    findings: list[tuple[str, bytes]]


def search(*folders):
    """Search every file of the folders, and its path."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    texts = [(p.name, t) for p in files for t in [p.read_bytes(), str(p).encode(), *unpacked(p)]]
    findings = [(name, form) for name, text in texts for form in FORMS if form in text]
    return Scan(len(files), sum(len(text) for _, text in texts), findings)


class Ran(NamedTuple):
    """A run of the real command; its output and command lines are files in ``folder``."""

    folder: Path
    status: int
    looks: int

    @property
    def shown(self):
        return (self.folder / "shown").read_text()

    @property
    def command_lines(self):
        return (self.folder / "command-lines").read_bytes().splitlines()


def run_command(url, folder, command="run"):
    """Run to the end, and collect the command lines that other users can read meanwhile."""
    for name in ("home", "tmp", "spark-events", "spark-work"):
        (folder / name).mkdir(exist_ok=True)
    parameters = folder / "parameters.yaml"
    parameters.write_text(PARAMETERS.format(folder=folder), encoding="utf-8")
    command_lines, looks = set(), 0
    with (folder / "shown").open("wb") as shown:
        process = psutil.Popen(
            [sys.executable, "-m", "neo_utils", command, "--parameters", str(parameters)],
            cwd=PROJECT,
            env=os.environ
            | {"API_KEY": KEY, "SOURCE": "nasa", "API_URL": url, "START": "1", "END": str(END)}
            | {"OUTPUT_DIR": str(folder / "output"), "LOG_LEVEL": "DEBUG", "MASTER": "local[2]"}
            # Also search the files that Python, Jupyter and matplotlib write elsewhere.
            | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "WAIT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=shown,
            stderr=subprocess.STDOUT,
        )
        while process.poll() is None:
            for each in [process, *process.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):  # ended meanwhile
                    command_lines.add(os.fsencode(" ".join(each.cmdline()).replace("\n", " ")))
            looks += 1
            time.sleep(0.1)
    (folder / "command-lines").write_bytes(b"\n".join(command_lines))
    return Ran(folder, process.returncode, looks)


def repeat_key(body):
    """Repeat the key in a page where NeoWs does not: in names, in plain form, in an escape."""
    page = json.loads(body)
    for place, form in enumerate([KEY, ENCODED, ENCODED.lower(), f"http://x/?k={KEY}&page=1"]):
        page["near_earth_objects"][place]["name"] = form
    page["note"] = f"your key is {KEY}"
    page["near_earth_objects"][5]["orbital_data"]["first_observation_date"] = f"not {KEY}"
    page["near_earth_objects"][6]["close_approach_data"] = f"not {KEY}"
    return json.dumps(page).replace("/", r"\/").encode()


HEADERS_WITH_KEY = {"X_RateLimit_Remaining": KEY, "Date": KEY, "Set_Cookie": f"key={ENCODED}"}
SERVED = {page: sample_page(page, KEY) for page in PAGES} | {1: repeat_key(sample_page(1, KEY))}


def well(asked, _):
    return [http(SERVED[asked.page], **HEADERS_WITH_KEY)]


def refused(asked, closing):
    """Answer 500 and a broken page, then reject the key, with the key in every answer."""
    body = json.dumps({"error": {"code": KEY, "message": f"{KEY} {ENCODED}"}}).encode()
    if asked.page == 2:
        closing.wait(3)  # lets the other pages reach their second attempt
        return [http(body, 403, **HEADERS_WITH_KEY)]
    if asked.nth == 1:
        page = SERVED[asked.page]
        return [http(body, 500) if asked.page == 0 else http(page[: len(page) // 2])]
    return well(asked, closing)


def redirected(*_):
    target = f"https://{KEY}@canary.invalid/{ENCODED}?api_key={KEY}"
    return [http(f"<a href='{target}'>".encode(), 302, Location=target, **HEADERS_WITH_KEY)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return every run by name."""

    def run(answer):
        with serve_faults(answer) as faulty:
            return run_command(faulty.url, tmp_path_factory.mktemp(answer.__name__))

    answers = (well, refused, redirected)
    with ThreadPoolExecutor(2) as pool:
        return dict(zip((a.__name__ for a in answers), pool.map(run, answers), strict=True))


@pytest.mark.slow
def test_key_is_in_no_file_output_or_command_line(runs):
    scan = search(*(ran.folder for ran in runs.values()))
    command_lines = {line for ran in runs.values() for line in ran.command_lines}
    summary.LINES.append(
        f"search for the key: {len(runs)} runs, {scan.files} files, {scan.size / 1e6:.1f} MB "
        f"including unpacked content, {len(command_lines)} command lines in "
        f"{sum(ran.looks for ran in runs.values())} looks: {len(scan.findings)} findings"
    )
    assert scan.findings == []


@pytest.mark.slow
def test_searched_runs_ended_as_expected(runs):
    assert [ran.status for ran in runs.values()] == [0, 4, 4]
    shown = {name: ran.shown for name, ran in runs.items()}
    assert "rejected the API key. Check API_KEY" in shown["refused"]
    assert "redirects to another address. The redirect was not followed" in shown["redirected"]
    for name, text in shown.items():
        assert "Traceback" not in text, name
        # The log level was DEBUG.
        request = r"DEBUG neo_utils\.neows\.transport: GET http://127\.0\.0\.1:\d+/\S+: \d{3}, "
        assert re.search(request, text)


@pytest.mark.slow
def test_search_covers_every_place_where_a_key_could_be(runs):
    ran = runs["well"]
    output = ran.folder / "output"
    names = {path.name for path in output.rglob("*")}
    assert names > {"fetch.ipynb", "aggregate.ipynb", "spark.log", "rejected_21-40.jsonl"}
    assert len(list(output.glob("*/*/*.parquet"))) >= 2 * len(PAGES) + 2
    assert list((ran.folder / "spark-events").rglob("*"))
    joined = b"\n".join(ran.command_lines)
    assert b"ipykernel" in joined
    assert b"org.apache.spark.deploy.SparkSubmit" in joined
    assert ran.looks > 10


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("name", ["plain", "quoted", "base64", "parquet", "zst"])
def test_search_finds_a_planted_key(tmp_path, name, before):
    text = "x" * before + KEY + "y" * (3 - before)
    if name == "parquet":
        table = pa.table({"a": ["?"] * 1000 + [text] * 3})
        pq.write_table(table, tmp_path / "t.parquet", compression="zstd", write_statistics=False)
    else:
        content = {
            "plain": text.encode(),
            "quoted": urllib.parse.quote(text, safe="").encode(),
            "base64": base64.b64encode(text.encode()),
            "zst": pa.Codec("zstd").compress((text * 50).encode(), asbytes=True),
        }[name]
        (tmp_path / f"t.{name}").write_bytes(content)
    assert search(tmp_path).findings


@pytest.mark.slow
def test_archived_pages_differ_from_the_answers_only_in_the_key(runs):
    for page in PAGES:
        pages = runs["well"].folder / f"output/pages/batch-number={20 * page + 1}-{20 * page + 20}"
        (archived,) = (text for path in pages.iterdir() for text in unpacked(path))
        served = SERVED[page]
        for form in (KEY, ENCODED, ENCODED.lower()):
            for spelt in (form, form.replace("/", r"\/")):
                served = served.replace(spelt.encode(), b"REDACTED")
        assert archived == served
        assert archived.count(b"REDACTED") > 20


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        ENCODED,
        ENCODED.lower(),
        urllib.parse.quote(KEY),  # a slash is left as it is
        urllib.parse.quote(ENCODED, safe=""),  # an address within an address
        KEY.replace("/", r"\/"),
        KEY.replace("/", r"\u002f").replace("&", r"\u0026").replace("+", r"\u002B"),
        ENCODED.replace("%26", "&"),
    ],
)
def test_removes_the_key_in_every_spelling(form):
    body = f'{{"self": "http://x/?api_key={form}&page=1", "note": "{form}"}}'.encode()
    assert without_key(body, KEY) == (
        b'{"self": "http://x/?api_key=REDACTED&page=1", "note": "REDACTED"}'
    )


def test_rejects_plain_http_to_another_machine_before_sending_anything(tmp_path):
    url = "http://127.0.0.1.neows.example/neo/rest/v1/neo/browse"
    ran = run_command(url, tmp_path, "fetch")
    message = "would send the key unencrypted. Use https"
    assert (ran.status, ran.shown) == (2, f"fetch: API_URL={url} {message}\n")
    assert search(tmp_path).findings == []
    with pytest.raises(WrongParameter, match=message):  # also if a notebook runs by hand
        plan_fetch(1, 20, "nasa", url, str(tmp_path))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_receives_the_key_for_a_local_service(name, tmp_path, monkeypatch):
    for other in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("API_KEY", KEY)
    with serve_faults(lambda *_: [http()]) as proxy, serve_faults(well) as faulty:
        monkeypatch.setenv(name, f"http://{proxy.address}")
        fetch(plan_fetch(1, 20, "nasa", faulty.url, str(tmp_path)))
    assert faulty.requests == {0: 1}
    assert not proxy.requests
