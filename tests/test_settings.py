import subprocess
import sys

import papermill
import pytest
import yaml

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.log import set_log_level
from neo_utils.settings.run_settings import RunSettings, parse_settings, read_run_settings
from neo_utils.settings.service_address import chosen_source
from neo_utils.settings.variables import api_key

DEFAULT = PROJECT / "parameters/default.yaml"


def parameters_of(tmp_path, environment=None, env_file="", file=DEFAULT):
    (tmp_path / ".env").write_text(env_file)
    return read_run_settings(file, environment or {}, tmp_path / ".env")


def test_environment_overrides_env_file_and_parameters_file(tmp_path):
    # make puts its command line into the environment.
    file = tmp_path / "run.yaml"
    file.write_text("start: 41\nend: 60\nsource: nasa\n")
    given = parameters_of(tmp_path, {"START": "1"}, "START=21\nEND=40\n", file)
    assert (given.start, given.end, given.source) == (1, 40, "nasa")


@pytest.mark.parametrize(
    ("environment", "name", "value"),
    [
        ({"START": "21", "END": "40"}, "start", 21),
        ({"END": "ALL"}, "end", "all"),
        ({"SOURCE": "", "MASTER": ""}, "source", "auto"),  # counts as not set
        ({"WAIT": "1"}, "longest_wait_s", 86_400),
        ({"WAIT": "0"}, "longest_wait_s", 60),
        ({"API_URL": "http://127.0.0.1:80/browse"}, "api_url", "http://127.0.0.1:80/browse"),
        (
            {"MASTER": "sc://h:443/;use_ssl=true;x-b-id=1"},
            "master",
            "sc://h:443/;use_ssl=true;x-b-id=1",
        ),
    ],
)
def test_parses_values_from_the_environment(tmp_path, environment, name, value):
    assert getattr(parameters_of(tmp_path, environment), name) == value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("START", "5", "Use 1 or 21"),
        ("END", "50", "Use 40 or 60"),
        ("END", "0", "Use 20"),
        ("START", "221", "is greater than END=200"),
        ("MASTER", "foo", r"Use local\[\*\]"),
        ("MASTER", "local[0]", "not a Spark master"),
        *[("MASTER", m, "not a Spark master") for m in ("spark://host", "yarn", "127.0.0.1:7077")],
        *[("MASTER", m, "not a Spark master") for m in ("sc://h:65536", "sc://h:1/use_ssl=true")],
        *[
            ("MASTER", f"sc://h:443/;{name}=hush", f"contains the parameter {name}. .* SPARK_CONNE")
            for name in ("token", "api_key", "x-auth", "pwd")
        ],
        *[
            ("MASTER", m, "is not a Spark master")
            for m in ("sc://hush:hush@h:443", "spark://u:hush@h:1", "sc://h:443/;token =hush")
        ],
        ("MASTER", "sc://h:443/;token:hush", "is not a Spark master"),
        ("SOURCE", "esa", "Use auto, nasa or sample"),
        ("LOG_LEVEL", "LOUD", "Use DEBUG"),
        ("API_URL", "api.nasa.gov", "not a web address"),
        ("API_URL", "http://example.org/browse", "unencrypted"),
        ("API_URL", "http://localhost.example.org/browse", "unencrypted"),
        ("API_URL", "http://192.0.2.7:80/browse", "unencrypted"),
        ("API_URL", "https://example.org/browse?api_key=hush", "contains a query"),
        ("API_URL", "http://[", "not a web address"),
        ("API_URL", "ftp://example.org/", "not a web address"),
        ("API_URL", "https://[::1/browse", "not a web address"),
        ("API_URL", "https://example.org:99999/browse", "not a web address"),
        # Parsers differ on the host.
        ("API_URL", "http://127.0.0.2:80\\@127.0.0.1/browse", "a user name"),
        ("API_URL", "http://127.0.0.2:80\\.127.0.0.1/browse", "not a web address"),
        ("API_URL", "https://:hush@example.org/browse", "a user name"),
        ("API_URL", "https://example.org/browse#hush", "contains a query"),
        ("API_URL", "https://example.org/bro wse", "not a web address"),
        ("API_KEY", "hu sh", "Copy it again"),
        ("API_KEY", "hush\nhush", "Copy it again"),
        ("API_KEY", "asteroid", "has 8 characters; NASA keys have 40"),
        ("WAIT", "yes", "Use 0 or 1"),
    ],
)
def test_wrong_value_gives_one_line_with_its_name_and_valid_values(tmp_path, name, value, message):
    with pytest.raises(WrongParameter, match=message) as error:
        parameters_of(tmp_path, {name: value})
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert "hush" not in str(error.value)


