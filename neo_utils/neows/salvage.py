"""Keep an object whose optional values are malformed: these become null, and are named.

Only for objects that the contract has refused: reading them with `json` takes ten times as long.
"""

import json
import re
from typing import Any

import msgspec

from neo_utils.neows.contract import Neo

# What an object may lack. The rest identifies an object or an approach, or measures an approach.
_OPTIONAL = re.compile(
    r"\$\.(?:name|name_limited|designation|nasa_jpl_url|absolute_magnitude_h"
    r"|is_potentially_hazardous_asteroid|estimated_diameter(?:\.meters(?:\.\w+)?)?"
    r"|orbital_data(?:\.\w+)?|close_approach_data\[\d+\]\.miss_distance\.lunar)"
)
_MOST_NULLS = 20  # in an object; with more it is the object that is malformed
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
# Kept are whole pairs of surrogates and all other escapes that JSON has.
_NO_UNICODE = re.compile(
    rb"(\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}"
    rb'|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[\da-fA-F]{4}))'
    rb"|\\.|[\x00-\x1f]",
    re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DIGITS = 18  # of an integer that cannot overflow; thousands of digits would take Python minutes


class MalformedText:
    """Stands for a text that is no Unicode; msgspec names this class where it refuses it."""


def marked(body: bytes) -> bytes:
    r"""Replace, within JSON strings, what is no Unicode by as many bytes 0xFF, which no text has.

    These are escapes of half a surrogate pair, unknown escapes and control characters. Scanners
    of JSON give up the whole page for them, but pass over strings without decoding UTF-8.

    Examples
    --------
    >>> marked(rb'{"name": "\ud83c\udf0d \ud83c"}')
    b'{"name": "\\ud83c\\udf0d \xff\xffd83c"}'
    """
    copy = bytearray(body)
    for text in _STRING.finditer(body):
        for found in _NO_UNICODE.finditer(body, *text.span()):
            if found[1] is None:
                copy[slice(*found.span())] = b"\xff" * len(found[0])
    return bytes(copy)


def salvaged(raw: bytes, error: Exception) -> tuple[Neo, list[str]]:
    """Return the object with the malformed of its optional values null, and a message for each.

    Parameters
    ----------
    raw
        The object's bytes.
    error
        Why decoding them failed.

    Raises
    ------
    Exception
        ``error`` or the next one, for a malformed value that is not optional.
    """
    if not isinstance(error, UnicodeDecodeError) and not _is_optional(error):
        raise error
    listed = _read(raw)
    odd: list[str] = []
    while True:
        try:
            return msgspec.convert(listed, Neo, strict=False), odd
        except msgspec.ValidationError as found:
            if len(odd) == _MOST_NULLS or not _is_optional(found):
                raise
            odd.append(str(found))
            _set_null(listed, path_and_reason(str(found))[0])


def path_and_reason(message: str) -> tuple[str, str]:
    """Take a message of msgspec apart.

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
