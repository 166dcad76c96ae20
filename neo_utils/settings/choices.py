"""Parameters with a fixed set of values, declared as ``Literal`` types."""

from typing import Any, get_args

from neo_utils.errors import WrongParameter
from neo_utils.text import shown


def choices_text(choices: Any) -> str:  # noqa: ANN401 - a Literal has no type of its own
    """Return the values of a ``Literal`` in words, such as "auto, nasa or sample"."""
    *others, last = get_args(choices)
    return f"{', '.join(others)} or {last}"


def check_choice(name: str, value: object, choices: Any) -> None:  # noqa: ANN401 - as above
    """Raise WrongParameter if ``value`` is not one of the values of a ``Literal``."""
    if value not in get_args(choices):
        raise WrongParameter(f"{name}={shown(value)} is not valid. Use {choices_text(choices)}")
