"""Figures whose text follows the light or dark theme of the reader."""

import re
from base64 import b64encode

from neo_utils.figures.palette import INK

_LIGHT, _DARK = "#1c1e21", "#e4e6ea"  # as in report.css


def themed(svg: str) -> str:
    """Return a figure as base64 for a data URL, with text and axes in the colour of the theme.

    The figure is drawn in a grey that is readable anywhere. In the report the background is known.
    """
    style = f"{_ink(_LIGHT)}@media screen and (prefers-color-scheme: dark){{{_ink(_DARK)}}}"
    svg = re.sub(r"<svg\b[^>]*>", rf"\g<0><style>{style}</style>", svg, count=1)
    return b64encode(svg.encode()).decode()


def _ink(colour: str) -> str:
    """Return CSS that replaces the grey, which Matplotlib writes as a property of each element."""
    return "".join(
        f"[style*='{name}: {INK}']{{{name}:{colour}!important}}" for name in ("fill", "stroke")
    )
