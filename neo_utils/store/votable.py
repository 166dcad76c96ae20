"""Describe a table to the Virtual Observatory's programs, by the IVOA's VOParquet convention.

TOPCAT, STILTS, astropy and others so find each column's unit, definition and kind of quantity.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain, zip_longest
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.compute as pc

# Read by more programs than 1.5, which has nothing more to say of these tables; they share the
# namespace: https://www.ivoa.net/documents/VOTable/
_FRAME = (
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>'
    "{about}<TABLE>{fields}</TABLE></RESOURCE></VOTABLE>"
)
_DATATYPES = {pa.bool_(): "boolean", pa.int32(): "int", pa.int64(): "long", pa.float64(): "double"}

# Where VOUnits spells them otherwise, https://www.ivoa.net/documents/VOUnits/. It has no lunar
# distance, and a program may refuse what is none of its units: the definition names that one.
_UNITS = {"AU": "au", "LD": ""}

_GAP = "\ue000"  # where the size of a column's texts belongs; of private use, so in no definition


def voparquet_metadata(table: pa.Table, about: Mapping[str, str]) -> dict[str, str]:
    """Return what makes a Parquet file of the table one of the VOParquet convention.

    Parameters
    ----------
    about
        What the file's metadata tell of the table as a whole.

    Notes
    -----
    The convention, version 1.0: https://www.ivoa.net/documents/Notes/VOParquet/
    """
    return {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": votable(table, about),
    }


def votable(table: pa.Table, about: Mapping[str, str]) -> str:
    """Return a VOTable (XML) that describes the table's columns in their order, without the rows.

    Units, kinds of quantity (UCDs) and definitions are those that the schema's fields carry.
    """
    told = [f"<INFO name={quoteattr(k)} value={quoteattr(v)} />" for k, v in about.items()]
    # Not by the schema itself, which to Python equals one of other definitions.
    parts = _fields(table.schema.serialize().to_pybytes())
    sizes = [_size(texts) for texts in table.columns if pa.types.is_string(texts.type)]
    return _FRAME.format(
        about="".join(told),
        fields="".join(chain.from_iterable(zip_longest(parts, sizes, fillvalue=""))),
    )


def _size(texts: pa.ChunkedArray) -> str:
    # The longest, in bytes: astropy 7 and 8 refuse a Parquet file whose texts are of any length.
    longest = pc.max(pc.binary_length(texts)).as_py()
    return f"{longest}*" if longest else "*"


@lru_cache  # of few schemas: as long as this takes, a fifth of a batch's file is written
def _fields(schema_message: bytes) -> list[str]:
    """Return the FIELD elements of a schema, in pieces: between them belong the texts' sizes."""
    fields = [_field(field) for field in pa.ipc.read_schema(pa.py_buffer(schema_message))]
    return "".join(ET.tostring(field, encoding="unicode") for field in fields).split(_GAP)


def _field(column: pa.Field) -> ET.Element:
    told = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    unit = told.get("unit", "")
    told["unit"] = _UNITS.get(unit, unit)
    quantity = {name: told[name] for name in ("unit", "ucd") if told.get(name)}
    field = ET.Element("FIELD", {"name": column.name} | _type_attributes(column.type) | quantity)
    if "definition" in told:
        ET.SubElement(field, "DESCRIPTION").text = told["definition"]
    return field


def _type_attributes(kind: pa.DataType) -> dict[str, str]:
    if kind in _DATATYPES:
        return {"datatype": _DATATYPES[kind]}
    if pa.types.is_string(kind):
        return {"datatype": "char", "arraysize": _GAP}
    # VOTable has no dates: they are text there, of ISO 8601, and the xtype tells.
    xtype = {"xtype": "timestamp"} if pa.types.is_temporal(kind) else {}
    # What else it has no type for, the convention would have described as text.
    return {"datatype": "char", "arraysize": "*"} | xtype
