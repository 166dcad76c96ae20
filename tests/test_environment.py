"""A user's settings for other programs reach neither figures, tables, kernels nor Java."""

import io
import json
import os
import re
import subprocess
import sys

import matplotlib as mpl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from neo_utils.environment import PROJECT_NAMES, chosen_environment
from neo_utils.figures.tables import captioned
from neo_utils.figures.yearly import approaches_per_year, plot_approaches_per_year
from neo_utils.settings.folders import PROJECT
from tests.test_figures import YEARLY, selection  # noqa: F401 - a fixture

TABLE = pd.DataFrame({"name": ["433 Eros"], "distance": [0.335523], "a": [1.5], "b": [2e-7]})


@pytest.fixture
def users_options():
    """A style and options that a user has set in a notebook of theirs."""
    style = {
        "axes.facecolor": "black",
        "axes.prop_cycle": mpl.cycler("color", ["white"]),
        "font.family": "Nothing Such",
        "text.usetex": True,
        "figure.dpi": 10,
        "savefig.transparent": True,
        "axes.formatter.limits": (0, 0),
        "hatch.color": "white",
    }
    options = ("display.precision", 1, "display.max_columns", 1, "display.chop_threshold", 1)
    with (
        mpl.rc_context(style),
        pd.option_context(*options, "display.float_format", "{:.0f}".format),
    ):
        yield


def pixels(selection):  # noqa: F811 - as above
    png = plot_approaches_per_year(approaches_per_year(YEARLY), selection).png
    return mpl.image.imread(io.BytesIO(png))


@pytest.fixture
def expected(selection):  # noqa: F811
    """Computed before the user's options are set."""
    return pixels(selection), captioned(TABLE, "A table", selection).html


@pytest.mark.usefixtures("expected", "users_options")  # in this order
def test_figures_ignore_the_users_style(expected, selection):  # noqa: F811
    assert (pixels(selection) == expected[0]).all()


@pytest.mark.usefixtures("expected", "users_options")
def test_tables_ignore_the_users_options(expected, selection):  # noqa: F811
    assert "0.335523" in expected[1]
    assert captioned(TABLE, "A table", selection).html == expected[1]


def test_children_receive_only_listed_variables():
    users = {
        **dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE"), "x"),
        **dict.fromkeys(("IPYTHONDIR", "JUPYTER_PATH", "JUPYTER_CONFIG_DIR", "MPLBACKEND"), "x"),
        **dict.fromkeys(("SPARK_REMOTE", "SPARK_API_MODE", "SPARK_CONF_DIR", "HADOOP_HOME"), "x"),
        **dict.fromkeys(("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "BASH_ENV"), "x"),
    }
    kept = {"PATH": "/bin", "LC_ALL": "C", "HTTPS_PROXY": "http://p", "SSL_CERT_FILE": "/c"}
    key = {"API_KEY": "canary"}
    assert chosen_environment(users | kept | key) == kept
    assert chosen_environment(users | kept | key, PROJECT_NAMES) == kept | key


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def hostile(tmp_path):
    """The variables of a user whose settings are for other programs, as strong as they can be."""
    stop = "raise SystemExit('settings of the user')\n"
    users = tmp_path / "users"
    write(users / "ipython/profile_default/startup/0.py", "import pandas; pandas.cut = None\n")
    write(users / "ipython/profile_default/ipython_config.py", stop)
    write(users / "config/jupyter_config.py", stop)
    kernel = {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "x"}
    write(users / "jupyter/kernels/python3/kernel.json", json.dumps(kernel))
    for template in ("base", "lab"):
        conf = {"base_template": "base"} if template == "lab" else {}
        write(users / f"jupyter/nbconvert/templates/{template}/conf.json", json.dumps(conf))
        write(users / f"jupyter/nbconvert/templates/{template}/index.html.j2", "canary")
    write(users / "packages/pandas.py", stop)
    write(users / "packages/sitecustomize.py", stop)
    hadoop = "<property><name>fs.defaultFS</name><value>hdfs://127.0.0.1:9</value></property>"
    write(users / "hadoop/core-site.xml", f"<configuration>{hadoop}</configuration>")
    style = "text.usetex: True\naxes.facecolor: black\nfont.family: Nothing Such\n"
    return {
        "IPYTHONDIR": str(users / "ipython"),
        "JUPYTER_PATH": str(users / "jupyter"),
        "JUPYTER_DATA_DIR": str(users / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(users / "config"),
        "MATPLOTLIBRC": str(write(users / "matplotlibrc", style)),
        "MPLBACKEND": "none such",
        "PYTHONPATH": str(users / "packages"),
        "PYTHONHOME": str(users),
        "PYTHONSTARTUP": str(users / "packages/pandas.py"),
        "HADOOP_CONF_DIR": str(users / "hadoop"),
        "YARN_CONF_DIR": str(users / "hadoop"),
        "SPARK_HOME": str(users),
        "SPARK_CONF_DIR": str(users),
        "SPARK_REMOTE": "sc://127.0.0.1:9",
        "SPARK_API_MODE": "connect",
        "SPARK_CONNECT_MODE": "1",
        "SPARK_CONNECT_MODE_ENABLED": "1",
        "PYSPARK_SUBMIT_ARGS": "--none-such",
        "JAVA_TOOL_OPTIONS": "-XX:NoneSuch",
        "_JAVA_OPTIONS": "-XX:NoneSuch",
        "JDK_JAVA_OPTIONS": "-XX:NoneSuch",
        "CLASSPATH": str(users),
    }


def result(output, master, **environment):
    """Run as ``make`` does; return the tables, and the cells and figures of the report."""
    ours = {"END": "20", "SOURCE": "sample", "MASTER": master, "OUTPUT_DIR": str(output)}
    ran = subprocess.run(
        [sys.executable, "-I", "-m", "neo_utils", "run"],
        cwd=PROJECT,
        env=os.environ | ours | environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    tables = [
        pq.read_table(output / name / "batches-1-20/part-0.parquet", partitioning=None)
        for name in ("aggregations", "yearly_statistics")
    ]
    report = (output / "runs/batches-1-20/report.html").read_text()
    # Without the engine and the command, which differ by intention.
    shown = re.findall(r'<td>(?!make |DuckDB |Spark ).*?</td>|data:image/png;base64,[^"]+', report)
    assert len(shown) > 2_000
    return [table.to_pylist() for table in tables], shown


@pytest.mark.slow
@pytest.mark.parametrize("master", ["duckdb", "local[2]"])
def test_a_run_ignores_the_users_settings_of_other_programs(tmp_path, hostile, master):
    expected = result(tmp_path / "expected", "duckdb")
    assert result(tmp_path / "output", master, **hostile) == expected


def test_make_starts_the_commands_in_isolated_mode():
    assert "\nNEO   := @$(BIN)/python -I -m neo_utils\n" in (PROJECT / "Makefile").read_text()
