import subprocess
import sys

import pytest
import yaml

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import PROJECT, output_folder
from neo_utils.settings.log import set_log_level
from neo_utils.settings.run_settings import RunSettings, parse_settings, read_run_settings
from neo_utils.settings.service_address import chosen_source
from neo_utils.settings.variables import api_key, read_env_file

DEFAULT = PROJECT / "parameters/default.yaml"


def parameters_of(tmp_path, environment=None, env_file="", file=DEFAULT):
    (tmp_path / ".env").write_text(env_file)
    return read_run_settings(file, environment or {}, tmp_path / ".env")


def test_the_command_line_goes_before_env_file_and_that_before_the_parameters_file(tmp_path):
    # make puts its command line into the environment.
    file = tmp_path / "run.yaml"
    file.write_text("start: 41\nend: 60\nsource: nasa\n")
    given = parameters_of(tmp_path, {"START": "1"}, "START=21\nEND=40\n", file)
    assert (given.start, given.end, given.source) == (1, 40, "nasa")


def test_a_name_set_to_nothing_counts_as_not_set(tmp_path):
    assert parameters_of(tmp_path, {"SOURCE": ""}, "MASTER=\n").source == "auto"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("START", "5", "Use 1 or 21"),
        ("END", "50", "Use 40 or 60"),
        ("END", "0", "Use 20"),
        ("START", "221", "is greater than END=200"),
        ("MASTER", "foo", r"Use local\[\*\]"),
        ("MASTER", "local[0]", "not a Spark master"),
        ("MASTER", "spark://host", "not a Spark master"),
        ("SOURCE", "esa", "Use auto, nasa or sample"),
        ("LOG_LEVEL", "LOUD", "Use DEBUG"),
        ("API_URL", "api.nasa.gov", "not a web address"),
        ("API_URL", "http://example.org/browse", "unencrypted"),
        ("API_URL", "https://example.org/browse?api_key=hush", "contains a query"),
        ("API_URL", "https://[::1/browse", "not a web address"),
        ("API_URL", "https://example.org:99999/browse", "not a web address"),
        ("API_URL", "http://127.0.0.2:80\\@127.0.0.1/browse", "a user name"),
        ("API_URL", "http://127.0.0.2:80\\.127.0.0.1/browse", "not a web address"),
        ("API_URL", "https://:hush@example.org/browse", "a user name"),
        ("API_URL", "https://example.org/browse#hush", "contains a query"),
        ("API_URL", "https://example.org/bro wse", "not a web address"),
        ("API_KEY", "hu sh", "Copy it again"),
        ("API_KEY", "asteroid", "has 8 characters, and NASA's have 40"),
        ("WAIT", "yes", "Use 0 or 1"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it_and_what_to_use(tmp_path, name, value, said):
    with pytest.raises(WrongParameter, match=said) as error:
        parameters_of(tmp_path, {name: value})
    assert name in str(error.value)
    assert "\n" not in str(error.value)
    assert "hush" not in str(error.value)


def test_plain_http_is_for_this_machine_alone(tmp_path):
    url = "http://127.0.0.1:8000/neo/rest/v1/neo/browse"
    assert parameters_of(tmp_path, {"API_URL": url}).api_url == url


def test_a_misspelt_name_in_a_parameters_file_is_refused_with_the_right_one(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text("treshold_au: 0.1\n")
    with pytest.raises(
        WrongParameter, match="treshold_au, which is not a parameter. Use threshold"
    ):
        parameters_of(tmp_path, file=file)


@pytest.mark.parametrize("text", ["- 1\n", "start: [1\n", ""])
def test_a_parameters_file_that_is_no_mapping_is_refused(tmp_path, text):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(WrongParameter, match=r"run\.yaml"):
        parameters_of(tmp_path, file=file)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("threshold_au: 0.2", "treshold_au: 0.2", "treshold_au, which .* Use threshold_au$"),
        ("spark_conf: {}", "spark_conf: {", "default.yaml cannot be read .not valid YAML."),
    ],
)
def test_the_file_of_defaults_is_checked_too(tmp_path, before, after, said):
    text = (PROJECT / "parameters/default.yaml").read_text(encoding="utf-8")
    edited = tmp_path / "parameters" / "default.yaml"
    edited.parent.mkdir()
    edited.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(WrongParameter, match=said):
        parameters_of(tmp_path, file=edited)


