"""Compare the service's first page with `tests.live_contract`: added, missing, changed fields."""

import json
import re
from collections import Counter, defaultdict
from math import inf, isclose
from typing import NamedTuple

from msgspec import inspect

from neo_utils.neows.contract import Envelope
from neo_utils.neows.pages import InvalidPage
from neo_utils.neows.rate_limit import http_date
from neo_utils.positions import BATCH_SIZE, Batch
from neo_utils.store.page_tables import decode_page
from tests.live_contract import BODIES, CATALOGUE_SIZE, FORMS, HEADERS, UNITS


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


class Difference(NamedTuple):
    """A difference from the contract; it matters if the package reads the field."""

    path: str
    text: str
    matters: bool = True

    def __str__(self):
        return f"{self.path}: {self.text}{'' if self.matters else ' (not used)'}"


def differences(body, headers):
    """Return the differences between an answer for page 0 and the contract."""
    try:
        page = json.loads(body)
    except ValueError as error:
        return [Difference("the answer", f"is not JSON ({type(error).__name__})")]
    values = defaultdict(list)
    _collect(page, "", values)
    read = paths_read()
    changes = [*_known(values), *_new(values), *_unit_changes(values), *_page_numbers(values)]
    found = [Difference(path, text, path in read) for path, text in changes]
    return [*found, *_header_changes(headers), *_undecoded(body)]


def paths_read():
    """Return the paths that the package reads, from its types."""
    return _paths(inspect.type_info(Envelope), "")


def _paths(kind, path):
    inner = [(each, path) for each in getattr(kind, "types", ())]
    if isinstance(kind, inspect.ListType):
        inner = [(kind.item_type, f"{path}[]")]
    if isinstance(kind, inspect.StructType):
        inner = [(one.type, _joined(path, one.encode_name)) for one in kind.fields]
    return {path}.union(*(_paths(*each) for each in inner))


def _collect(value, path, values):
    """Collect the values of a page by path."""
    values[path].append(value)
    if isinstance(value, dict):
        for name, one in value.items():
            _collect(one, _joined(path, name), values)
    elif isinstance(value, list):
        for one in value:
            _collect(one, f"{path}[]", values)


def _joined(path, name):
    return f"{path}.{name}" if path else name


def _objects_around(values, path):
    """Return the objects that may contain this path."""
    return [one for one in values.get(path.rpartition(".")[0], ()) if isinstance(one, dict)]


def _known(values):
    """Yield fields of the contract that are missing or have another form."""
    for path, form in FORMS.items():
        forms, found = form.split(" or "), values.get(path, [])
        yield from ((path, text) for text in _absence(values, path, forms))
        others = [one for one in found if not any(has_form(one, form) for form in forms)]
        for name, count in Counter(form_of(one, forms) for one in others).items():
            yield path, f"{name} in {count:,} of {len(found):,}, previously {forms[0]}"


def _absence(values, path, forms):
    found = values.get(path, [])
    if path.endswith("[]"):
        if not found and values.get(path.removesuffix("[]")):
            yield "none on this page"
        return
    missing = len(_objects_around(values, path)) - len(found)
    if missing and not ("nowhere" in forms or ("absent" in forms and found)):
        yield f"missing in {missing:,} of {missing + len(found):,}"


def _new(values):
    """Yield fields that the contract does not have; for an object or list, not its parts."""
    for path, found in values.items():
        parent = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
        if path and path not in FORMS and parent in ("", *FORMS):
            forms = " or ".join(dict.fromkeys(map(form_of, found)))
            yield path, f"new, {forms}, in {len(found):,} of {len(_objects_around(values, path)):,}"


def _unit_changes(values):
    for where, units in UNITS.items():
        for path, unit in units.items():
            factors = [_factor(one, path, unit) for one in values.get(where, ())]
            factors = [factor for factor in factors if factor is not None]
            if factors:
                yield (
                    f"{where}.{path}",
                    f"another unit or meaning in {len(factors):,} of {len(values[where]):,}: "
                    f"{factors[0]:.6g} times the value expected from {unit.other}",
                )


def _factor(item, path, unit):
    """Return how many times too large a value is; None if it is right or unknown."""
    try:
        value, expected = float(_at(item, path)), unit.expected(_at(item, unit.other))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # its form differs, which is reported already
    if isclose(value, expected, rel_tol=unit.tolerance):
        return None
    return value / expected if expected else inf


def _at(item, path):
    for name in path.split("."):
        item = item[name]
    return item


def _page_numbers(values):
    for size in values.get("page.size", ()):
        if size != BATCH_SIZE:
            yield "page.size", f"not the requested {BATCH_SIZE}"
    for total in values.get("page.total_elements", ()):
        if type(total) is int and not CATALOGUE_SIZE / 2 < total < CATALOGUE_SIZE * 2:
            yield "page.total_elements", f"{total:,}, previously about {CATALOGUE_SIZE:,} (2026)"


def _header_changes(headers):
    for name, form in HEADERS.items():
        if name not in headers:
            yield Difference(f"header {name}", "missing")
        elif not has_form(headers[name], form):
            yield Difference(f"header {name}", f"{form_of(headers[name])}, previously {form}")


def _undecoded(body):
    """Return what the package's own decoder rejects."""
    try:
        rejected = decode_page(body, Batch(1)).rejected
    except InvalidPage as error:
        return [Difference("decoding", str(error))]
    reasons = Counter(f"{one.reason} at {one.field_path}" for one in rejected)
    return [
        Difference("decoding", f"{count:,} of {BATCH_SIZE} objects are rejected: {reason}")
        for reason, count in reasons.items()
    ]