def test_threshold_is_short_for_threshold_au(tmp_path):
    assert parameters_of(tmp_path, {"THRESHOLD": "0.05"}).threshold_au == 0.05
    # The environment, where make puts its command line, precedes .env under both names.
    for name in ("THRESHOLD", "THRESHOLD_AU"):
        env_file = f"{name}=0.1\n"
        assert parameters_of(tmp_path, {"THRESHOLD": "0.05"}, env_file).threshold_au == 0.05
        assert parameters_of(tmp_path, {}, env_file).threshold_au == 0.1
    both = {"THRESHOLD": "0.05", "THRESHOLD_AU": "0.3"}
    with pytest.raises(WrongParameter, match="THRESHOLD=0.05 and THRESHOLD_AU=0.3 differ. Set one"):
        parameters_of(tmp_path, both)
    assert parameters_of(tmp_path, both | {"THRESHOLD": "0.3"}).threshold_au == 0.3
    with pytest.raises(WrongParameter, match="THRESHOLD_AU=far is not valid"):
        parameters_of(tmp_path, {"THRESHOLD": "far"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold_au: 0.1\n", "treshold_au, which is not a parameter. Use threshold_au$"),
        ("- 1\n", "run.yaml contains no `name: value` lines"),
        ("", "run.yaml contains no `name: value` lines"),
        ("start: [1\n", r"run.yaml cannot be read .not valid YAML, line 1: expected ',' or '\]'"),
        ("start: 1\nend 20\n", "not valid YAML, line 2: could not find expected ':'"),
        ("start: 1\nend: 'all\n", "not valid YAML, line 2: found unexpected end of stream"),
        ("start: 1\nend: 20: 40\n", "not valid YAML, line 2: mapping values are not allowed here"),
        ("start: 1\n\nend: \x02\n", "not valid YAML, line 3: an invalid character"),
        (None, "run.yaml cannot be read .No such file"),
    ],
)
def test_rejects_an_unusable_parameters_file(tmp_path, text, message):
    file = tmp_path / "run.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(WrongParameter, match=message):
        parameters_of(tmp_path, file=file)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("threshold_au", [0, -0.2, "far", True, None, float("nan"), float("inf"), 1e300]),
        ("longest_wait_s", [-0.5, "long", None, float("inf"), 10**30]),
        ("refetch", ["maybe", 1, None]),
        ("parquet_dictionary", ["yes", 0]),
        ("parquet_compression", ["foo", None, True]),
        ("output_dir", ["", None, 7]),
        ("source", [["nasa"], None]),
        ("master", [["local"], None]),
        ("spark_conf", [None, [], "a=b"]),
    ],
)
def test_rejects_a_value_of_another_type_by_name(name, values):
    for value in values:
        with pytest.raises(WrongParameter, match=rf"(?i){name}"):
            parse_settings({name: value})


def test_rejects_the_cluster_secret_as_a_parameter():
    conf = {"spark.authenticate.secret": "hush"}
    with pytest.raises(WrongParameter, match="CLUSTER_SECRET_FILE") as refusal:
        parse_settings({"spark_conf": conf})
    assert "hush" not in str(refusal.value)


