"""Make text from outside safe to print: no control characters, no forged lines.

It imports the standard library alone, since `neo_utils.cluster.health` does.
"""

import logging
import sys
from io import TextIOWrapper
from typing import Any, TextIO

_LONGEST_VALUE = 60  # characters


def printable(text: str, keep: str = "") -> str:
    r"""Return the text with every character that does not print as itself as a Python escape.

    These are control characters, which a terminal obeys, line ends, invisible characters, those
    that reverse the direction of what follows, and halves of characters.

    Parameters
    ----------
    keep
        Characters that stay as they are.

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
        character if character.isprintable() or character in keep else _escape(character)
        for character in text
    )


def shown(value: object, longest: int = _LONGEST_VALUE) -> str:
    r"""Return a value as text for a message: short, on one line, printable in every terminal.

    Parameters
    ----------
    longest
        How many characters are shown whole; of a longer text, the first half of that.

    Examples
    --------
    >>> shown("9" * 5000)
    '999999999999999999999999999999... (5,000 characters)'
    >>> print(shown("two\nlines"))
    two\nlines
    """
    try:
        text = str(value)
    except (ValueError, RecursionError):  # Python converts no integer of thousands of digits
        return f"a huge {type(value).__name__}"
    if len(text) <= longest:
        return printable(text)
    return f"{printable(text[: longest // 2])}... ({len(text):,} characters)"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


class PrintableFormatter(logging.Formatter):
    """Format each log record as one line that a terminal does not obey."""

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
    """Print only what a terminal does not obey from now on, in this process.

    Values within the text need `printable` of their own where a line end must not pass: streams
    cannot tell it from the end of a line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a locale without some characters stops no command
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = _PrintableStream(sys.stdout, "\n\t")
    # The progress bar returns to the line's beginning.
    sys.stderr = _PrintableStream(sys.stderr, "\n\t\r")
