"""History: what each fetch found changed in NEOs that were stored before.

A row is added only if a value changed, and no row is ever removed. The rows of a page are written
before its batch is replaced, so a killed run loses none. What is known of a NEO is its newest row
in the history or in a batch, so a run that resumes adds none twice. A page adds at most 20 rows.
"""

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from neo_utils.errors import StoredDataBroken
from neo_utils.positions import Batch, PositionRange
from neo_utils.store.atomic import write_in_order
from neo_utils.store.batches import read_parquet, read_table, stored_provenances
from neo_utils.store.folders import exists, names_in, raise_if_refused
from neo_utils.store.page_tables import Page
from neo_utils.store.provenance import Provenance
from neo_utils.store.rebuilding import read_archived
from neo_utils.store.schemas import HISTORY, StoredTable
from neo_utils.store.segment_building import approaches_listed
from neo_utils.store.segments import Segment, outdated_batches, segments_of
from neo_utils.store.verification import unfinished

FOLDER = "history"
VALUES = (
    *("absolute_magnitude_h", "orbit_id", "is_potentially_hazardous_asteroid"),
    *("minimum_orbit_intersection_au", "listed_approaches"),
)
_EVERYTHING = PositionRange(1, None)


class Known(NamedTuple):
    """What was known of a NEO: the time of the fetch (UTC), its name and its `VALUES`."""

    fetched_at: dt.datetime
    name: str | None
    values: tuple[Any, ...]


class History:
    """The changes in an output that is being written; several threads may use it."""

    def __init__(self, output: Path, label: str, known: Mapping[str, Known]) -> None:
        """Start from what is known of the NEOs that the service of this label listed."""
        self._output, self._label, self._known = output, label, dict(known)
        self._lock = threading.Lock()

    def note(self, batch: Batch, page: Page, provenance: Provenance) -> None:
        """Append a row for each NEO of a page that differs from what is known.

        Raises
        ------
        StoredDataBroken
            If the history is corrupted. Nothing is changed.
        OSError
            If it cannot be written.
        """
        with self._lock:  # two pages may list the same NEO
            rows = []
            for neo_id, new in _known_on(page, provenance).items():
                old = self._known.get(neo_id, new)
                if old.values != new.values:
                    rows.append(_row(neo_id, self._label, old, new))
            if rows:
                _append(self._output, batch, rows)
            self._known.update(_known_on(page, provenance))


def known_neos(output: Path, label: str) -> dict[str, Known]:
    """Return what is known of each NEO that a service ever listed, by id."""
    return _newest([*_stored(output, label), *_recorded(output, label)])


def stored_neos(output: Path, label: str) -> dict[str, Known]:
    """Return what is stored of each NEO that a service listed, by id."""
    return _newest(_stored(output, label))


def _newest(found: Iterable[tuple[str, Known]]) -> dict[str, Known]:
    newest: dict[str, Known] = {}
    for neo_id, known in found:
        older = newest.get(neo_id)
        if older is None or older.fetched_at <= known.fetched_at:
            newest[neo_id] = known
    return newest


def read_history(output: Path) -> pa.Table:
    """Return all changes by time of the later fetch; the columns are those of "history".

    Raises
    ------
    StoredDataBroken
        If a file is corrupted.
    """
    tables = [_read(output / FOLDER / name) for name in _files(output)]
    return _in_order([HISTORY.empty_table(), *tables])


def history_path(output: Path, segment: Segment) -> Path:
    """Return the file of the changes of the positions of a segment."""
    return output / FOLDER / f"positions={segment.first}-{segment.batches[-1].last}.parquet"


def _in_order(tables: list[pa.Table]) -> pa.Table:
    """Return all rows in an order that does not depend on which page arrived first."""
    order = [("fetched_at_after", "ascending"), ("neo_id", "ascending")]
    return pa.concat_tables(tables).sort_by(order)


def _files(output: Path) -> list[str]:
    return sorted(name for name in names_in(output / FOLDER) if not name.startswith("."))


def _stored(output: Path, label: str) -> Iterator[tuple[str, Known]]:
    """Yield what each stored batch says about its NEOs, from segments where they are current."""
    stored = stored_provenances(output, _EVERYTHING, skip_broken=True)
    own = {batch: p for batch, p in stored.items() if p.service.label == label}
    left = set(outdated_batches(output, own))
    current = own.keys() - left
    columns = ["id", "name", "fetched_at", "position", *VALUES]
    for segment in segments_of(current):
        for row in read_parquet(segment.file(output, "neos"), columns).to_pylist():
            if Batch.containing(row["position"]) in current:
                values = tuple(row[name] for name in VALUES)
                yield row["id"], Known(row["fetched_at"], row["name"], values)
    for batch in left:
        with suppress(StoredDataBroken):
            neos, approaches, orbits = (
                read_table(output, [batch], name) for name in get_args(StoredTable)
            )
            yield from _known_in(neos, approaches, orbits, own[batch].fetched_at).items()
    # A killed run may have left a page without the other files.
    for batch in unfinished(output, _EVERYTHING):
        with suppress(ValueError):
            archived = read_archived(output, batch)
            if archived.provenance.service.label == label:
                yield from _known_on(archived.page, archived.provenance).items()


def _recorded(output: Path, label: str) -> Iterator[tuple[str, Known]]:
    for row in read_history(output).to_pylist():
        if row["source"] == label:
            values = tuple(row[f"{name}_after"] for name in VALUES)
            yield row["neo_id"], Known(row["fetched_at_after"], row["name"], values)


def _known_on(page: Page, provenance: Provenance) -> dict[str, Known]:
    tables = page.neos, page.close_approaches, page.orbits
    return _known_in(*tables, provenance.fetched_at)


def _known_in(
    neos: pa.Table, approaches: pa.Table, orbits: pa.Table, fetched_at: dt.datetime
) -> dict[str, Known]:
    """Return what the tables of a batch say about its NEOs, by id."""
    columns = [neos[n] if n in neos.column_names else orbits[n] for n in VALUES[:-1]]
    counts = approaches_listed(neos["id"], approaches)
    rows = zip(*(column.to_pylist() for column in columns), counts, strict=True)
    time = fetched_at.replace(tzinfo=None)
    ids, names = neos["id"].to_pylist(), neos["name"].to_pylist()
    return {
        neo_id: Known(time, name, values)
        for neo_id, name, values in zip(ids, names, rows, strict=True)
    }


def _row(neo_id: str, label: str, old: Known, new: Known) -> dict[str, Any]:
    values = {
        f"{name}_{when}": value
        for when, known in (("before", old), ("after", new))
        for name, value in zip(VALUES, known.values, strict=True)
    }
    times = {"fetched_at_before": old.fetched_at, "fetched_at_after": new.fetched_at}
    return {"neo_id": neo_id, "name": new.name, "source": label, **times, **values}


def _append(output: Path, batch: Batch, rows: list[dict[str, Any]]) -> None:
    path = history_path(output, Segment.of(batch))
    earlier = [_read(path)] if exists(path) else []
    table = _in_order([*earlier, pa.Table.from_pylist(rows, HISTORY)])
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", write_page_checksum=True)
    write_in_order([(path, bytes(buffer.getvalue()))])


def _read(path: Path) -> pa.Table:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
        if table.schema.equals(HISTORY):
            return table.cast(HISTORY)
        reason: object = "it has other columns"
    except (pa.ArrowException, OSError) as error:
        raise_if_refused(path, error)
        reason = error
    raise StoredDataBroken(
        f"{path} is corrupted ({reason}). Stored batches are kept. It cannot be computed again: "
        "restore it from a backup, or move it elsewhere to start a new history"
    )
