"""Make text from outside safe to print: no control characters, no forged lines.

It imports the standard library alone, since `neo_utils.spark.health` does.
"""

import logging
import sys
from typing import Any, TextIO


def printable(text: str, keep: str = "", longest: int | None = None) -> str:
    r"""Return the text with every character that does not print as itself as a Python escape.

    These are control characters, which a terminal obeys, line ends, invisible characters, those
    that reverse the direction of what follows, and halves of characters.

    Parameters
    ----------
    keep
        Characters that stay as they are.
    longest
        Cut a longer text after so many characters.

    Examples
    --------
    >>> print(printable("1\x1b[2J\nnote \u202e"))
    1\x1b[2J\nnote \u202e
    >>> printable("a\tlong\ntext", keep="\t", longest=8)
    'a\tlong\\nt...'
    """
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]}..."
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in keep else _escape(character)
        for character in text
    )


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
    sys.stdout = _PrintableStream(sys.stdout, "\n\t")
    # The progress bar returns to the line's beginning.
    sys.stderr = _PrintableStream(sys.stderr, "\n\t\r")
