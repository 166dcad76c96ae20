"""Commands that answer questions about stored data: upcoming, top, show, sql, export."""

import sys
from typing import Literal

import pandas as pd
import pyarrow as pa

from neo_utils.answers.export import export
from neo_utils.answers.one_neo import show
from neo_utils.answers.passage_list import PassageList, csv_text, json_text
from neo_utils.answers.passages import top, upcoming
from neo_utils.answers.views import everything_stored, sql
from neo_utils.engines.engine import connect, one_line_failures
from neo_utils.errors import WrongParameter
from neo_utils.settings.choices import check_choice
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.spark import DUCKDB
from neo_utils.text import printable

TableFormat = Literal["table", "csv", "json"]
PassageFormat = Literal["table", "csv", "json", "ics"]
_MOST_ROWS = 200  # of a table on the terminal


def upcoming_text(
    settings: RunSettings,
    days: str,
    within: str,
    body: str,
    first_day: str,
    rows: str,
    file_format: str,
) -> str | bytes:
    """Return the next passages; an empty option has its default."""
    check_choice("format", file_format or "table", PassageFormat)
    answer = upcoming(
        everything_stored(settings.output_dir),
        days=days or 365,
        within=within or 0.2,
        body=body or "Earth",
        first_day=first_day or None,
        rows=rows or 10_000,
    )
    return _formatted(answer, file_format)


def top_text(
    settings: RunSettings,
    record: str,
    years: str,
    within: str,
    body: str,
    rows: str,
    file_format: str,
) -> str | bytes:
    """Return the record passages; an empty option has its default."""
    check_choice("format", file_format or "table", PassageFormat)
    answer = top(
        record or "nearest",
        everything_stored(settings.output_dir),
        years=years or "1900..2200",
        within=within or None,
        body=body or "Earth",
        rows=rows or 10,
    )
    return _formatted(answer, file_format)


def show_text(settings: RunSettings, named: str) -> str:
    """Return what is stored about one NEO."""
    return repr(show(named, everything_stored(settings.output_dir)))


def query_text(settings: RunSettings, statement: str, master: str, file_format: str) -> str:
    """Return the rows of a query over the stored data."""
    check_choice("format", file_format or "table", TableFormat)
    stored = everything_stored(settings.output_dir)
    session = connect(master or DUCKDB, settings.spark_conf)
    try:
        frame = sql(statement, stored, session, threshold_au=settings.threshold_au)
        with one_line_failures():
            table = _plain(frame.toArrow())
    finally:
        session.stop()
    if len(set(table.column_names)) < table.num_columns:
        raise WrongParameter("two columns of the result have the same name. Rename one with AS")
    print(stored.source_line, file=sys.stderr)
    if file_format == "json":
        return json_text(table.to_pylist())
    rows = pd.DataFrame(table.to_pydict(), dtype=object)
    if file_format == "csv":
        return csv_text(rows)
    texts = rows.head(_MOST_ROWS).map(_cell)
    more = f"\n... of {len(rows):,} rows; --format csv prints all" if len(rows) > _MOST_ROWS else ""
    return f"{texts.to_string(index=False)}{more}" if len(rows) else "no rows"


def _plain(table: pa.Table) -> pa.Table:
    """Return sums as integers."""
    fields = zip(table.column_names, map(_plain_type, table.schema.types), strict=True)
    return table.cast(pa.schema([pa.field(*field) for field in fields]))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    # A sum of integers: the engines return decimals without places.
    return pa.int64() if pa.types.is_decimal(kind) and kind.scale == 0 else kind


def _cell(value: object) -> str:
    return "" if value is None else printable(str(value))


def _formatted(passages: PassageList, file_format: str) -> str | bytes:
    if file_format in ("", "table"):
        return repr(passages)
    if file_format == "ics":
        from neo_utils.answers.calendar import as_calendar

        return as_calendar(passages).encode()
    if file_format == "json":
        return passages.as_json()
    print("\n".join([passages.definition, *passages.notes]), file=sys.stderr)
    return passages.as_csv()


def export_text(settings: RunSettings, folder: str, file_format: str) -> str:
    """Export stored data and return the files."""
    stored = everything_stored(settings.output_dir)
    paths = export(
        folder, stored, file_format=file_format or "csv", threshold_au=settings.threshold_au
    )
    return "\n".join([*(f"wrote  {printable(str(path))}" for path in paths), stored.source_line])
