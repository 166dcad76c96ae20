"""Draw docs/sample.svg, real and simulated features side by side: ``python -m docs.sample_figure``.

`make docs` writes it. The real values are those that `tests/test_sample_population.py` compares.
"""

import sys
from collections import Counter

import numpy as np
from matplotlib.axes import Axes

from neo_utils.figures.palette import GREEN, INK
from neo_utils.figures.style import CaptionedFigure, default_style, use_log_scale, use_whole_counts
from neo_utils.sample.angles import Floats
from tests.sample_neos import first_200, spread
from tests.test_sample_population import FIRST_200, LARGER, REAL, features_of, simulated, to_earth

_CATALOGUE = 41_000
_TITLE = "Does the simulated sample resemble the real catalogue?"
_LABEL = f"{_TITLE} Bars, histograms and curves of both; the tables have the numbers."


@default_style
def draw() -> CaptionedFigure:
    """Return the figure: seven views of the first NEOs, and one of the whole catalogue."""
    figure = CaptionedFigure(figsize=(9, 12), layout="constrained")
    figure.suptitle(_TITLE, x=0.01, ha="left", fontsize=14, weight="bold")
    figure.set_label(_LABEL)
    shares, brightness, moid, first, counts, spans, law, every = figure.subplots(4, 2).flat
    _draw_shares(shares)
    _draw_both(brightness, "absolute_magnitude_h", np.arange(9, 22, 0.5), "absolute magnitude H")
    _draw_both(moid, "earth_moid_au", np.arange(0, 0.6, 0.025), "MOID: orbit to Earth's (AU)")
    years = np.arange(1890, 2005, 5)
    _draw_both(first, "first_observation_year", years, "year of the first observation")
    _draw_counts(counts)
    _draw_spans(spans)
    _draw_distance_law(law)
    _draw_all(every)
    return figure


def _draw_shares(axes: Axes) -> None:
    names = [name for name in FIRST_200 if name.endswith(", %")]
    found, places = features_of(first_200()), np.arange(len(names))
    axes.barh(places - 0.2, [FIRST_200[name][0] for name in names], 0.4, color=INK, label="real")
    axes.barh(places + 0.2, [found[name] for name in names], 0.4, color=GREEN, label="simulated")
    axes.set_yticks(places, [name.removesuffix(", %") for name in names], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("% (of the first 200 NEOs or their approaches)")
    axes.legend()


def _draw_both(axes: Axes, column: str, bins: Floats, label: str) -> None:
    """Draw a histogram of each, in percent: there are fewer real NEOs."""
    for name, values, colour, kind in (
        ("simulated", simulated()[column].dropna(), GREEN, "bar"),
        ("real", REAL[column], INK, "step"),
    ):
        shares = np.full(len(values), 100 / len(values))
        axes.hist(values, bins, weights=shares, histtype=kind, color=colour, lw=1.8, label=name)
    axes.set(xlabel=f"{label} (first NEOs)", ylabel="% of the NEOs")
    axes.legend(fontsize=8)


def _draw_counts(axes: Axes) -> None:
    counts = [len(neo["close_approach_data"]) for neo in first_200()]
    axes.hist(counts, 25, color=GREEN, label="simulated")
    for name, line in (("median", "-"), ("mean", "--")):
        axes.axvline(
            FIRST_200[f"{name} of approaches"][0], color=INK, linestyle=line, label=f"real {name}"
        )
    axes.set(xlabel="listed approaches per NEO (first 200)", ylabel="NEOs")
    axes.legend(fontsize=8)
    use_whole_counts(axes)


def _draw_spans(axes: Axes) -> None:
    spans = Counter(int(date[:4]) // 20 * 20 for date, au in to_earth(first_200()) if au < 0.2)
    years = np.arange(1900, 2200, 20)
    others = np.mean([spans[year] for year in years if year != 1980])
    shares = [spans[year] / others for year in years]
    axes.bar(years, shares, 18, align="edge", color=GREEN, label="simulated")
    real = FIRST_200["passages of 1980 to 1999, relative"][0]
    axes.plot([1980, 1998], [real, real], color=INK, linewidth=2, label="real, 1980 to 1999")
    axes.set(xlabel="20 years from", ylabel="Earth passages under 0.2 AU,\nrelative to other spans")
    axes.legend(fontsize=8)


def _draw_distance_law(axes: Axes) -> None:
    au = np.sort([au for _, au in to_earth(first_200()) if au < 0.2])
    axes.plot(au, np.arange(1, len(au) + 1), color=GREEN, label="simulated")
    exponent = FIRST_200["exponent of the distance law"][0]
    ends = np.array([0.02, 0.2])
    # Through the middle: a line through the last point would bias the eye.
    middle = np.sqrt(ends.prod())
    axes.plot(
        ends,
        np.searchsorted(au, middle) * (ends / middle) ** exponent,
        color=INK,
        linestyle="--",
        label=f"real exponent, {exponent:g}",
    )
    use_log_scale(axes, "x")
    use_log_scale(axes, "y")
    axes.set(xlabel="Earth passages within (AU) of the first 200 NEOs", ylabel="passages")
    axes.legend(fontsize=8)


def _draw_all(axes: Axes) -> None:
    magnitudes = np.sort([neo["absolute_magnitude_h"] for neo in spread()])
    counts = np.arange(1, len(magnitudes) + 1) * _CATALOGUE / len(magnitudes)
    axes.plot(magnitudes, counts, color=GREEN, label="simulated")
    axes.plot(*zip(*LARGER.items(), strict=True), "D", color=INK, label="real")
    use_log_scale(axes, "y")
    axes.set(xlabel="absolute magnitude H at most", ylabel="NEOs (whole catalogue)")
    axes.legend()


if __name__ == "__main__":
    sys.stdout.write(draw().svg)
