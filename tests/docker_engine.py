"""Whether a Docker engine answers: the tests that need one are skipped without, and say so."""

import os
import shutil

import pytest

from neo_utils.settings.folders import PROJECT
from tests.clones import run

# What `docker build` needs here to reach the packages, as for `make cluster-up`.
BUILD_FLAGS = os.environ.get("DOCKER_BUILD_FLAGS", "").split()


def need_engine():
    if not shutil.which("docker") or run(PROJECT, "docker", "info").returncode:
        pytest.skip("no Docker engine answers")
