"""History: what each fetch found changed in NEOs that were stored before.

A row is added only if a value changed, and no row is ever removed. A page adds at most 20 rows,
before its batch is replaced, so a killed run loses none. What is known of a NEO is its newest state
in a batch, in the history, or in the file of unlisted NEOs: those that a replaced batch had and no
batch has now, because they moved to a page that is not fetched yet, or left the listing. So a run
that resumes finds every change, and adds none twice. All this is for one service: data of another
one replace it without a trace here.
"""

import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.errors import StoredDataBroken
from neo_utils.positions import Batch
from neo_utils.store.atomic import write_in_order
from neo_utils.store.folders import exists, names_in, raise_if_refused
from neo_utils.store.neo_states import VALUES, NeoState, newest_states, states_on, stored_neos
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.schemas import HISTORY
from neo_utils.store.segments import Segment

FOLDER = "history"
_LAST_SEEN = pa.schema([field for field in HISTORY if not field.name.endswith("_after")])
_CHANGES = re.compile(r"positions=\d+-\d+\.parquet")


class History:
    """The changes in an output that is being written; several threads may use it."""

    def __init__(self, output: Path, label: str, known: Mapping[str, NeoState]) -> None:
        """Start from what is known of the NEOs that the service of this label listed."""
        self._output, self._label, self._known = output, label, dict(known)
        self._lock, self._recorded = threading.Lock(), set[str]()
        self._of_batch: dict[Batch, list[str]] = defaultdict(list)
        for neo_id, state in known.items():
            if state.batch:
                self._of_batch[state.batch].append(neo_id)

    def record(self, batch: Batch, page: Page, provenance: Provenance) -> None:
        """Record the NEOs of a page that differ from what is known, before it replaces a batch.

        Raises
        ------
        StoredDataBroken
            If the history is corrupted. Nothing is changed.
        OSError
            If it cannot be written.
        """
        with self._lock:  # two pages may list the same NEO
            listed = {
                neo_id: state
                for neo_id, state in states_on(batch, page, provenance).items()
                # The answer of another page of this run may be newer.
                if neo_id not in self._recorded
                or self._known[neo_id].fetched_at <= state.fetched_at
            }
            changed = {
                neo_id: (old, new)
                for neo_id, new in listed.items()
                if (old := self._known.get(neo_id, new)).values != new.values
            }
            if changed:
                rows = [_row(neo_id, self._label, *both) for neo_id, both in changed.items()]
                _append(history_path(self._output, Segment.of(batch)), rows)
            # Until `stored`, no batch on disk has what is new on this page.
            for neo_id, state in listed.items():
                old_batch = self._known[neo_id].batch if neo_id in self._known else None
                self._known[neo_id] = state._replace(batch=old_batch)
            on_page = set(page.neos["id"].to_pylist())
            left = [
                neo_id
                for neo_id in self._of_batch[batch]
                if neo_id not in on_page and self._known[neo_id].batch == batch
            ]
            for neo_id in left:
                self._known[neo_id] = self._known[neo_id]._replace(batch=None)
            if left:
                self._write_unlisted()
            self._recorded |= listed.keys()

    def stored(self, batch: Batch, page: Page) -> None:
        """Note that the batch of a recorded page is stored."""
        with self._lock:
            self._of_batch[batch] = page.neos["id"].to_pylist()
            for neo_id in self._of_batch[batch]:
                self._known[neo_id] = self._known[neo_id]._replace(batch=batch)

    def finish(self) -> None:
        """Forget the unlisted NEOs that were found on another page."""
        with self._lock:
            self._write_unlisted()

    def _write_unlisted(self) -> None:
        """Write the states of the NEOs that no batch has, in the form of the earlier state."""
        before = _unlisted(self._output)
        others = [row for row in before if row["source"] != self._label]
        own = [
            _earlier(neo_id, self._label, state)
            for neo_id, state in self._known.items()
            if state.batch is None
        ]
        rows = sorted([*others, *own], key=lambda row: (row["source"], row["neo_id"]))
        if rows != before:
            content = _bytes_of(pa.Table.from_pylist(rows, _LAST_SEEN)) if rows else None
            write_in_order([(_unlisted_path(self._output), content)])


