import itertools
import os
import stat
from pathlib import Path

import pytest

from neo_utils.store.atomic import remove_leftovers, write_in_order


class PowerCut(BaseException):
    """A BaseException, so no handler cleans up after it."""


def contents_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files_in(folder)}


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


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
    """Return the disk operations in order: syncs with the file size, renames with the name."""
    happened = []
    fsync, replace, unlink = os.fsync, os.replace, os.unlink

    def recorded_fsync(descriptor):
        state = os.fstat(descriptor)
        # The size shows that Python's buffer was flushed before.
        folder = stat.S_ISDIR(state.st_mode)
        happened.append(("sync folder", None) if folder else ("sync file", state.st_size))
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


def test_writes_the_file_and_nothing_else(tmp_path):
    write_in_order([(tmp_path / "a/one", b"1"), (tmp_path / "b/two", b""), (tmp_path / "m", b"3")])
    assert contents_of(tmp_path) == {"a/one": b"1", "b/two": b"", "m": b"3"}


def test_overwrites_existing_file(tmp_path):
    (tmp_path / "f").write_bytes(b"a longer text than the new one")
    write_in_order([(tmp_path / "f", b"new")])
    assert contents_of(tmp_path) == {"f": b"new"}


def test_none_removes_a_file(tmp_path):
    (tmp_path / "gone").write_bytes(b"old")
    write_in_order([(tmp_path / "gone", None), (tmp_path / "never", None), (tmp_path / "m", b"1")])
    assert contents_of(tmp_path) == {"m": b"1"}


def test_syncs_file_before_rename_and_folder_after(tmp_path, events):
    write_in_order([(tmp_path / "f", b"four")])
    assert events == [("sync file", 4), ("rename", "f"), ("sync folder", None)]


def test_all_files_are_complete_before_first_rename_and_marker_is_last(tmp_path, events):
    for name in ("b", "mark"):
        (tmp_path / name).write_bytes(b"old")
    write_in_order([(tmp_path / "a", b"1"), (tmp_path / "b", None), (tmp_path / "mark", b"333")])
    assert events == [
        ("sync file", 1),
        ("sync file", 3),
        ("remove", "mark"),
        ("sync folder", None),
        ("rename", "a"),
        ("sync folder", None),
        ("remove", "b"),
        ("sync folder", None),
        ("rename", "mark"),
        ("sync folder", None),
    ]


def test_single_file_is_replaced_without_gap(tmp_path, events):
    (tmp_path / "f").write_bytes(b"old")
    write_in_order([(tmp_path / "f", b"new")])
    assert "remove" not in {kind for kind, _ in events}


def test_syncs_the_folder_of_the_file(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def recorded(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    write_in_order([(tmp_path / "a/one", b"1"), (tmp_path / "b/mark", b"2")])
    assert synced[-2:] == [(tmp_path / name).stat().st_ino for name in ("a", "b")]


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


@pytest.mark.parametrize("step", range(3))
def test_killed_write_leaves_no_partial_file(tmp_path, monkeypatch, step):
    (tmp_path / "f").write_bytes(b"old")
    assert killed(monkeypatch, step, lambda: write_in_order([(tmp_path / "f", b"new and longer")]))
    expected = b"old" if step < 2 else b"new and longer"  # steps: sync, rename, sync of the folder
    assert (tmp_path / "f").read_bytes() == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"added": None, "changed": b"old", "removed": b"old", "mark": b"old"},
            {"added": b"new", "changed": b"new", "removed": None, "mark": b"new"},
        ),
        ({"changed": b"old", "mark": b"old"}, {"changed": b"new", "mark": b"new"}),
    ],
    ids=["many files", "two files"],
)
def test_marker_only_appears_with_files_of_its_own_write(tmp_path, monkeypatch, old, new):
    whole = [{name: text for name, text in write.items() if text} for write in (old, new)]
    outcomes = []
    for step in itertools.count():
        folder = tmp_path / str(step)
        was, shall_be = ([(folder / n, text) for n, text in w.items()] for w in (old, new))
        write_in_order(was)
        if not killed(monkeypatch, step, lambda write=shall_be: write_in_order(write)):
            break
        remove_leftovers(folder)
        found = contents_of(folder)
        outcomes.append(whole.index(found) if "mark" in found else None)
    # The complete old files, then no marker, then the complete new files.
    assert list(dict.fromkeys(outcomes)) == [0, None, 1]


def test_removes_only_temporary_files(tmp_path, monkeypatch):
    contents = [(tmp_path / name, b"text") for name in ("a", "b", "mark")]
    assert killed(monkeypatch, 2, lambda: write_in_order(contents))
    for name in ("kept.tmp", ".kept", "kept"):
        (tmp_path / name).touch()
    assert len(files_in(tmp_path)) == 3 + 3
    remove_leftovers(tmp_path)
    assert sorted(contents_of(tmp_path)) == [".kept", "kept", "kept.tmp"]


def test_missing_folder_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


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
