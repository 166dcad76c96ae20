"""Remember which pages each frame counts, so that `save` accepts no other frame."""

from weakref import WeakKeyDictionary

from neo_utils.engines.engine import Rows

_PAGES: WeakKeyDictionary[Rows, str] = WeakKeyDictionary()


def note_pages(frame: Rows, pages_sha256: str | None) -> Rows:
    """Note the checksum of the pages that a frame counts, if it is known, and return the frame."""
    if pages_sha256:
        _PAGES[frame] = pages_sha256
    return frame


def counted_pages(*frames: Rows) -> str | None:
    """Return the checksum of the pages that these frames count.

    It is None if they differ, or for a frame that does not come from `read_batches`, `metrics` or
    `yearly_statistics`, such as a filtered one.
    """
    pages = {_PAGES.get(frame) for frame in frames}
    return pages.pop() if len(pages) == 1 else None
