"""Sine, cosine and direction of angles from their series, with + - * / and ``math.sqrt`` alone.

IEEE 754 rounds these operations identically on every machine, unlike a libm's sine, so the
catalogue is the same everywhere, to the last digit.
"""

from math import sqrt

RADIANS = 3.141592653589793 / 180  # per degree


def cosine_sine(degrees: float) -> tuple[float, float]:
    """Return cosine and sine, accurate to 1e-13.

    Examples
    --------
    >>> cosine_sine(180)
    (-1.0, -0.0)
    >>> [f"{value:.12f}" for value in cosine_sine(30)]
    ['0.866025403784', '0.500000000000']
    """
    quarters = round(degrees / 90)
    x = (degrees - 90 * quarters) * RADIANS  # at most pi / 4
    s = x * x
    sine = x * (
        1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72 * (1 - s / 110 * (1 - s / 156)))))
    )
    cosine = 1 - s / 2 * (
        1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90 * (1 - s / 132 * (1 - s / 182)))))
    )
    kind = quarters % 4
    if kind == 0:
        return cosine, sine
    if kind == 1:
        return -sine, cosine
    if kind == 2:
        return -cosine, -sine
    return sine, -cosine


def direction_deg(x: float, y: float) -> float:
    """Return the angle of a vector from the x axis, from 0 to 360 degrees, accurate to 1e-12.

    Examples
    --------
    >>> f"{direction_deg(1, 1):.9f}", f"{direction_deg(0, -2):.9f}", direction_deg(-1, 0)
    ('45.000000000', '270.000000000', 180.0)
    """
    if abs(y) > abs(x):
        angle = (90 if y > 0 else 270) - _arc_tangent_deg(x / y)
    else:
        angle = _arc_tangent_deg(y / x) + (0 if x > 0 else 180)
    return angle % 360


def _arc_tangent_deg(t: float) -> float:
    # Half the angle, twice: the series needs few terms for values up to 0.2.
    for _ in range(2):
        t = t / (1 + sqrt(1 + t * t))
    s = t * t
    total = 0.0
    for odd in range(21, 0, -2):
        total = 1 / odd - s * total
    return 4 * t * total / RADIANS
