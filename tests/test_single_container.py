"""The image without a cluster: `docker run` with a mounted output."""

import os

import pytest

from neo_utils.sample.catalogue import page_body
from tests.clones import clone_into, run, stored_rows
from tests.docker_engine import BUILD_FLAGS, need_engine
from tests.oracle import metrics_of

PAGES = [page_body(number, 20, "k") for number in range(2)]
# A user without an entry in the image. Only root can give this user a folder.
USER = 12_345 if os.getuid() == 0 else os.getuid()
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    need_engine()
    tag = f"neo-data-recaller-test-{os.getpid()}"
    clone = clone_into(tmp_path_factory.mktemp("clone"))
    built = run(clone, "docker", "build", "--quiet", *BUILD_FLAGS, "--tag", tag, ".")
    assert built.returncode == 0, built.stderr
    yield tag
    run(clone, "docker", "image", "rm", tag)


@pytest.fixture(scope="module")
def container(image, tmp_path_factory):
    """Return a function that runs a command in a container, as a user with their own folder."""
    output = tmp_path_factory.mktemp("output")
    os.chown(output, USER, -1)

    def command(*words, folder=output, **environment):
        passed = [f"--env={name}={value}" for name, value in environment.items()]
        ran = run(
            folder,
            *("docker", "run", "--rm", f"--user={USER}:{USER}", f"--volume={folder}:/neo/output"),
            *("--network=none", *passed, image, *words),  # the sample needs none
        )
        return ran, folder

    return command


def test_one_container_fetches_and_another_aggregates(container):
    fetched, output = container("fetch", START=1, END=40)
    assert fetched.returncode == 0, fetched.stderr
    assert not (output / "aggregations").exists()
    pages = sorted(path.name for path in output.glob("pages/*/*"))
    assert pages == ["page_1-20.json.zst", "page_21-40.json.zst"]
    counted, _ = container("aggregate", START=1, END=40)
    assert counted.returncode == 0, counted.stderr
    assert dict(stored_rows(output, positions="batches-1-40")) == metrics_of(PAGES, "0.2")
    assert {path.stat().st_uid for path in output.rglob("*")} == {USER}


def test_wrong_parameter_fails_with_one_line_and_status_2(container):
    ran, _ = container("run", START=5)
    assert ran.returncode == 2
    assert ran.stderr.startswith("run: START=5 is not the start of a batch of 20")
    assert len(ran.stderr.splitlines()) == 1


def test_unwritable_folder_fails_with_one_line(container, tmp_path):
    tmp_path.chmod(0o555)
    ran, _ = container("run", folder=tmp_path, START=1, END=40)
    assert ran.returncode != 0
    assert "/neo/output cannot be" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_lists_commands_if_none_is_given(container):
    ran, _ = container()
    assert ran.returncode == 0
    assert "aggregate" in ran.stdout
