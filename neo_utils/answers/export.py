"""Export stored data as files for other programs: CSV, JSON, ECSV or VOTable."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from neo_utils import __version__
from neo_utils.answers.views import everything_stored, opened
from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.engines.engine import one_line_failures
from neo_utils.errors import WrongParameter
from neo_utils.settings.choices import check_choice
from neo_utils.store.folders import names_in
from neo_utils.store.locks import one_line_if_unwritable
from neo_utils.store.schemas import SCHEMAS
from neo_utils.store.selection import Selection
from neo_utils.store.votable import unit_of

if TYPE_CHECKING:  # slow to import
    from astropy.table import MaskedColumn

ExportFormat = Literal["csv", "json", "ecsv", "votable"]
_SUFFIXES = {"csv": "csv", "json": "json", "ecsv": "ecsv", "votable": "vot"}
_ABOUT = "about.json"
_CREATOR = "NEO Data Recaller"

# Each file, with its columns and the query for its rows.
_TABLES = {
    "neos": (
        [
            *SCHEMAS["raw"],
            *map(SCHEMAS["segments"].field, ("position", "fetched_at", "listed_to_au")),
        ],
        "FROM newest ORDER BY position",
    ),
    "close_approaches": (
        [*SCHEMAS["close_approaches"]],
        "FROM close_approaches ORDER BY position, close_approach_date, close_approach_time,"
        " orbiting_body",
    ),
    "orbits": ([*SCHEMAS["orbits"]], "FROM newest ORDER BY position"),
    "yearly_statistics": (
        [*SCHEMAS["yearly_statistics"]],
        "FROM yearly ORDER BY year, orbiting_body",
    ),
}


def export(
    folder: str | Path,
    stored: Selection | None = None,
    *,
    file_format: str = "csv",
    threshold_au: float = 0.2,
) -> list[Path]:
    """Write the NEOs, approaches, orbits and yearly statistics as files, and return their paths.

    An ``about.json`` beside them gives the source, and the unit and definition of every column,
    which CSV and JSON cannot hold. Each NEO is exported once, from its newest batch. Files of an
    earlier export are replaced.

    Parameters
    ----------
    folder
        A new or empty folder, or one of an earlier export in the same format.
    stored
        The batches to export; None is everything that is stored in the default folder.
    file_format
        "csv"; "json", an array of objects per table; "ecsv" or "votable" for astropy and TOPCAT.
    threshold_au
        For the columns of the yearly statistics that count approaches under a threshold.

    Raises
    ------
    WrongParameter
        If a value is not valid, or the folder contains other files.
    OutputUnwritable
        If a file cannot be written.
    StoredDataMissing, StoredDataBroken
        If nothing is stored, or a batch is corrupted.
    """
    check_choice("format", file_format, ExportFormat)
    target = Path(folder).expanduser()
    _check_folder(target, file_format)
    stored = stored or everything_stored()
    session = opened(stored, threshold_au)
    about, paths = _about(stored, file_format, threshold_au), []
    with one_line_if_unwritable(target):
        target.mkdir(parents=True, exist_ok=True)
        _write_about(target, {**about, "complete": False})
        for name, table in _rows(session, stored):
            path = target / f"{name}.{_SUFFIXES[file_format]}"
            _write(path, partial(_WRITERS[file_format], session, table))
            paths.append(path)
            about["tables"][path.name] = {"rows": len(table), "columns": _described(table)}
        _write_about(target, {**about, "complete": True})
    return [*paths, target / _ABOUT]


def _rows(session: DuckDBSession, stored: Selection) -> Iterator[tuple[str, pa.Table]]:
    for name, (fields, query) in _TABLES.items():
        columns = ", ".join(field.name for field in fields)
        table = session.sql(f"SELECT {columns} {query}").toArrow()
        about = {"description": f"{stored.neos_line}. {stored.source_line}"}
        yield name, table.cast(pa.schema(fields)).replace_schema_metadata(about)


def _check_folder(target: Path, file_format: str) -> None:
    if target.exists() and not target.is_dir():
        raise WrongParameter(f"{target} is not a folder. Nothing was written. Name a new folder")
    if not target.exists() or not names_in(target):
        return
    try:
        about = json.loads((target / _ABOUT).read_bytes())
        earlier = about["format"] if about["created_by"].startswith(_CREATOR) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        earlier = None
    if earlier != file_format:
        is_export = isinstance(earlier, str) and earlier in _SUFFIXES
        content = f"an export as {earlier}" if is_export else "other files"
        raise WrongParameter(
            f"{target} contains {content}. Nothing was written. Name a new or empty folder"
        )


def _about(stored: Selection, file_format: str, threshold_au: float) -> dict[str, Any]:
    first, last = stored.fetched
    return {
        "created_by": f"{_CREATOR} {__version__}",
        "format": file_format,
        "source": stored.label,
        "neos": stored.neos_line,
        "fetched": [f"{first:%Y-%m-%dT%H:%M:%SZ}", f"{last:%Y-%m-%dT%H:%M:%SZ}"],
        "note": "close_approach_time is TDB, 69 s ahead of UTC; other times are UTC unless stated. "
        "The columns under_threshold of yearly_statistics count approaches closer than "
        f"{threshold_au} AU",
        "tables": {},
    }


def _write_about(target: Path, about: dict[str, Any]) -> None:
    text = json.dumps(about, indent=1, ensure_ascii=False)
    _write(target / _ABOUT, partial(Path.write_text, data=f"{text}\n", encoding="utf-8"))


def _described(table: pa.Table) -> list[dict[str, str]]:
    return [
        {"name": field.name, "type": str(field.type)}
        | {key: field.metadata.get(key.encode(), b"").decode() for key in ("unit", "definition")}
        for field in table.schema
    ]


def _write(path: Path, write: Callable[[Path], object]) -> None:
    part = path.with_name(f".{path.name}.tmp")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_with_duckdb(options: str, session: DuckDBSession, table: pa.Table, path: Path) -> None:
    session.frame_of(table).createOrReplaceTempView("exported")
    quoted = str(path).replace("'", "''")
    with one_line_failures():
        session.sql(f"COPY exported TO '{quoted}' ({options})")


def _write_with_astropy(
    options: dict[str, str], _session: DuckDBSession, table: pa.Table, path: Path
) -> None:
    from astropy.table import Table  # slow to import

    columns = [_column(*column) for column in zip(table.schema, table.columns, strict=True)]
    meta = {"description": table.schema.metadata[b"description"].decode()}
    Table(columns, meta=meta).write(path, overwrite=True, **options)


def _column(field: pa.Field, values: pa.ChunkedArray) -> "MaskedColumn":
    from astropy.table import MaskedColumn

    if pa.types.is_temporal(field.type):
        values = values.cast(pa.string())  # astropy cannot write dates to these formats
    is_text = pa.types.is_string(values.type)
    filled = values.fill_null("" if is_text else pa.scalar(0).cast(values.type))
    array = np.array(filled.to_pylist(), dtype=str) if is_text else filled.to_numpy()
    column = MaskedColumn(
        array, field.name, mask=values.is_null().to_numpy(), unit=unit_of(field) or None
    )
    column.description = field.metadata[b"definition"].decode()
    return column


_WRITERS: dict[str, Callable[[DuckDBSession, pa.Table, Path], None]] = {
    "csv": partial(_write_with_duckdb, "FORMAT csv, HEADER"),
    "json": partial(_write_with_duckdb, "FORMAT json, ARRAY true"),
    "ecsv": partial(_write_with_astropy, {"format": "ascii.ecsv"}),
    # As text: TOPCAT's library fails on the flags in binary tables that astropy writes.
    "votable": partial(_write_with_astropy, {"format": "votable", "tabledata_format": "tabledata"}),
}
