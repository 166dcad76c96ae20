"""The power law of the number of passages within a distance."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from neo_utils.limits import listed_within_au

_FEWEST_NEOS = 10


class DistanceLaw(NamedTuple):
    """The number of passages within r as a power of r, up to a distance."""

    exponent: float
    error: float  # standard error
    up_to_au: float


def distance_law(passages: pd.DataFrame) -> DistanceLaw | None:
    """Fit the power law N(<r) = n (r / up_to_au)^k up to the distance of complete listing.

    Returns
    -------
    DistanceLaw or None
        None for passages of fewer than ten NEOs, which determine no exponent, and for passages
        that were selected beyond a distance.

    Notes
    -----
    The most likely exponent is k = n / sum(ln(up_to_au / r)): Crawford, Jauncey and Murdoch,
    Astrophysical Journal 162, 405 (1970). Passages of one NEO are not independent, so its standard
    error is that of a ratio of sums over NEOs.

    Examples
    --------
    >>> au = np.sqrt(np.arange(1, 10_001) / 1e4) * 0.2
    >>> even = pd.DataFrame({"AU": au, "id": np.arange(len(au)), "body": "Earth"})
    >>> law = distance_law(even)
    >>> f"{law.exponent:.2f} +- {law.error:.2f} up to {law.up_to_au:.1f} AU"
    '2.00 +- 0.02 up to 0.2 AU'
    """
    au = passages["AU"]
    limits = map(listed_within_au, passages["body"].unique())
    up_to_au = min([au.max(), *limits])
    within = passages[au < up_to_au]
    logs = np.log(up_to_au / within["AU"].to_numpy())
    by_neo = pd.Series(logs).groupby(within["id"].to_numpy()).agg(["size", "sum"])
    if len(by_neo) < _FEWEST_NEOS or au.min() > up_to_au / 10:
        return None
    exponent = len(within) / logs.sum()
    deviations = by_neo["size"] / len(within) - by_neo["sum"] / logs.sum()
    error = exponent * float(np.sqrt((deviations**2).sum()))
    return DistanceLaw(float(exponent), error, float(up_to_au))
