"""Compare the service's first page with `tests.live_contract`: what came, went, changed."""

import json
from collections import Counter, defaultdict
from math import inf, isclose
from typing import NamedTuple

from msgspec import inspect

from neo_utils.compare import orbits
from neo_utils.explore import upcoming
from neo_utils.neows.contract import Envelope
from neo_utils.neows.pages import PageBroken
from neo_utils.positions import BATCH_SIZE, Batch
from neo_utils.store.page_tables import decode_page
from tests.live_contract import CATALOGUE_SIZE, FORMS, HEADERS, UNITS
from tests.page_forms import form_of, has_form


class Difference(NamedTuple):
    """What is not as the contract has it, and whether that matters: whether we read it."""

    path: str
    text: str
    matters: bool = True

    def __str__(self):
        return f"{self.path}: {self.text}{'' if self.matters else ' (nothing reads it)'}"


def differences(body, headers):
    """Return how an answer to the request for page 0 differs from the contract."""
    try:
        page = json.loads(body)
    except ValueError as error:
        return [Difference("the answer", f"is no JSON ({type(error).__name__})")]
    values = defaultdict(list)
    _collect(page, "", values)
    read = paths_read()
    told = [*_known(values), *_new(values), *_of_other_units(values), *_page_numbers(values)]
    found = [Difference(path, text, path in read) for path, text in told]
    return [*found, *_header_changes(headers), *_undecoded(body)]


def paths_read():
    """Return the paths that the package reads, as its types have them."""
    of_objects = (upcoming._Neo, orbits._Neo)
    read = [_paths(inspect.type_info(one), "near_earth_objects[]") for one in of_objects]
    return _paths(inspect.type_info(Envelope), "").union(*read)


def _paths(kind, path):
    inner = [(each, path) for each in getattr(kind, "types", ())]
    if isinstance(kind, inspect.ListType):
        inner = [(kind.item_type, f"{path}[]")]
    if isinstance(kind, inspect.StructType):
        inner = [(one.type, _joined(path, one.encode_name)) for one in kind.fields]
    return {path}.union(*(_paths(*each) for each in inner))


def _collect(value, path, values):
    """Gather the values of a page by their paths."""
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
    """Return the objects that may hold a value at this path."""
    return [one for one in values.get(path.rpartition(".")[0], ()) if isinstance(one, dict)]


def _known(values):
    """Tell what is gone or has another form, of what the contract has."""
    for path, form in FORMS.items():
        forms, found = form.split(" or "), values.get(path, [])
        yield from ((path, text) for text in _absence(values, path, forms))
        others = [one for one in found if not any(has_form(one, form) for form in forms)]
        for name, count in Counter(form_of(one, forms) for one in others).items():
            yield path, f"{name} in {count:,} of {len(found):,}, where {forms[0]} was"


def _absence(values, path, forms):
    found = values.get(path, [])
    if path.endswith("[]"):
        if not found and values.get(path.removesuffix("[]")):
            yield "none on this page"
        return
    missing = len(_objects_around(values, path)) - len(found)
    if missing and not ("nowhere" in forms or ("absent" in forms and found)):
        yield f"gone from {missing:,} of {missing + len(found):,}"


def _new(values):
    """Tell what the contract does not have; of an object or list, the whole and not its parts."""
    for path, found in values.items():
        parent = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
        if path and path not in FORMS and parent in ("", *FORMS):
            forms = " or ".join(dict.fromkeys(map(form_of, found)))
            yield path, f"new, {forms}, in {len(found):,} of {len(_objects_around(values, path)):,}"


def _of_other_units(values):
    for where, units in UNITS.items():
        for path, unit in units.items():
            factors = [_factor(one, path, unit) for one in values.get(where, ())]
            factors = [factor for factor in factors if factor is not None]
            if factors:
                yield (
                    f"{where}.{path}",
                    f"another unit or meaning in {len(factors):,} of {len(values[where]):,}: "
                    f"{factors[0]:.6g} times what follows from {unit.other}",
                )


def _factor(item, path, unit):
    """Return how many times too large a value is; None where it is right, or cannot be told."""
    try:
        value, expected = float(_at(item, path)), unit.expected(_at(item, unit.other))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # its form is another, which is told already
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
            yield "page.size", f"not the {BATCH_SIZE} that were asked for"
    for total in values.get("page.total_elements", ()):
        if type(total) is int and not CATALOGUE_SIZE / 2 < total < CATALOGUE_SIZE * 2:
            yield "page.total_elements", f"{total:,}, where some {CATALOGUE_SIZE:,} were in 2026"


def _header_changes(headers):
    for name, form in HEADERS.items():
        if name not in headers:
            yield Difference(f"header {name}", "gone")
        elif not has_form(headers[name], form):
            yield Difference(f"header {name}", f"{form_of(headers[name])}, where {form} was")


def _undecoded(body):
    """Tell what our own decoding refuses."""
    try:
        rejected = decode_page(body, Batch(1)).rejected
    except PageBroken as error:
        return [Difference("decoding", str(error))]
    reasons = Counter(f"{one.reason} at {one.field_path}" for one in rejected)
    return [
        Difference("decoding", f"{count:,} of {BATCH_SIZE} objects are rejected: {reason}")
        for reason, count in reasons.items()
    ]
