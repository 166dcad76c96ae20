"""Untrusted text is printed without control characters or forged lines."""

import io
import json
import logging
import shlex
import subprocess
import sys

import pytest

from neo_utils.errors import ServiceFailure, exit_status_of
from neo_utils.fetch.fetching import fetch
from neo_utils.interface import plan_fetch, select
from neo_utils.run.execution import NotebookFailed
from neo_utils.run.terminal import status_text
from neo_utils.run.upkeep import verify_text
from neo_utils.sample import service
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import parse_settings
from neo_utils.store.consistency import drift_notes
from neo_utils.text import PrintableFormatter, guard_terminal, printable

ID = (
    "1\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u200b\x7f\r\u2028note      forged\x0bline\n"
    "note      forged line"
)
SHOWN = (
    r"1\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u200b\x7f\r\u2028note      forged\x0bline\n"
    "note      forged line"
)


def test_escapes_unprintable_characters():
    assert printable(ID) == SHOWN
    assert printable("(2019 ÅÄ1) 天 _-") == "(2019 ÅÄ1) 天 _-"
    assert printable("\udcff.\U000e0041") == r"\udcff.\U000e0041"
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert printable(every).isprintable()


def test_error_message_is_one_line(tmp_path):
    failure = ServiceFailure(f"{ID} redirects")
    assert str(failure) == f"{SHOWN} redirects"
    assert failure._render_traceback_() == [f"ServiceFailure: {SHOWN} redirects"]
    assert str(NotebookFailed(ID)) == SHOWN
    two = str(NotebookFailed(ID, tmp_path / ID.replace("/", "")))
    assert two.splitlines() == [SHOWN, f"  notebook up to the failure: {tmp_path}/{SHOWN}"]
    assert exit_status_of("ServiceFailure") == 4


def test_log_record_is_one_line():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrintableFormatter("%(levelname)s %(message)s"))
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "id %s", (ID,), None))
    assert stream.getvalue() == f"INFO id {SHOWN}\n"


def test_guarded_streams_keep_line_breaks_and_progress_bar(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    guard_terminal()
    print("a\tb\x1b[2J\rc")
    print("\rfetching 3\x1b[2J", file=sys.stderr, flush=True)
    assert not sys.stderr.isatty()
    assert out.getvalue() == "a\tb\\x1b[2J\\rc\n"
    assert err.getvalue() == "\rfetching 3\\x1b[2J\n"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Return an output of two pages that share a hostile id."""
    output = tmp_path_factory.mktemp("output")

    def answer(url, headers):
        given = service.answer(url, headers)
        page = json.loads(given.body)
        page["near_earth_objects"][0]["id"] = ID
        return given._replace(body=json.dumps(page).encode())

    with service.serve(answer=answer) as url:
        fetch(plan_fetch(1, 40, "nasa", url, str(output)))
    return output


def test_drift_note_is_one_short_line(hostile):
    selection = select(1, 40, "nasa", str(hostile))
    (note,) = (n for n in drift_notes(hostile, selection.provenances) if "two batches" in n)
    assert note.isprintable()
    assert f"({SHOWN[:30]}" in note
    assert len(note) < 250


def test_commands_print_no_control_characters(hostile):
    settings = parse_settings({"end": 40, "source": "nasa", "output_dir": str(hostile)})
    lines = status_text(settings).splitlines()
    assert [line.split()[0] for line in lines] == [
        *("nasa", "ages"),
        *["note"] * (len(lines) - 7),
        *("rejected", "segments", "history", "results", "folder"),
    ]
    assert "2 batches" in verify_text(settings)
    environment = {"START": "1", "END": "40", "SOURCE": "nasa", "OUTPUT_DIR": str(hostile)}
    for command, settings, status in (
        ("status", {}, 0),
        ("status", {"SOURCE": ID}, 2),
        ("status", {"OUTPUT_DIR": str(hostile / "raw" / ID.replace("/", ""))}, 2),
        ("reconcile", {"NEOS": f"433 {ID}"}, 1),
        ("upcoming", {"BODY": "any", "DAYS": "36525", "WITHIN": "9"}, 0),
        ("upcoming", {"BODY": "any", "FORMAT": "csv"}, 0),
        ("upcoming", {"BODY": "any", "FORMAT": "json"}, 0),
        ("upcoming", {"BODY": "any", "FORMAT": "ics"}, 0),
        ("top nearest --body any", {}, 0),
        ("show 433x", {}, 1),
        ("sql 'SELECT neo_id, name FROM neos'", {}, 0),
        ("sql 'FROM passages' --format csv", {}, 0),
    ):
        ran = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "neo_utils", *shlex.split(command)],
            cwd=PROJECT,
            env=environment | settings,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        printed = (ran.stdout + ran.stderr).decode()
        assert ran.returncode == status, printed
        # A calendar has CR LF (RFC 5545), and continues a long line after a blank.
        assert printed.replace("\r\n", "").replace("\n", "").isprintable()
        assert not [line for line in printed.splitlines() if line.startswith("note      forged")]
