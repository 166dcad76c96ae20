"""Sine, cosine and direction of angles from their series, with + - * / and square roots alone.

IEEE 754 rounds these operations identically on every machine, unlike a library's sine, so the
catalogue is the same everywhere, to the last digit.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RADIANS = 3.141592653589793 / 180  # per degree


def cosine_sine(degrees: ArrayLike) -> tuple[Floats, Floats]:
    """Return cosine and sine of angles, accurate to 1e-13.

    Examples
    --------
    >>> cosine, sine = cosine_sine([180, 30])
    >>> cosine.round(12), sine.round(12)
    (array([-1.       ,  0.8660254]), array([-0. ,  0.5]))
    """
    angles = np.asarray(degrees, float)
    quarters = np.round(angles / 90)
    x = (angles - 90 * quarters) * RADIANS  # at most pi / 4
    s = x * x
    sine = x * (
        1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156)))))
    )
    cosine = 1 - s / 2 * (
        1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132 * (1 - s / 182)))))
    )
    quadrant = quarters % 4
    is_odd, is_left, is_low = quadrant % 2 == 1, (quadrant == 1) | (quadrant == 2), quadrant >= 2
    return (
        np.where(is_odd, sine, cosine) * np.where(is_left, -1, 1),
        np.where(is_odd, cosine, sine) * np.where(is_low, -1, 1),
    )


def direction_deg(x: ArrayLike, y: ArrayLike) -> Floats:
    """Return the angles of vectors from the x axis, from 0 to 360 degrees, accurate to 1e-12.

    Examples
    --------
    >>> direction_deg([1, 0, -1], [1, -2, 0]).round(9)
    array([ 45., 270., 180.])
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    is_steep = abs(y) > abs(x)
    arc = _arc_tangent_deg(np.where(is_steep, x, y) / np.where(is_steep, y, x))
    return np.where(is_steep, np.where(y > 0, 90, 270) - arc, arc + np.where(x > 0, 0, 180)) % 360


def _arc_tangent_deg(t: Floats) -> Floats:
    # Half the angle, twice: the series needs few terms for values up to 0.2.
    for _ in range(2):
        t = t / (1 + np.sqrt(1 + t * t))
    s = t * t
    total = np.zeros_like(t)
    for odd in range(21, 0, -2):
        total = 1 / odd - s * total
    return 4 * t * total / RADIANS
