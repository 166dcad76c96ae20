"""Make untrusted text safe to print: no control characters, no forged lines.

This module only imports the standard library, because `neo_utils.cluster.health` needs that.
"""

import logging
import sys
from io import TextIOWrapper
from typing import Any, TextIO

_LONGEST_VALUE = 60  # characters


def printable(text: str, keep: str = "") -> str:
    r"""Return the text with each unprintable character replaced by a Python escape.

    These are control characters, line breaks, invisible characters, characters that reverse the
    text direction, and unpaired surrogates.

    Parameters
    ----------
    keep
        Characters to leave unchanged.

    Examples
    --------
    >>> print(printable("1\x1b[2J\nnote \u202e"))
    1\x1b[2J\nnote \u202e
    >>> printable("a\ttext\n", keep="\t")
    'a\ttext\\n'
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text
    )


def shown(value: object, longest: int = _LONGEST_VALUE) -> str:
    r"""Return a value as text for a message: short, on one line, safe in any terminal.

    Parameters
    ----------
    longest
        The longest text shown in full. Of a longer text, half as many characters are shown.

    Examples
    --------
    >>> shown("9" * 5000)
    '999999999999999999999999999999... (5,000 characters)'
    >>> print(shown("two\nlines"))
    two\nlines
    """
    try:
        text = str(value)
    except (ValueError, RecursionError):  # Python does not convert integers of thousands of digits
        return f"a huge {type(value).__name__}"
    if len(text) <= longest:
        return printable(text)
    return f"{printable(text[: longest // 2])}... ({len(text):,} characters)"


def plural(count: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(2_050, "row")
    ('1 row', '2,050 rows')
    """
    return f"{count:,} {noun if count == 1 else noun + 's'}"


class PrintableFormatter(logging.Formatter):
    """Format each log record as one line without control characters."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        return printable(super().format(record))


class _PrintableStream:
    def __init__(self, stream: TextIO, keep: str) -> None:
        self._stream, self._keep = stream, keep

    def write(self, text: str) -> int:
        return self._stream.write(printable(text, self._keep))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the stream has
        return getattr(self._stream, name)


def guard_terminal() -> None:
    """Escape control characters in everything that this process prints from now on.

    Line breaks still pass. Use `printable` for values that must not contain any.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # do not fail on characters that the locale lacks
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = _PrintableStream(sys.stdout, "\n\t")
    # The progress bar uses carriage returns.
    sys.stderr = _PrintableStream(sys.stderr, "\n\t\r")
