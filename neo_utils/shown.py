"""Values as messages show them: short, on one line, and printable in every terminal."""

_LONGEST = 60  # characters


def shown(value: object, longest: int = _LONGEST) -> str:
    r"""Return a value as text for a message.

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
        text = value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # Python converts no integer of thousands of digits
        return f"a huge {type(value).__name__}"
    length = len(text)
    if length > longest:
        text = text[: longest // 2]
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if length <= longest else f"{text}... ({length:,} characters)"
