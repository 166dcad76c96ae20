"""A Java that finds no archive of Spark's classes, as in the first run on a machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from neo_utils.engines.class_archive import archive_path, failure_marker
from neo_utils.engines.java import MINIMUM_VERSION, java_home


@contextmanager
def java_without_archive() -> Iterator[Path]:
    """Yield another home of the same Java; it and what belongs to it are gone afterwards.

    An archive is of one home, so that the one that is there stays where it is, for whoever runs
    meanwhile. A mark tells that it cannot be made for this home: a run that made it in the
    background would disturb what is measured next.
    """
    with TemporaryDirectory(prefix="java-") as folder:
        home = Path(folder)
        (home / "bin").symlink_to(java_home() / "bin")
        (home / "release").write_text(f'JAVA_VERSION="{MINIMUM_VERSION}"\n')
        mark = failure_marker(archive_path(home))
        mark.parent.mkdir(exist_ok=True)
        mark.write_text("not tried: a benchmark measures Spark without it\n")
        try:
            yield home
        finally:
            mark.unlink()
