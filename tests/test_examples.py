"""The examples in the package's docstrings say what happens."""

import doctest
from importlib import import_module

import pytest

from neo_utils.settings.folders import PROJECT

# These alone are imported: not each module is meant to be, and some need seconds.
WITH_EXAMPLES = [
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in sorted(PROJECT.glob("neo_utils/**/*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_show_what_it_does(name):
    # What differs stands above, as doctest prints it.
    failed, tried = doctest.testmod(import_module(name))
    assert tried > 0
    assert failed == 0
