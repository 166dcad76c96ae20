"""The command ``neo``: its options, its help, and the order in which settings override others."""

import re
import subprocess
import sys

import pytest

import neo_utils as neo
from neo_utils.cli import main
from neo_utils.run.command_line import command_line, run_settings
from neo_utils.run.commands import COMMANDS
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import PARAMETERS, meaning_of


def settings_of(*arguments):
    return run_settings(command_line(arguments))


def test_option_overrides_environment_and_parameters_file(monkeypatch, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("end: 60\nsource: nasa\nthreshold_au: 0.1\n")
    monkeypatch.setenv("SOURCE", "sample")
    monkeypatch.setenv("END", "80")
    settings = settings_of("run", "--end", "100", "--parameters", str(file))
    assert (settings.end, settings.source, settings.threshold_au) == (100, "sample", 0.1)


def test_parses_options_of_every_type():
    settings = settings_of(
        *("run", "--start", "21", "--end", "all", "--threshold-au", "1e-3", "--refetch", "--wait"),
        *("--no-parquet-dictionary", "--master", "duckdb"),
        *("--spark-conf", "spark.a=x=y", "--spark-conf", "spark.b=1"),
    )
    assert (settings.start, settings.end, settings.threshold_au) == (21, "all", 0.001)
    assert (settings.refetch, settings.parquet_dictionary) == (True, False)
    assert settings.longest_wait_s == 86_400
    assert settings.spark_conf == {"spark.a": "x=y", "spark.b": "1"}


def test_threshold_has_a_short_option():
    assert settings_of("aggregate", "--threshold", "0.05").threshold_au == 0.05


def test_backfill_fetches_stored_pages_again():
    assert settings_of("backfill").refetch
    assert not settings_of("fetch").refetch


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["run", "--start", "5"], r"run: START=5 .*Use 1 or 21"),
        (["run", "--threshold-au", "far"], r"run: THRESHOLD_AU=far is not valid. Use a number"),
        (["run", "--spark-conf", "spark.a"], r"run: --spark-conf spark.a is not valid. Use NAME="),
        (["run", "--strat", "1"], r"neo: unknown option --strat. Did you mean --start\?"),
        (["run", "--st", "1"], r"neo: unknown option --st. Did you mean --start\?"),
        (["status", "--start", "1"], r"neo: unknown option --start. Run `neo status --help`"),
        (["ran"], r"neo: unknown command ran. Did you mean run\?"),
        (["x"], r"neo: unknown command x. Run `neo --help`"),
    ],
)
def test_wrong_option_gives_one_line_and_status_2(capsys, arguments, line):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(line + r".*\n", err)


def test_no_option_accepts_the_api_key():
    for command in COMMANDS.values():
        assert "api_key" not in command.parameters
    assert "api_key" not in PARAMETERS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_option(capsys, command):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name in COMMANDS[command].parameters:
        assert "--" + name.replace("_", "-") in text
        assert meaning_of(name) in text


def test_module_runs_the_command():
    ran = subprocess.run(
        [sys.executable, "-m", "neo_utils", "--help"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("usage: neo ")
    assert all(f"\n    {name}" in ran.stdout for name in COMMANDS)


def test_a_reader_that_ends_early_is_no_failure(tmp_path):
    neo.fetch_neos(neo.plan_fetch(1, 20, "sample", output_dir=str(tmp_path)))
    statement = "SELECT * FROM range(200_000)"
    command = [sys.executable, "-m", "neo_utils", "sql", statement, "--format", "csv"]
    with subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--output-dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ran:
        assert ran.stdout.readline() == b"range\n"
        ran.stdout.close()
        errors = ran.stderr.read().decode()
        assert ran.wait(60) == 141
    assert errors.startswith("Source: simulated sample")
    assert errors.count("\n") == 1


def test_command_alone_prints_the_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert "usage: neo" in capsys.readouterr().out


def test_make_targets_call_every_command():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    called = re.findall(r"^\t\$\(NEO\) ([a-z-]+)", makefile, re.MULTILINE)
    with_arguments = {"top", "show", "sql", "export"}
    assert set(called) == COMMANDS.keys() - with_arguments - {"clean"}
    assert "-m neo_utils clean --parameters" in makefile
