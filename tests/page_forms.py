"""Names for the forms of values in the service's pages."""

import re

from neo_utils.neows.rate_limit import http_date
from tests.live_contract import BODIES


def _text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII)


# From narrow to wide: the first form that matches names the value.
HAS_FORM = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "whole number": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "whole number as text": _text(r"\d+"),
    "number as text": _text(r"-?(\d+\.?|\d*\.\d+)"),
    "date from 1900 to 2200": _text(r"(19\d\d|2[01]\d\d|2200)-\d\d-\d\d"),
    "date": _text(r"\d{4}-\d\d-\d\d"),
    "date and time": _text(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    "date with English month, hour and minute": _text(r"\d{4}-[A-Z][a-z]{2}-\d\d \d\d:\d\d"),
    "date of HTTP": lambda value: isinstance(value, str) and http_date(value),
    "address": _text(r"https?://\S+"),
    "body": lambda value: value in BODIES,
    "empty text": _text(""),
    "text": lambda value: isinstance(value, str) and value,
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}


def has_form(value, form):
    """Check whether a value has a form; no value has the forms "absent" and "nowhere"."""
    return form in HAS_FORM and bool(HAS_FORM[form](value))


def form_of(value, expected=()):
    """Return the form of a value, never the value itself: a page's links contain the key."""
    # Except for bodies, whose names are useful: a few letters cannot be a key.
    if "body" in expected and isinstance(value, str) and re.fullmatch(r"[A-Za-z ]{1,12}", value):
        return f'"{value}"'
    return next(form for form in HAS_FORM if has_form(value, form))
