"""A user's settings for other programs do not affect figures, tables, kernels or Java."""

import io
import json
import re
import sys
from contextlib import contextmanager

import matplotlib as mpl
import pandas as pd
import pytest

from neo_utils.environment import PROJECT_NAMES, chosen_environment
from neo_utils.figures.tables import captioned
from neo_utils.figures.yearly import approaches_per_year, plot_approaches_per_year
from neo_utils.settings.folders import PROJECT
from tests.clones import run, stored_rows
from tests.test_figures import YEARLY, selection  # noqa: F401 - a fixture

TABLE = pd.DataFrame({"name": ["433 Eros"], "distance": [0.335523], "a": [1.5], "b": [2e-7]})


@contextmanager
def users_options():
    """Set a style and options, as a user may in a notebook."""
    style = {
        "axes.facecolor": "black",
        "axes.prop_cycle": mpl.cycler("color", ["white"]),
        "font.family": "Nothing Such",
        "text.usetex": True,
        "figure.dpi": 10,
        "savefig.transparent": True,
        "axes.formatter.limits": (0, 0),
    }
    options = ("display.precision", 1, "display.max_columns", 1, "display.chop_threshold", 1)
    with (
        mpl.rc_context(style),
        pd.option_context(*options, "display.float_format", "{:.0f}".format),
    ):
        yield


def pixels(selection):  # noqa: F811 - as above
    png = plot_approaches_per_year(approaches_per_year(YEARLY), selection, 0.2).png
    return mpl.image.imread(io.BytesIO(png))


def test_figures_and_tables_ignore_the_users_options(selection):  # noqa: F811
    figure, table = pixels(selection), captioned(TABLE, "A table", selection).html
    assert "0.335523" in table
    with users_options():
        assert (pixels(selection) == figure).all()
        assert captioned(TABLE, "A table", selection).html == table


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
    """Return variables of other programs that would break a run if they had an effect."""
    stop = "raise SystemExit('settings of the user')\n"
    users = tmp_path / "users"
    write(users / "ipython/profile_default/startup/0.py", "import pandas; pandas.cut = None\n")
    write(users / "ipython/profile_default/ipython_config.py", stop)
    write(users / "config/jupyter_config.py", stop)
    kernel = {"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "x"}
    write(users / "jupyter/kernels/python3/kernel.json", json.dumps(kernel))
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
    ran = run(PROJECT, sys.executable, "-I", "-m", "neo_utils", "run", **ours, **environment)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    names = ("aggregations", "yearly_statistics")
    tables = [stored_rows(output, name, "batches-1-20") for name in names]
    report = (output / "runs/batches-1-20/report.html").read_text()
    # Without engine, tasks and command, which are expected to differ.
    same = "<td>(?!make |DuckDB |Spark |all ).*?</td>"
    shown = re.findall(rf'{same}|data:image/png;base64,[^"]+', report)
    assert len(shown) > 2_000
    return tables, shown


@pytest.mark.slow
@pytest.mark.parametrize("master", ["duckdb", "local[2]"])
def test_run_ignores_the_users_settings_of_other_programs(tmp_path, hostile, master):
    expected = result(tmp_path / "expected", "duckdb")
    assert result(tmp_path / "output", master, **hostile) == expected


def test_make_starts_the_commands_in_isolated_mode():
    assert "\nNEO   := @$(BIN)/python -I -m neo_utils\n" in (PROJECT / "Makefile").read_text()
