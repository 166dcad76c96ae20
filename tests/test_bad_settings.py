"""Unusable settings of any kind end a command with status 2 and one line, in little memory."""

import os
import resource
import subprocess
import sys
import time

import pytest

from neo_utils.cli import main
from neo_utils.environment import PROJECT_NAMES
from neo_utils.errors import WrongParameter
from neo_utils.run.comparisons import drift_between
from neo_utils.settings.folders import PROJECT, output_folder
from neo_utils.settings.run_settings import parse_settings, read_run_settings
from neo_utils.settings.variables import read_env_file

DEFAULT = PROJECT / "parameters/default.yaml"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.fixture
def clean(monkeypatch, tmp_path):
    """No setting of the user's own, and a fresh output folder."""
    for name in PROJECT_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "output"))
    return monkeypatch


def refused(capsys, file=DEFAULT):
    """Run a command, and return the one line that it prints before it ends with status 2."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    status = main(["plan", "--parameters", str(file)])
    out, err = capsys.readouterr()
    assert (status, out) == (2, ""), err
    (line,) = err.splitlines()
    assert time.monotonic() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB
    assert len(line) < 700
    assert line.isprintable()
    return line


SETTINGS = [
    *[("START", value) for value in ("9" * 5000, "-" + "9" * 5000, "0" * 5000 + "2", "10000001")],
    *[("END", value) for value in ("9" * 5000, "9999999999999999999", "10000020", "1e9", "²0")],
    *[("SOURCE", "x" * 5000), ("MASTER", "x" * 5000), ("MASTER", "local[99999999]")],
    *[("API_URL", "https://" + "x" * 9000 + "!"), ("LOG_LEVEL", "\x1b[31m"), ("WAIT", "1\n2")],
    *[("OUTPUT_DIR", f"{scheme}://bucket/neo") for scheme in ("s3", "s3a", "hdfs", "gs", "abfss")],
    *[("OUTPUT_DIR", value) for value in ("s3:", "s3a:/x", "file:///data", "FILE:/x", "s3:bucket")],
    *[
        ("OUTPUT_DIR", value)
        for value in ("a\nb", "a\x1b[31mb", "a\udcffb", "a\u2028b", "C:\\data")
    ],
    *[("OUTPUT_DIR", value) for value in ("x" * 300, "x/" * 3000, "~nobodyatall/x")],
]


@pytest.mark.parametrize(("name", "value"), SETTINGS, ids=range(len(SETTINGS)))
def test_rejects_a_bad_setting_in_one_line(clean, capsys, name, value):
    clean.setenv(name, value)
    assert f"{name}=" in refused(capsys)


@pytest.mark.parametrize(
    ("address", "advised"),
    [
        ("s3://bucket/neo", "AGAINST=older-output"),
        ("file:///data/neo%20x", "AGAINST=/data/neo x"),
        ("hdfs:", "AGAINST=older-output"),
    ],
)
def test_url_as_folder_gives_the_nearest_valid_value(address, advised):
    with pytest.raises(WrongParameter, match=f"^AGAINST={address} is an address.* Use {advised}$"):
        drift_between(parse_settings({}), address)


@pytest.mark.parametrize("name", ["a:b", "2026-03-01T12:00", "s3", "file", "données", "a b"])
def test_resolves_any_relative_folder_in_the_project(monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    assert output_folder(name) == PROJECT / name
    assert output_folder(tmp_path) == tmp_path


FILES = {
    "aliases": BOMB,
    "one alias": "start: &a 1\nend: *a\n",
    "nested lists": "start: " + "[" * 10_000,
    "nested mappings": "spark_conf: " + "{a: " * 5_000,
    "nested blocks": "".join("  " * n + "a:\n" for n in range(150)),
    "too large": "# " + "x" * 1_000_000,
    "a repeated name": "start: 1\nstart: 21\n",
    "a huge integer": "start: " + "9" * 5_000,
    "a huge hexadecimal": "end: 0x" + "f" * 20_000,
    "a huge base 60": "end: " + ":".join(["59"] * 5_000),
    "a huge threshold": "threshold_au: " + "9" * 4_000,
    "a threshold below any distance": "threshold_au: 1.0e-300",
    "a text as threshold": "threshold_au: 1e400",
    "a nan to wait for": "longest_wait_s: .nan",
    "a date": "start: 2026-01-01",
    "a date that is none": "start: 2026-13-45",
    "a list": "start: [1]",
    "a mapping as folder": "output_dir: {a: b}",
    "a nested setting of Spark": "spark_conf: {spark.x: [1, 2]}",
    "a huge setting of Spark": "spark_conf: {spark.x: " + "9" * 4_000 + "}",
    "an infinite setting of Spark": "spark_conf: {spark.x: .inf}",
    "a date as setting of Spark": "spark_conf: {spark.x: 2026-01-01}",
    "no setting of Spark": "spark_conf: {spark.x: null}",
    "a setting of Spark on two lines": 'spark_conf: {spark.x: "a\\nb"}',
    "a number as name of a setting": "spark_conf: {1: x}",
    "a long name of a setting": "spark_conf: {" + "x" * 1_000 + ": x}",
    "a tag of Python": "start: !!python/object/apply:os.getcwd []",
    "a list as name": "? [1]\n: 2\n",
    "a huge name": "? " + "9" * 900 + "\n: 2\n",
    "a long name": "x" * 900 + ": 2\n",
    "control characters": "source: \x1b[31m\n",
    "two documents": "start: 1\n---\nstart: 21\n",
    "NUL": 'output_dir: "a\\0b"',
}


@pytest.mark.parametrize("kind", FILES)
def test_rejects_a_bad_parameters_file_in_one_line(clean, capsys, tmp_path, kind):
    clean.delenv("OUTPUT_DIR")
    file = tmp_path / "bad.yaml"
    file.write_text(FILES[kind])
    refused(capsys, file)


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop", "bytes", "name"])
def test_rejects_non_text_file_immediately(capsys, tmp_path, kind):
    file = tmp_path / "bad.yaml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "loop":
        file.symlink_to(file)
    elif kind == "bytes":
        file.write_bytes(b"start: \xff\n")
    else:
        file = tmp_path / "bad\udcff\n.yaml"
    refused(capsys, file)


@pytest.mark.parametrize("threshold", [1e-6, 1e-05, 0.2, 1, 999])
def test_accepts_every_threshold_in_range(tmp_path, threshold):
    file = tmp_path / "good.yaml"
    file.write_text(f"threshold_au: {threshold}\nspark_conf: {{spark.sql.x: 1, spark.y: true}}\n")
    assert read_run_settings(file, {}, tmp_path / ".env").threshold_au == threshold


def env_file(tmp_path, text):
    file = tmp_path / ".env"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OUTPUT_DIR=${HOME}/neo", "/home/me/neo"),
        ("OUTPUT_DIR='${HOME}/neo'", "/home/me/neo"),  # as python-dotenv expands it
        ("BASE=/data\nOUTPUT_DIR=${BASE}/neo", "/data/neo"),
        ("OUTPUT_DIR=${BASE:-/else}/neo", "/else/neo"),
    ],
)
def test_expands_braces_in_the_env_file(tmp_path, text, expected):
    values = read_env_file(env_file(tmp_path, text), {"HOME": "/home/me"})
    assert values["OUTPUT_DIR"] == expected


KEY = "canary0123456789canary0123456789canary01"
OTHER_FORM = r"OUTPUT_DIR in \.env uses \$ in another form"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *[(f"OUTPUT_DIR={v}", OTHER_FORM) for v in ("$HOME/neo", "${HOME/neo", "$(pwd)/neo")],
        ("OUTPUT_DIR=${HOME:-${BASE}}/neo", OTHER_FORM),
        ("OUTPUT_DIR=${NOWHERE}/neo", r"OUTPUT_DIR in \.env uses \$\{NOWHERE\}, which is not set"),
        ("A=xxxxxxxxxx\n" + "A=${A}${A}\n" * 40, "A in .env has more than 4,096 characters"),
        ("A=" + "x" * 100_000, "cannot be read .more than 65,536 bytes"),
        (f"START=1\n{KEY}\n", "line 2 is not NAME=value"),
        (f"API_KEY='{KEY}", "line 1 is not NAME=value"),
        (f"this is {KEY}", "line 1 is not NAME=value"),
        (KEY.encode() + b" \xff\xfe", "cannot be read .not UTF-8 text"),
        (None, "cannot be read .not a regular file"),
    ],
)
def test_rejects_an_unusable_env_file_without_showing_it(tmp_path, content, message):
    file = tmp_path / ".env"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WrongParameter, match=message) as failure:
        read_env_file(file, {"HOME": "/home/me"})
    assert KEY not in str(failure.value)


def test_keeps_a_dollar_in_the_key(tmp_path):
    key = "canary$HOME-${HOME}-$$-0123456789"
    assert read_env_file(env_file(tmp_path, f"API_KEY={key}"), {"HOME": "/"})["API_KEY"] == key


def test_reports_only_unknown_names_in_the_env_file_once(tmp_path, capsys):
    text = (
        "OUTPUTDIR=secret-1\nstart=1\nZZZ=2\nBASE=x\nEND=${BASE:-}40\nCOMPOSE_FILE=x\nAGAINST=y\n"
    )
    text += "API_KEY=canary-0123456789-abc\nSTART=1\nNEOS=433\nWAIT=0\nEVENT_LOG_DIR=x\n"
    read_run_settings(DEFAULT, {"END": "40"}, env_file(tmp_path, text))
    assert capsys.readouterr().err == (
        "warning: .env sets names that are not used: OUTPUTDIR (did you mean OUTPUT_DIR?), "
        "start (did you mean START?), ZZZ\n"
    )


def test_prints_a_folder_that_the_locale_cannot_encode(tmp_path):
    folder = tmp_path / "données"
    ran = subprocess.run(
        [sys.executable, "-m", "neo_utils", "status"],
        cwd=PROJECT,
        env={"OUTPUT_DIR": str(folder), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert rb"nothing is stored in" in ran.stdout
    assert rb"donn\xe9es" in ran.stdout
