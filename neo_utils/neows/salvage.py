"""Keep objects with malformed optional values: these values become null and are reported.

Used only for objects that failed validation, because reading with `json` is ten times slower.
"""

import json
import re
from typing import Any

import msgspec

from neo_utils.neows.contract import Neo

# Optional fields. All others identify an object or approach, or measure an approach.
_OPTIONAL = re.compile(
    r"\$\.(?:name|name_limited|designation|nasa_jpl_url|absolute_magnitude_h"
    r"|is_potentially_hazardous_asteroid|is_sentry_object"
    r"|estimated_diameter(?:\.meters(?:\.\w+)?)?"
    r"|orbital_data(?:\.\w+){0,2}|close_approach_data\[\d+\]\.miss_distance\.lunar)"
)
_MOST_NULLS = 60  # per object; an object with more is rejected
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
# Group 1 matches valid escapes, including complete surrogate pairs.
_NO_UNICODE = re.compile(
    rb"(\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    rb'|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[\da-fA-F]{4}))'
    rb"|\\.|[\x00-\x1f]",
    re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGITS = 18  # an integer this long cannot overflow; parsing thousands of digits takes minutes


class MalformedText:
    """Replaces a text that is not valid Unicode; msgspec's error message contains this name."""


def mask_malformed_text(body: bytes) -> bytes:
    r"""Replace each byte of malformed text in JSON strings by 0xFF, which no valid text contains.

    Malformed text means unpaired surrogates, unknown escapes and control characters. JSON parsers
    reject the whole page for them, but skip strings without decoding UTF-8.

    Examples
    --------
    >>> mask_malformed_text(rb'{"name": "\ud83c\udf0d \ud83c"}')
    b'{"name": "\\ud83c\\udf0d \xff\xffd83c"}'
    """
    copy = bytearray(body)
    for text in _STRING.finditer(body):
        for found in _NO_UNICODE.finditer(body, *text.span()):
            if found[1] is None:
                copy[slice(*found.span())] = b"\xff" * len(found[0])
    return bytes(copy)


def salvage(raw: bytes, error: Exception) -> tuple[Neo, list[str]]:
    """Return the object with malformed optional values set to null, and a message for each.

    Parameters
    ----------
    raw
        The object's bytes.
    error
        The error from decoding them.

    Raises
    ------
    Exception
        ``error`` or a later one, if a required value is malformed.
    """
    if not isinstance(error, UnicodeDecodeError) and not _is_optional(error):
        raise error
    listed = _read(raw)
    messages: list[str] = []
    while True:
        try:
            return msgspec.convert(listed, Neo, strict=False), messages
        except msgspec.ValidationError as found:
            if len(messages) == _MOST_NULLS or not _is_optional(found):
                raise
            messages.append(str(found))
            _set_null(listed, path_and_reason(str(found))[0])


def path_and_reason(message: str) -> tuple[str, str]:
    """Split a message of msgspec into field path and reason.

    Examples
    --------
    >>> path_and_reason("Expected `int` >= 0 - at `$.orbital_data.observations_used`")
    ('$.orbital_data.observations_used', 'Expected `int` >= 0')
    """
    reason, _, path = message.partition(" - at ")
    return path.strip("`") or "$", reason


def _is_optional(error: Exception) -> bool:
    return bool(_OPTIONAL.fullmatch(path_and_reason(str(error))[0]))


def _set_null(listed: Any, path: str) -> None:  # noqa: ANN401 -- any JSON
    *parents, (last, _) = _STEP.findall(path)
    for name, place in parents:
        listed = listed[name or int(place)]
    listed[last] = None


def _read(raw: bytes) -> Any:  # noqa: ANN401 -- any JSON
    return json.loads(
        raw.decode("utf-8", "surrogateescape"),
        strict=False,
        object_hook=_without_malformed,
        parse_int=lambda digits: int(digits) if len(digits) <= _DIGITS else float(digits),
    )


def _without_malformed(listed: dict[str, Any]) -> dict[str, Any]:
    return {
        name: MalformedText() if isinstance(value, str) and _SURROGATE.search(value) else value
        for name, value in listed.items()
    }
