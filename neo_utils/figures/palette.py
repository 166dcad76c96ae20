"""The colours and signs of all figures. Without Matplotlib, which takes a second to import."""

from typing import NamedTuple

# After Okabe and Ito, distinguishable without colour vision: https://jfly.uni-koeln.de/color/
# Each colour has one meaning: Earth, NEOs, and what is computed from the drawn data.
BLUE, GREEN, ORANGE = "#0072b2", "#009e73", "#e69f00"
# Text and axes. Figures are transparent, and this grey is readable on white and on black.
INK = "#757575"


class Sign(NamedTuple):
    """How passages of a body are drawn: a colour, and one of Matplotlib's markers."""

    colour: str
    marker: str


_SIGNS = {
    "Earth": Sign(BLUE, "o"),
    "Venus": Sign("#a6578a", "^"),
    "Mars": Sign("#d55e00", "s"),
    "Mercury": Sign("#8c8c00", "v"),
    "Jupiter": Sign("#9c6644", "D"),
    "Moon": Sign("#7b68c8", "P"),
}


def sign_of(body: str) -> Sign:
    """Return the sign of a body, by its name."""
    return _SIGNS.get(body, Sign(INK, "X"))


def lighter(colour: str) -> str:
    """Return a colour halfway to white, for what is predicted.

    Examples
    --------
    >>> lighter(BLUE)
    '#80b9d9'
    """
    parts = bytes.fromhex(colour[1:])
    return "#" + bytes((part + 256) // 2 for part in parts).hex()
