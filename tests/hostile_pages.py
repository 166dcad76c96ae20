"""Pages of the largest size, designed to cost as much memory or time as possible.

``python -m tests.hostile_pages`` decodes each page and serialises rejected objects. It prints a
line per page with name, outcome and processor seconds, and finally the growth in memory (MB) for
the pages, and for an archived page that decompresses to 200 MB.
"""

import resource
import time
from collections.abc import Iterator

from neo_utils.neows.contract import LARGEST_PAGE
from neo_utils.neows.pages import InvalidPage
from neo_utils.positions import Batch
from neo_utils.store.batches import json_lines
from neo_utils.store.page_archive import body_of, pack
from neo_utils.store.page_tables import decode_page
from tests.objects import neos, page, put

MB = 2**20
_ROOM = LARGEST_PAGE - 60_000  # free space besides 20 objects
_APPROACH = (
    b'{"close_approach_date":"2000-01-01","relative_velocity":{"kilometers_per_second":1},'
    b'"miss_distance":{"astronomical":1,"kilometers":1,"lunar":%s},"orbiting_body":"E"}'
)


def _many(piece: bytes) -> bytes:
    return piece + (b"," + piece) * (_ROOM // (len(piece) + 1) - 1)


def _at(name: str, token: bytes) -> bytes:
    return page(put(neos(), (9, name), "@")).replace(b'"@"', token)


def hostile_pages() -> Iterator[tuple[str, bytes]]:
    """Yield names and bodies."""
    listed = page([]).replace(b"[]", b"[%s]")
    for piece in (b"0", b"{}", b'{"id":"1","close_approach_data":[]}'):
        yield f"objects {piece.decode()}", listed % _many(piece)
    yield "approaches {}", _at("close_approach_data", b"[%s]" % _many(b"{}"))
    for name in ("name", "links"):
        yield f"{name} of objects", _at(name, b"[%s]" % _many(b'{"a":{}}'))
    for lunar in (b"1", b'"x"'):
        approaches = b"[%s]" % _many(_APPROACH % lunar)
        yield f"approaches, lunar {lunar.decode()}", _at("close_approach_data", approaches)
    keys = b",".join(b'"%d":1' % place for place in range(_ROOM // 12))
    for name in ("name", "links"):
        yield f"{name} with other keys", _at(name, b"{%s}" % keys)
    yield "a long name", _at("name", b'"%s"' % (b"x" * _ROOM))
    yield "halves of surrogate pairs", _at("name", b'"%s"' % (rb"\ud800" * (_ROOM // 6)))
    yield "empty texts beside half a pair", _at("links", rb'["\ud800",%s]' % _many(b'""'))
    yield "many digits", _at("absolute_magnitude_h", b"9" * _ROOM)
    yield "deep", _at("name", b"[" * (_ROOM // 2) + b"]" * (_ROOM // 2))
    yield "deep, again and again", _at("name", b"[%s]" % _many(b"[" * 300 + b"]" * 300))
    yield "too large", listed % (b" " * LARGEST_PAGE)


def outcome(body: bytes) -> str:
    """Decode a page, serialise its rejected objects, and return the outcome."""
    try:
        result = decode_page(body, Batch(1))
    except InvalidPage:
        return "broken"
    json_lines(result.rejected)
    return f"{len(result.rejected)} rejected, {len(result.nulled)} null"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux: KiB


def main() -> None:
    """Decode all pages, and an archived page that decompresses to a thousand times its size."""
    outcome(page(neos()))  # loads modules and caches
    before_mb = _peak_mb()
    for name, body in hostile_pages():
        started_s = time.process_time()
        result = outcome(body)
        print(f"{name}: {result}: {time.process_time() - started_s:.1f}")
    pages_mb = _peak_mb() - before_mb
    bomb = pack(bytes(200 * MB), {})  # creating it takes more memory than all of the above
    before_mb = _peak_mb()
    try:
        body_of(bomb)
    except ValueError as error:
        print(f"an archived page: {error}: 0")
    print(f"{pages_mb:.0f} {_peak_mb() - before_mb:.0f}")


if __name__ == "__main__":
    main()
