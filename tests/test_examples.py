"""Docstring examples produce the documented output."""

import doctest
from importlib import import_module

import pytest

from neo_utils.settings.folders import PROJECT

# Only these: some modules must not be imported, or take seconds to import.
WITH_EXAMPLES = [
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in sorted(PROJECT.glob("neo_utils/**/*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples_pass(name):
    # doctest prints the differences.
    failed, tried = doctest.testmod(import_module(name))
    assert tried > 0
    assert failed == 0
