"""Remember which rows each frame counts, so that `save` accepts no other frame."""

from collections.abc import Iterable
from pathlib import Path
from weakref import WeakKeyDictionary

from neo_utils.engines.engine import Rows, Session

_State = tuple[str, list[tuple[int, int, int]]]  # a checksum of pages; inode, size, time of files
_PAGES: WeakKeyDictionary[Rows, str] = WeakKeyDictionary()
_REGISTERED: WeakKeyDictionary[Session, tuple[list[Path], _State]] = WeakKeyDictionary()


def note_registered(session: Session, pages_sha256: str, files: Iterable[Path]) -> None:
    """Note the pages and the files of segments that the views of a session read from now on."""
    files = list(files)
    _REGISTERED[session] = files, _state(pages_sha256, files)


def note_pages(frame: Rows, pages_sha256: str | None) -> Rows:
    """Note the checksum of the pages that a frame counts, if it is known, and return the frame."""
    if pages_sha256:
        _PAGES[frame] = pages_sha256
    return frame


def counted_pages(*frames: Rows) -> str | None:
    """Return the checksum of the pages that these frames count.

    It is None if they differ, if their session has read another selection since, if a segment was
    replaced since, and for a frame that does not come from `read_batches`, `metrics` or
    `yearly_statistics`, such as a filtered one.
    """
    pages = {_PAGES.get(frame) for frame in frames}
    files, registered = _REGISTERED.get(frames[0].sparkSession, ([], ("", [])))
    found = pages.pop() if len(pages) == 1 else None
    return found if found and _state(found, files) == registered else None


def segments_replaced(session: Session) -> bool:
    """Check whether a segment that the views of a session read was built again since."""
    files, registered = _REGISTERED.get(session, ([], ("", [])))
    return all(file.exists() for file in files) and _state(registered[0], files) != registered


def _state(pages_sha256: str, files: Iterable[Path]) -> _State:
    stats = [file.stat() for file in files if file.exists()]
    return pages_sha256, [(one.st_ino, one.st_size, one.st_mtime_ns) for one in stats]
