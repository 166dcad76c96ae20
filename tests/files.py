"""The files of an output."""

from pathlib import Path


def contents_of(folder: Path) -> dict[str, bytes]:
    """Return the content of each file by its name, without segments."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files_in(folder)}


def files_in(folder: Path) -> list[Path]:
    """Return the files of a folder, without segments: they contain modification times."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if "segments" not in path.relative_to(folder).parts]
