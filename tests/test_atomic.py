import itertools
import os
import stat
from pathlib import Path

import pytest

from neo_utils.store.atomic import remove_leftovers, write_in_order
from tests.files import contents_of, files_in


class PowerCut(BaseException):
    """A BaseException, so no handler cleans up after it."""


def killed(monkeypatch, step, write):
    """Stop a write before its `step`-th sync, rename or removal (from 0); return if it stopped."""
    steps = iter(range(step))

    def counted(call):
        def unless_killed(*args, **kwargs):
            if next(steps, None) is None:
                raise PowerCut
            return call(*args, **kwargs)

        return unless_killed

    with monkeypatch.context() as patch:
        for name in ("fsync", "replace", "unlink"):
            patch.setattr(os, name, counted(getattr(os, name)))
        try:
            write()
        except PowerCut:
            return True
    return False


@pytest.fixture
def events(monkeypatch):
    """Return the disk operations in order, each with what identifies its file or folder."""
    happened = []
    fsync, replace, unlink = os.fsync, os.replace, os.unlink

    def recorded_fsync(descriptor):
        state = os.fstat(descriptor)
        # The size shows that Python's buffer was flushed before.
        is_folder = stat.S_ISDIR(state.st_mode)
        happened.append(synced(state) if is_folder else ("sync file", state.st_size))
        fsync(descriptor)

    def recorded_replace(source, target):
        happened.append(("rename", Path(target).name))
        replace(source, target)

    def recorded_unlink(path):
        happened.append(("remove", Path(path).name))
        unlink(path)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    monkeypatch.setattr(os, "unlink", recorded_unlink)
    return happened


def synced(folder):
    return "sync folder", folder.st_ino


def test_writes_and_removes_files_and_leaves_nothing_else(tmp_path):
    for name in ("gone", "m"):
        (tmp_path / name).write_bytes(b"a longer text than the new one")
    new = [("a/one", b"1"), ("b/two", b""), ("gone", None), ("never", None), ("m", b"3")]
    write_in_order([(tmp_path / name, text) for name, text in new])
    assert contents_of(tmp_path) == {"a/one": b"1", "b/two": b"", "m": b"3"}


def test_single_file_is_synced_and_replaced_without_gap(tmp_path, events):
    (tmp_path / "f").write_bytes(b"old")
    write_in_order([(tmp_path / "f", b"four")])
    assert events == [("sync file", 4), ("rename", "f"), synced(tmp_path.stat())]


def test_all_files_are_complete_before_first_rename_and_marker_is_last(tmp_path, events):
    folders = [tmp_path / name for name in ("x", "y", "z")]
    for folder in folders:
        folder.mkdir()
    x, y, z = folders
    for path in (y / "b", z / "mark"):
        path.write_bytes(b"old")
    write_in_order([(x / "a", b"1"), (y / "b", None), (z / "mark", b"333")])
    assert events == [
        ("sync file", 1),
        ("sync file", 3),
        ("remove", "mark"),
        synced(z.stat()),
        ("rename", "a"),
        synced(x.stat()),
        ("remove", "b"),
        synced(y.stat()),
        ("rename", "mark"),
        synced(z.stat()),
    ]


def test_closes_all_descriptors(tmp_path, monkeypatch):
    opened, closed = [], []
    os_open, os_close = os.open, os.close
    monkeypatch.setattr(os, "open", lambda *a: opened.append(os_open(*a)) or opened[-1])
    monkeypatch.setattr(os, "close", lambda d: closed.append(d) or os_close(d))
    write_in_order([(tmp_path / "f", b"1")])
    assert opened
    assert sorted(opened) == sorted(closed)


def test_failed_write_keeps_old_file(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"old")

    def disk_full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_in_order([(tmp_path / "other", b"new"), (tmp_path / "f", b"new")])
    assert (tmp_path / "f").read_bytes() == b"old"
    assert not (tmp_path / "other").exists()


OLD = {"added": None, "changed": b"old", "removed": b"old", "mark": b"old"}
NEW = {"added": b"new", "changed": b"new", "removed": None, "mark": b"new and longer"}


def state_of(folder, names):
    found = contents_of(folder)
    for state, texts in {"old": OLD, "new": NEW}.items():
        if found == {name: texts[name] for name in names if texts[name]}:
            return state
    return "mixed" if "mark" in found else "no marker"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (list(OLD), ["old", "no marker", "new"]),
        (["changed", "mark"], ["old", "no marker", "new"]),
        (["mark"], ["old", "new"]),
    ],
    ids=["many files", "two files", "one file"],
)
def test_marker_only_appears_with_files_of_its_own_write(tmp_path, monkeypatch, names, expected):
    states = []
    for step in itertools.count():
        folder = tmp_path / str(step)
        old, new = ([(folder / name, texts[name]) for name in names] for texts in (OLD, NEW))
        write_in_order(old)
        if not killed(monkeypatch, step, lambda write=new: write_in_order(write)):
            break
        remove_leftovers(folder)
        states.append(state_of(folder, names))
    assert list(dict.fromkeys(states)) == expected


def test_removes_only_temporary_files(tmp_path, monkeypatch):
    contents = [(tmp_path / name, b"text") for name in ("a", "b", "mark")]
    assert killed(monkeypatch, 2, lambda: write_in_order(contents))
    for name in ("kept.tmp", ".kept", "kept"):
        (tmp_path / name).touch()
    assert len(files_in(tmp_path)) == 3 + 3
    remove_leftovers(tmp_path)
    remove_leftovers(tmp_path / "absent")
    assert sorted(contents_of(tmp_path)) == [".kept", "kept", "kept.tmp"]


def test_next_write_removes_temporary_files(tmp_path, monkeypatch):
    contents = [(tmp_path / "a", b"1"), (tmp_path / "m", b"2")]
    for step in range(5):
        assert killed(monkeypatch, step, lambda: write_in_order(contents))
    write_in_order([(tmp_path / "a", b"3"), (tmp_path / "m", b"4")])
    assert contents_of(tmp_path) == {"a": b"3", "m": b"4"}


def test_temporary_name_is_not_a_table_name(tmp_path, monkeypatch):
    path = tmp_path / "neo_partition_1-20.parquet"
    assert killed(monkeypatch, 1, lambda: write_in_order([(path, b"1")]))
    (leftover,) = files_in(tmp_path)
    # Spark, Hive and DuckDB ignore names with a leading dot or another suffix.
    assert leftover.name.startswith(".")
    assert not leftover.name.endswith(".parquet")


def test_tolerates_folder_created_concurrently(tmp_path, monkeypatch):
    mkdir = Path.mkdir

    def made_by_another_run_first(folder, *args, **kwargs):
        os.mkdir(folder)  # noqa: PTH102
        mkdir(folder, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", made_by_another_run_first)
    write_in_order([(tmp_path / "a/b/f", b"1")])
    assert contents_of(tmp_path) == {"a/b/f": b"1"}
