"""After runs with a canary key, every byte that they left or showed is searched for it."""

import base64
import contextlib
import html
import io
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_utils.errors import WrongParameter
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.neows.client import without_key
from neo_utils.settings.folders import PROJECT
from tests.faulty_service import http, sample_page, serve_faults

# With characters that percent-encoding, JSON and shells change.
KEY = "canary" + "+/=" + "4f&z'~%" + "0123456789"
ENCODED = urllib.parse.quote(KEY, safe="")
END = 60
PAGES = range(3)

# The event log tells all that Spark knows of itself; the last line is for speed alone.
PARAMETERS = """
spark_conf:
  spark.eventLog.enabled: true
  spark.eventLog.compress: false
  spark.eventLog.dir: {folder}/spark-events
  spark.local.dir: {folder}/spark-work
  spark.sql.shuffle.partitions: 1
"""


def forms_of(key):
    """Return the byte strings of which one is there wherever the key is."""
    plain = key.encode()
    quoted = {urllib.parse.quote(key, safe=safe) for safe in ("", "/", "/=+&'~")}
    quoted |= {urllib.parse.quote_plus(key)}
    # Without "a" to "f" in upper case, as some write percent-encoding.
    quoted |= {re.sub("%..", lambda m: m[0].lower(), text) for text in quoted}
    forms = {plain, json.dumps(key)[1:-1].replace("/", r"\/").encode()}
    forms |= {text.encode() for text in quoted}
    forms |= {html.escape(key).encode(), html.escape(key, quote=False).encode()}  # in a VOTable
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # The characters that depend on the neighbours of the key are left out.
            whole = (before + len(plain)) // 3 * 3
            forms.add(encode(b"\0" * before + plain)[-(-before * 8 // 6) : whole * 8 // 6])
    return forms


FORMS = forms_of(KEY)


def found_in(content):
    return [form for form in FORMS if form in content]


def unpacked(path):
    """Return what a file holds beyond its bytes: pages and columns that are compressed, images."""
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


class Scan:
    """Searches folders and texts, and counts what it has searched."""

    def __init__(self):
        self.files = self.bytes = 0
        self.findings = []

    def folder(self, folder):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self.files += 1
            for content in [path.read_bytes(), str(path).encode(), *unpacked(path)]:
                self.text(path.name, content)

    def text(self, name, content):
        self.bytes += len(content)
        self.findings += [(name, form) for form in found_in(content)]


class CommandLines(threading.Thread):
    """Collects, again and again, what anybody on the machine sees of a process and its children."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.seen, self.looks, self._end = root, set(), 0, threading.Event()

    def run(self):
        while not self._end.wait(0.1):
            ours = self._tree()
            for pid in ours:
                with contextlib.suppress(OSError):  # ended meanwhile
                    self.seen.add(Path(f"/proc/{pid}/cmdline").read_bytes())
            if self.looks % 10 == 0:
                ps = ["ps", "-eo", "pid,args", "-ww"]
                shown = subprocess.run(ps, capture_output=True, check=True).stdout  # noqa: S603
                lines = (line.split(None, 1) for line in shown.splitlines()[1:])
                self.seen |= {args for pid, args in lines if int(pid) in ours}
            self.looks += 1

    def _tree(self):
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # After the name in brackets, which may hold anything: the state, the parent.
                parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        ours = {self.root}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return ours

    def end(self):
        self._end.set()
        self.join()


class Ran:
    """One run of the real command, to its end: status, terminal output, command lines seen."""

    def __init__(self, url, folder, command="run"):
        for name in ("home", "tmp", "spark-events", "spark-work"):
            (folder / name).mkdir(exist_ok=True)
        parameters = folder / "parameters.yaml"
        parameters.write_text(PARAMETERS.format(folder=folder), encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603 -- the project's own command
            [sys.executable, "-m", "neo_utils", command, "--parameters", str(parameters)],
            cwd=PROJECT,
            env=os.environ
            | {"API_KEY": KEY, "SOURCE": "nasa", "API_URL": url, "START": "1", "END": str(END)}
            | {"OUTPUT_DIR": str(folder / "output"), "LOG_LEVEL": "DEBUG", "MASTER": "local[2]"}
            # So that what Python, Jupyter and matplotlib leave elsewhere is searched as well.
            | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "WAIT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines = CommandLines(process.pid)
        lines.start()
        try:
            self.shown = process.communicate(timeout=300)[0]
        finally:
            process.kill()
            lines.end()
        self.status, self.command_lines, self.looks = process.returncode, lines.seen, lines.looks


def talkative(body):
    """Let a page repeat the key where NeoWs does not: in a name, in plain form, in an escape."""
    page = json.loads(body)
    for place, form in enumerate([KEY, ENCODED, ENCODED.lower(), f"http://x/?k={KEY}&page=1"]):
        page["near_earth_objects"][place]["name"] = form
    page["note"] = f"your key is {KEY}"
    page["near_earth_objects"][5]["orbital_data"]["first_observation_date"] = f"not {KEY}"
    page["near_earth_objects"][6]["close_approach_data"] = f"not {KEY}"
    return json.dumps(page).replace("/", r"\/").encode()


TELLING_HEADERS = {"X_RateLimit_Remaining": KEY, "Date": KEY, "Set_Cookie": f"key={ENCODED}"}
SERVED = {page: sample_page(page, KEY) for page in PAGES} | {1: talkative(sample_page(1, KEY))}


def well(asked, _):
    return [http(SERVED[asked.page], **TELLING_HEADERS)]


def refused(asked, closing):
    """Answer 500 and a broken page at first, then refuse the key, and repeat it all the while."""
    told = json.dumps({"error": {"code": KEY, "message": f"{KEY} {ENCODED}"}}).encode()
    if asked.page == 2:
        closing.wait(3)  # so that the others come to their second attempt
        return [http(told, 403, **TELLING_HEADERS)]
    if asked.nth == 1:
        page = SERVED[asked.page]
        return [http(told, 500) if asked.page == 0 else http(page[: len(page) // 2])]
    return well(asked, closing)


def redirected(*_):
    target = f"https://{KEY}@canary.invalid/{ENCODED}?api_key={KEY}"
    return [http(f"<a href='{target}'>".encode(), 302, Location=target, **TELLING_HEADERS)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return every run by name, and its folder."""

    def run(answer):
        folder = tmp_path_factory.mktemp(answer.__name__)
        with serve_faults(answer) as faulty:
            return answer.__name__, (Ran(faulty.url, folder), folder)

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(run, (well, refused, redirected)))


@pytest.mark.slow
def test_the_key_is_in_no_file_on_no_terminal_and_on_no_command_line(runs, capsys):
    scan = Scan()
    command_lines = set()
    for name, (ran, folder) in runs.items():
        scan.folder(folder)
        scan.text(f"terminal of {name}", ran.shown)
        for line in ran.command_lines:
            scan.text(f"a command line of {name}", line)
        command_lines |= ran.command_lines
    looks = sum(ran.looks for ran, _ in runs.values())
    with capsys.disabled():
        print(
            f"\ncanary scan: {len(runs)} runs, {scan.files} files, {scan.bytes / 1e6:.1f} MB with "
            f"what is packed in them, {len(command_lines)} command lines in {looks} looks: "
            f"{len(scan.findings)} findings"
        )
    assert scan.findings == []


@pytest.mark.slow
def test_the_runs_that_were_searched_went_as_they_should(runs):
    assert {name: ran.status for name, (ran, _) in runs.items()} == {
        "well": 0,
        "refused": 4,
        "redirected": 4,
    }
    shown = {name: ran.shown.decode() for name, (ran, _) in runs.items()}
    assert "rejected the API key. Check API_KEY" in shown["refused"]
    assert "redirects to another address. The redirect was not followed" in shown["redirected"]
    for name, text in shown.items():
        assert "Traceback" not in text, name
        # The log was at its most talkative.
        request = r"DEBUG neo_utils\.neows\.transport: GET http://127\.0\.0\.1:\d+/\S+: \d{3}, "
        assert re.search(request, text)


@pytest.mark.slow
def test_the_search_reached_the_places_where_a_key_could_be(runs):
    ran, folder = runs["well"]
    output = folder / "output"
    names = {path.name for path in output.rglob("*")}
    assert names > {"fetch.ipynb", "aggregate.ipynb", "spark.log", "rejected_21-40.jsonl"}
    assert len(list(output.glob("*/*/*.parquet"))) >= 2 * len(PAGES) + 2
    assert list((folder / "spark-events").rglob("*"))
    joined = b"\n".join(ran.command_lines)
    assert b"ipykernel" in joined
    assert b"org.apache.spark.deploy.SparkSubmit" in joined
    assert ran.looks > 10


@pytest.mark.parametrize("before", range(3))
@pytest.mark.parametrize("name", ["plain", "quoted", "base64", "parquet", "zst"])
def test_the_search_finds_a_key_that_was_put_there(tmp_path, name, before):
    text = "x" * before + KEY + "y" * (3 - before)
    if name == "parquet":
        table = pa.table({"a": ["?"] * 1000 + [text] * 3})
        pq.write_table(table, tmp_path / "t.parquet", compression="zstd", write_statistics=False)
    elif name == "zst":
        packed = pa.Codec("zstd").compress((text * 50).encode(), asbytes=True)
        (tmp_path / "t.zst").write_bytes(packed)
    else:
        forms = {
            "plain": text,
            "quoted": urllib.parse.quote(text, safe=""),
            "base64": base64.b64encode(text.encode()).decode(),
        }
        (tmp_path / "t.log").write_text(f"key={forms[name]}", encoding="utf-8")
    scan = Scan()
    scan.folder(tmp_path)
    assert scan.findings


@pytest.mark.slow
def test_the_archive_keeps_everything_of_the_answers_but_the_key(runs):
    _, folder = runs["well"]
    for page in PAGES:
        (path,) = (folder / "output/pages").glob(f"batch-number={20 * page + 1}-*/*.zst")
        archived = pa.input_stream(io.BytesIO(path.read_bytes()), compression="zstd").read()
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
def test_the_key_is_taken_out_in_every_spelling(form):
    body = f'{{"self": "http://x/?api_key={form}&page=1", "note": "{form}"}}'.encode()
    assert without_key(body, KEY) == (
        b'{"self": "http://x/?api_key=REDACTED&page=1", "note": "REDACTED"}'
    )


@pytest.mark.parametrize(
    "host", ["neows.example", "127.0.0.1.neows.example", "localhost.neows.example", "192.0.2.7:80"]
)
def test_plain_http_to_another_machine_is_refused_before_anything_is_sent(host, tmp_path):
    url = f"http://{host}/neo/rest/v1/neo/browse"
    ran = Ran(url, tmp_path, "fetch")
    assert ran.status == 2
    said = ran.shown.decode()
    assert said == f"fetch: API_URL={url} would send the key unencrypted. Use https\n"
    assert not found_in(ran.shown)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://neows.example/browse", "would send the key unencrypted"),
        ("http://[", "not a web address"),
        ("ftp://neows.example/", "not a web address"),
        ("http://neows.example:80\\@127.0.0.1/browse", "a user name"),  # parsers differ on the host
        ("http://neows.example:80\\.127.0.0.1/browse", "not a web address"),
    ],
)
def test_so_it_is_where_a_notebook_is_run_by_hand(url, said, tmp_path):
    with pytest.raises(WrongParameter, match=said):
        plan_fetch(1, 20, "nasa", url, str(tmp_path))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_gets_the_key_of_a_service_on_this_machine(name, tmp_path, monkeypatch):
    for other in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("API_KEY", KEY)
    with serve_faults(lambda *_: [http()]) as proxy, serve_faults(well) as faulty:
        monkeypatch.setenv(name, f"http://{proxy.address}")
        fetch(plan_fetch(1, 20, "nasa", faulty.url, str(tmp_path)))
    assert faulty.requests == {0: 1}
    assert not proxy.requests
