"""Draw docs/sample.svg, real and simulated features side by side: ``python -m docs.sample_figure``.

`make docs` writes it. The real values are those that `tests/test_sample_population.py` compares.
"""

import sys

import numpy as np
from matplotlib.axes import Axes

from neo_utils.figures.palette import GREEN, INK
from neo_utils.figures.style import CaptionedFigure, default_style, use_log_scale, use_whole_counts
from tests.sample_neos import first_200, spread
from tests.test_sample_population import FIRST_200, LARGER, features_of

_CATALOGUE = 41_000


@default_style
def draw() -> CaptionedFigure:
    """Return the figure: shares, brightness and approaches of 200 NEOs, and all by brightness."""
    figure = CaptionedFigure(figsize=(9, 6.5), layout="constrained")
    title = "Does the simulated sample resemble the real catalogue?"
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, weight="bold")
    figure.set_label(f"{title} Bars, histograms and a curve; the tables have the numbers.")
    (shares, brightness), (approaches, all_neos) = figure.subplots(2, 2)
    _draw_shares(shares)
    magnitudes = [neo["absolute_magnitude_h"] for neo in first_200()]
    _draw_histogram(
        brightness,
        magnitudes,
        {"5 % of H": ":", "median H": "-", "95 % of H": "--"},
        "absolute magnitude H",
    )
    counts = [len(neo["close_approach_data"]) for neo in first_200()]
    _draw_histogram(
        approaches,
        counts,
        {"median of approaches": "-", "mean of approaches": "--"},
        "listed approaches per NEO",
    )
    _draw_all(all_neos)
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


def _draw_histogram(axes: Axes, values: list[float], real: dict[str, str], label: str) -> None:
    axes.hist(values, 25, color=GREEN)
    for feature, style in real.items():
        name = feature.replace(" of H", "").replace(" H", "").replace(" of approaches", "")
        axes.axvline(FIRST_200[feature][0], color=INK, linestyle=style, label=f"real {name}")
    axes.set(xlabel=f"{label} (first 200)", ylabel="NEOs")
    axes.legend(fontsize=8)
    use_whole_counts(axes)


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
