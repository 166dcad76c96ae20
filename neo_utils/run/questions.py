"""Commands that answer questions about stored data: upcoming, top, show, sql, export."""

import sys
from typing import Literal

import pandas as pd
import pyarrow as pa

from neo_utils.answers.answer import Answer, csv_text
from neo_utils.answers.export import export
from neo_utils.answers.one_neo import show
from neo_utils.answers.passages import top, upcoming
from neo_utils.answers.views import everything_stored, sql
from neo_utils.engines.engine import connect, one_line_failures
from neo_utils.settings.choices import check_choice
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.spark import DUCKDB
from neo_utils.text import printable

TableFormat = Literal["table", "csv", "json"]
PassageFormat = Literal["table", "csv", "json", "ics"]
_MOST_ROWS = 200  # of a table on the terminal
_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


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
        within=within or settings.threshold_au,
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


def sql_text(settings: RunSettings, statement: str, master: str, file_format: str) -> str:
    """Return the rows of a query over the stored data."""
    check_choice("format", file_format or "table", TableFormat)
    stored = everything_stored(settings.output_dir)
    session = connect(master or DUCKDB, settings.spark_conf)
    try:
        frame = sql(statement, stored, session, threshold_au=settings.threshold_au)
        with one_line_failures():
            rows = frame.toArrow().to_pandas(types_mapper=_NULLABLE.get)
    finally:
        session.stop()
    print(stored.source_line, file=sys.stderr)
    if file_format == "csv":
        return csv_text(rows)
    if file_format == "json":
        return str(rows.to_json(orient="records", date_format="iso", indent=1))
    texts = rows.head(_MOST_ROWS).map(_cell)
    more = f"\n... of {len(rows):,} rows; --format csv prints all" if len(rows) > _MOST_ROWS else ""
    return f"{texts.to_string(index=False)}{more}" if len(rows) else "no rows"


def _cell(value: object) -> str:
    return "" if value is None or value is pd.NA or value is pd.NaT else printable(str(value))


def _formatted(answer: Answer, file_format: str) -> str | bytes:
    if file_format in ("", "table"):
        return repr(answer)
    if file_format == "ics":
        from neo_utils.answers.calendar import as_calendar

        return as_calendar(answer).encode()
    if file_format == "json":
        return answer.as_json()
    print("\n".join([answer.definition, *answer.notes]), file=sys.stderr)
    return answer.as_csv()


def export_text(settings: RunSettings, folder: str, file_format: str) -> str:
    """Export stored data and return the files."""
    stored = everything_stored(settings.output_dir)
    paths = export(folder, stored, file_format=file_format or "csv")
    return "\n".join([*(f"wrote  {printable(str(path))}" for path in paths), stored.source_line])