def check_history(output: Path) -> int:
    """Return the number of changes; raise StoredDataBroken if a file is corrupted."""
    _unlisted(output)
    return int(read_history(output).num_rows)


def known_neos(output: Path, label: str) -> dict[str, NeoState]:
    """Return what is known of each NEO that a service ever listed, by id."""
    stored = stored_neos(output, label)
    unlisted = (
        (row["neo_id"], _state_in(row, "before"))
        for row in _unlisted(output)
        if row["source"] == label
    )
    changed = (
        (row["neo_id"], _state_in(row, "after"))
        for row in read_history(output).to_pylist()
        if row["source"] == label
    )
    newest = newest_states([*stored.items(), *unlisted, *changed])
    return {
        neo_id: state._replace(batch=stored[neo_id].batch if neo_id in stored else None)
        for neo_id, state in newest.items()
    }


def history_path(output: Path, segment: Segment) -> Path:
    """Return the file of the changes of the positions of a segment."""
    return output / FOLDER / f"positions={segment.first}-{segment.batches[-1].last}.parquet"


def _unlisted_path(output: Path) -> Path:
    return output / FOLDER / "unlisted.parquet"


def _unlisted(output: Path) -> list[dict[str, Any]]:
    path = _unlisted_path(output)
    rows: list[dict[str, Any]] = _read(path, _LAST_SEEN).to_pylist() if exists(path) else []
    return rows


def read_history(output: Path) -> pa.Table:
    """Return all changes by time of the later fetch; the columns are those of "history".

    Raises
    ------
    StoredDataBroken
        If a file is corrupted.
    """
    names = sorted(filter(_CHANGES.fullmatch, names_in(output / FOLDER)))
    tables = [_read(output / FOLDER / name, HISTORY) for name in names]
    return _in_order([HISTORY.empty_table(), *tables])


def _state_in(row: dict[str, Any], when: str) -> NeoState:
    values = tuple(row[f"{name}_{when}"] for name in VALUES)
    return NeoState(row[f"fetched_at_{when}"], row["name"], values)


def _row(neo_id: str, label: str, old: NeoState, new: NeoState) -> dict[str, Any]:
    after = {f"{name}_after": value for name, value in zip(VALUES, new.values, strict=True)}
    earlier = _earlier(neo_id, label, old)
    return {**earlier, **after, "name": new.name, "fetched_at_after": new.fetched_at}


def _earlier(neo_id: str, label: str, state: NeoState) -> dict[str, Any]:
    values = {f"{name}_before": value for name, value in zip(VALUES, state.values, strict=True)}
    names = {"neo_id": neo_id, "name": state.name, "source": label}
    return {**names, "fetched_at_before": state.fetched_at, **values}


def _append(path: Path, rows: list[dict[str, Any]]) -> None:
    earlier = [_read(path, HISTORY)] if exists(path) else []
    table = _in_order([*earlier, pa.Table.from_pylist(rows, HISTORY)])
    write_in_order([(path, _bytes_of(table))])


def _in_order(tables: list[pa.Table]) -> pa.Table:
    """Return all rows in an order that does not depend on which page arrived first."""
    order = [("fetched_at_after", "ascending"), ("neo_id", "ascending")]
    return pa.concat_tables(tables).sort_by(order)


def _bytes_of(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    return bytes(buffer.getvalue())


def _read(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
        if table.schema.equals(schema):
            return table.cast(schema)
        reason: object = "it has other columns"
    except (pa.ArrowException, OSError) as error:
        raise_if_refused(path, error)
        reason = str(error).partition("\n")[0]
    raise StoredDataBroken(
        f"{path} is corrupted ({reason}). Stored batches are kept. It cannot be computed again: "
        "restore it from a backup, or move it elsewhere to start a new history"
    )