def test_a_parameters_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(WrongParameter, match="No such file"):
        parameters_of(tmp_path, file=tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("threshold_au", [0, -0.2, "far", True, None, float("nan"), float("inf")]),
        ("longest_wait_s", [-1, "long", None, float("inf")]),
        ("refetch", ["maybe", 1, None]),
        ("parquet_dictionary", ["yes", 0]),
        ("parquet_compression", ["foo", None, True]),
        ("output_dir", ["", None, 7]),
        ("spark_conf", [None, [], "a=b"]),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(name, values):
    for value in values:
        with pytest.raises(WrongParameter, match=rf"(?i){name}"):
            parse_settings({name: value})


def test_the_secret_of_a_cluster_is_no_parameter_since_notebooks_keep_those():
    conf = {"spark.authenticate.secret": "hush"}
    with pytest.raises(WrongParameter, match="CLUSTER_SECRET_FILE") as refusal:
        parse_settings({"spark_conf": conf})
    assert "hush" not in str(refusal.value)


def test_positions_are_numbers_for_the_notebooks(tmp_path):
    given = parameters_of(tmp_path, {"START": "21", "END": "40"})
    assert (given.start, given.end) == (21, 40)
    assert parameters_of(tmp_path, {"END": "ALL"}).end == "all"


def test_waiting_through_the_parks_is_a_day_at_most(tmp_path):
    assert parameters_of(tmp_path, {"WAIT": "1"}).longest_wait_s == 86_400
    assert parameters_of(tmp_path, {"WAIT": "0"}).longest_wait_s == 60


def test_conda_and_make_install_the_same_versions():
    conda = yaml.safe_load((PROJECT / "environment.yml").read_text())
    python, _, pip = conda["dependencies"]
    assert python == "python=3.11"
    assert 'requires-python = ">=3.11"' in (PROJECT / "pyproject.toml").read_text()
    assert pip == {"pip": ["--requirement requirements-build.lock"]}
    assert "--requirement requirements-dev.lock" in (PROJECT / "environment.yml").read_text()
    lock = (PROJECT / "requirements-dev.lock").read_text()
    for name in (
        "jupyterlab",
        "papermill",
        "pyspark",
        "pyarrow",
        "requests",
        "matplotlib",
        "nbval",
    ):
        assert f"\n{name}==" in f"\n{lock}"
    assert "://" not in lock  # no registry


def test_an_output_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WrongParameter, match="is not a folder"):
        parameters_of(tmp_path, {"OUTPUT_DIR": str(tmp_path / "file" / "deeper")})


@pytest.mark.parametrize("content", [b"API_KEY \xff\xfe", b"API_KEY='hush", b"this is hush"])
def test_an_env_file_that_cannot_be_read_is_refused_without_showing_it(tmp_path, content):
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(WrongParameter, match=r"\.env cannot be read") as error:
        read_env_file(tmp_path / ".env")
    assert "hush" not in str(error.value)


def test_an_env_file_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(WrongParameter, match="cannot be read"):
        read_env_file(tmp_path)


def test_the_key_comes_from_the_environment_or_else_from_the_env_file(tmp_path):
    (tmp_path / ".env").write_text('# a comment\nexport API_KEY="the-key-of-the-file"\n')
    assert api_key({}, tmp_path / ".env") == "the-key-of-the-file"
    environment = {"API_KEY": "the-key-of-the-environment"}
    assert api_key(environment, tmp_path / ".env") == "the-key-of-the-environment"
    assert api_key({}, tmp_path / "none") is None


def test_a_key_with_a_line_break_is_refused_without_showing_it(tmp_path):
    with pytest.raises(WrongParameter) as error:
        api_key({"API_KEY": "hush\nhush"}, tmp_path / "none")
    assert "hush" not in str(error.value)


def test_auto_means_nasa_where_a_key_is_set_and_the_sample_elsewhere():
    assert chosen_source("auto", "a-key") == "nasa"
    assert chosen_source("auto", None) == "sample"
    assert chosen_source("nasa", None) == "nasa"
    with pytest.raises(WrongParameter, match="SOURCE=esa is not valid. Use auto, nasa or sample"):
        chosen_source("esa", None)
    # Whoever names a service means it.
    assert chosen_source("auto", None, "http://127.0.0.1:8000/browse") == "nasa"


@pytest.mark.parametrize("path", sorted(PROJECT.glob("parameters/*.yaml")), ids=lambda p: p.stem)
def test_every_file_of_parameters_sets_exactly_what_the_notebooks_declare(path):
    # For an unknown name papermill prints a warning and runs with the default.
    import papermill

    notebooks = [PROJECT / f"notebooks/{name}.ipynb" for name in ("fetch", "aggregate")]
    declared = {name for notebook in notebooks for name in papermill.inspect_notebook(notebook)}
    assert yaml.safe_load(path.read_text()).keys() == declared
    assert all("  # " in line or line == "spark_conf:" for line in _value_lines(path.read_text()))


def _value_lines(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("path", sorted(PROJECT.glob("parameters/*.yaml")), ids=lambda p: p.stem)
def test_every_file_of_parameters_can_be_used(path):
    settings = read_run_settings(path, {}, PROJECT / "no.env")
    assert path.stem != "default" or settings == RunSettings()


@pytest.mark.parametrize("setting", ["START=5", "MASTER=foo", "END=0"])
def test_a_wrong_parameter_ends_a_run_before_the_libraries_of_kernels_are_loaded(setting):
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


def test_a_relative_output_folder_lies_in_the_project(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert output_folder("output") == PROJECT / "output"
    assert output_folder(tmp_path) == tmp_path


def test_an_unknown_log_level_is_refused():
    with pytest.raises(WrongParameter, match="LOG_LEVEL=LOUD is not valid. Use DEBUG, INFO"):
        set_log_level("LOUD")


def test_what_the_image_installs_is_what_everybody_else_tests():
    run, dev = (
        set((PROJECT / name).read_text().split("\n"))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert run < dev  # the same versions, by the same hashes
    assert not [line for line in run if line.startswith(("pytest==", "mypy==", "uv=="))]
