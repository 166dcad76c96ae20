"""Skip the tests that need a Docker engine if none responds."""

import os
import shutil

import pytest

from neo_utils.settings.folders import PROJECT
from tests.clones import run

# Options that `docker build` needs on this machine, as for `make cluster-up`.
BUILD_FLAGS = os.environ.get("DOCKER_BUILD_FLAGS", "").split()


def need_engine():
    if not shutil.which("docker") or run(PROJECT, "docker", "info").returncode:
        pytest.skip("Docker is not running")
