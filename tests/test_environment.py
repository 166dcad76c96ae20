"""A user's settings for other programs reach neither figures, tables, kernels nor Java."""

import io

import matplotlib as mpl
import pandas as pd
import pytest

from neo_utils.environment import PROJECT_NAMES, chosen_environment
from neo_utils.figures.yearly import approaches_per_year, plot_approaches_per_year
from neo_utils.presentation import captioned, show
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
    png = show(plot_approaches_per_year(approaches_per_year(YEARLY), selection)).data
    return mpl.image.imread(io.BytesIO(png))


@pytest.fixture
def expected(selection):  # noqa: F811
    """Computed before the user's options are set."""
    return pixels(selection), captioned(TABLE, "A table", selection).data


def test_figures_ignore_the_users_style(expected, selection, users_options):  # noqa: F811
    assert (pixels(selection) == expected[0]).all()


def test_tables_ignore_the_users_options(expected, selection, users_options):  # noqa: F811
    assert "0.335523" in expected[1]
    assert captioned(TABLE, "A table", selection).data == expected[1]


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
