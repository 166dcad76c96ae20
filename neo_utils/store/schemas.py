"""The schemas of the stored tables: each column's type, UCD, unit and definition.

``schemas.csv`` declares them. A UCD is the IVOA's name for the kind of quantity:
https://www.ivoa.net/documents/UCD1+
"""

import csv
from importlib.resources import files
from typing import Literal, get_args

import pyarrow as pa

StoredTable = Literal["raw", "close_approaches", "orbits"]
ResultTable = Literal["metrics", "yearly_statistics"]
Table = Literal[StoredTable, "segments", ResultTable, "history"]

_KINDS = [
    *(pa.string(), pa.bool_(), pa.int64(), pa.float64(), pa.date32()),
    *(pa.timestamp("ms"), pa.timestamp("us")),
]
_TYPES = {str(kind): kind for kind in _KINDS}


def _field(row: dict[str, str]) -> pa.Field:
    metadata = {key: row[key] for key in ("definition", "ucd", "unit") if row[key]}
    return pa.field(row["column"], _TYPES[row["type"]], row["nullable"] == "yes", metadata)


_TEXT = files("neo_utils.store").joinpath("schemas.csv").read_text(encoding="utf-8")
_ROWS = list(csv.DictReader(_TEXT.splitlines()))
SCHEMAS = {
    table: pa.schema([_field(row) for row in _ROWS if row["table"] == table])
    for table in get_args(Table)
}
RAW, CLOSE_APPROACHES, ORBITS, SEGMENTS, METRICS, YEARLY_STATISTICS, HISTORY = SCHEMAS.values()