def test_functions_check_source_and_log_level():
    assert chosen_source("auto", "a-key") == "nasa"
    assert chosen_source("auto", None) == "sample"
    assert chosen_source("nasa", None) == "nasa"
    assert chosen_source("auto", None, "http://127.0.0.1:8000/browse") == "nasa"
    with pytest.raises(WrongParameter, match="SOURCE=esa is not valid. Use auto, nasa or sample"):
        chosen_source("esa", None)
    with pytest.raises(WrongParameter, match="LOG_LEVEL=LOUD is not valid. Use DEBUG, INFO"):
        set_log_level("LOUD")


def test_rejects_an_output_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WrongParameter, match="is not a folder"):
        parameters_of(tmp_path, {"OUTPUT_DIR": str(tmp_path / "file" / "deeper")})


def test_environment_overrides_the_key_of_the_env_file(tmp_path):
    (tmp_path / ".env").write_text('# a comment\nexport API_KEY="the-key-of-the-file"\n')
    assert api_key({}, tmp_path / ".env") == "the-key-of-the-file"
    environment = {"API_KEY": "the-key-of-the-environment"}
    assert api_key(environment, tmp_path / ".env") == "the-key-of-the-environment"
    assert api_key({}, tmp_path / "none") is None


@pytest.mark.parametrize("path", sorted(PROJECT.glob("parameters/*.yaml")), ids=lambda p: p.stem)
def test_every_parameters_file_is_valid_and_complete(path):
    # For an unknown name papermill prints a warning and runs with the default.
    notebooks = [PROJECT / f"notebooks/{name}.ipynb" for name in ("fetch", "aggregate")]
    declared = {name for notebook in notebooks for name in papermill.inspect_notebook(notebook)}
    text = path.read_text()
    assert yaml.safe_load(text).keys() == declared
    values = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all("  # " in line or line == "spark_conf:" for line in values)
    settings = read_run_settings(path, {}, PROJECT / "no.env")
    assert path.stem != "default" or settings == RunSettings()


@pytest.mark.parametrize("setting", ["START=5", "MASTER=foo", "END=0"])
def test_wrong_parameter_ends_a_run_before_large_libraries_are_loaded(setting):
    code = (
        "import sys; from neo_utils.cli import main; status = main(['run']);"
        "print(status, {'papermill', 'pyspark', 'pyarrow', 'pandas'} & set(sys.modules))"
    )
    name, value = setting.split("=")
    ran = subprocess.run(  # noqa: S603 - our own Python and code
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={name: value},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "2 set()\n"
    assert len(ran.stderr.splitlines()) == 1


def test_conda_make_and_image_install_the_same_versions():
    conda = yaml.safe_load((PROJECT / "environment.yml").read_text())
    python, _, pip = conda["dependencies"]
    assert python == "python=3.11"
    assert 'requires-python = ">=3.11"' in (PROJECT / "pyproject.toml").read_text()
    assert pip == {"pip": ["--requirement requirements-build.lock"]}
    assert "--requirement requirements-dev.lock" in (PROJECT / "environment.yml").read_text()
    run, dev = (
        (PROJECT / name).read_text() for name in ("requirements.lock", "requirements-dev.lock")
    )
    required = ("jupyterlab", "papermill", "pyspark", "pyarrow", "requests", "matplotlib", "nbval")
    assert all(f"\n{name}==" in f"\n{dev}" for name in required)
    assert "://" not in dev  # no registry
    assert set(run.split("\n")) < set(dev.split("\n"))  # the same versions, by the same hashes
    assert not any(f"\n{name}==" in f"\n{run}" for name in ("pytest", "mypy", "uv"))


def test_repr_hides_secret_spark_settings():
    conf = {"spark.some.password": "not to be shown", "spark.ui.enabled": True}
    shown = repr(parse_settings({"end": 40, "spark_conf": conf}))
    assert "not to be shown" not in shown
    assert "'spark.ui.enabled': True" in shown
    assert "end=40" in shown
