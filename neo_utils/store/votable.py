"""Describe the columns of a Parquet file for astronomy tools, by the IVOA's VOParquet convention.

TOPCAT, STILTS, astropy and others read each column's unit, definition and UCD from it.
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain, zip_longest
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.compute as pc

# More programs read version 1.4 than 1.5, which would add nothing here. Both versions use the same
# namespace: https://www.ivoa.net/documents/VOTable/
_FRAME = (
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE>'
    "{about}<TABLE>{fields}</TABLE></RESOURCE></VOTABLE>"
)
_DATATYPES = {pa.bool_(): "boolean", pa.int32(): "int", pa.int64(): "long", pa.float64(): "double"}

# Units that VOUnits spells differently, https://www.ivoa.net/documents/VOUnits/. It has no lunar
# distance, and programs may reject unknown units, so only the definition names that unit.
_UNITS = {"AU": "au", "LD": ""}

_GAP = "\ue000"  # placeholder for a text column's size; a private-use character, in no definition


def voparquet_metadata(table: pa.Table, about: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata that the VOParquet convention adds to a Parquet file.

    Parameters
    ----------
    about
        The file's metadata on the table as a whole.

    Notes
    -----
    The convention, version 1.0: https://www.ivoa.net/documents/Notes/VOParquet/
    """
    return {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": votable(table, about),
    }


def votable(table: pa.Table, about: Mapping[str, str]) -> str:
    """Return a VOTable (XML) that describes the table's columns, without rows.

    Units, UCDs and definitions come from the schema's fields.
    """
    info = [f"<INFO name={quoteattr(k)} value={quoteattr(v)} />" for k, v in about.items()]
    # Serialized for the cache: schemas that differ only in definitions are equal in Python.
    parts = _fields(table.schema.serialize().to_pybytes())
    sizes = [_size(texts) for texts in table.columns if pa.types.is_string(texts.type)]
    return _FRAME.format(
        about="".join(info),
        fields="".join(chain.from_iterable(zip_longest(parts, sizes, fillvalue=""))),
    )


def _size(texts: pa.ChunkedArray) -> str:
    # The longest, in bytes: astropy 7 and 8 reject Parquet files with texts of unlimited length.
    longest = pc.max(pc.binary_length(texts)).as_py()
    return f"{longest}*" if longest else "*"


@lru_cache  # few schemas; building takes a fifth of the time to write a batch's file
def _fields(schema_message: bytes) -> list[str]:
    """Return the FIELD elements of a schema, split where the sizes of text columns belong."""
    fields = [_field(field) for field in pa.ipc.read_schema(pa.py_buffer(schema_message))]
    return "".join(ET.tostring(field, encoding="unicode") for field in fields).split(_GAP)


def _field(column: pa.Field) -> ET.Element:
    metadata = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    unit = metadata.get("unit", "")
    metadata["unit"] = _UNITS.get(unit, unit)
    quantity = {name: metadata[name] for name in ("unit", "ucd") if metadata.get(name)}
    field = ET.Element("FIELD", {"name": column.name} | _type_attributes(column.type) | quantity)
    if "definition" in metadata:
        ET.SubElement(field, "DESCRIPTION").text = metadata["definition"]
    return field


def _type_attributes(kind: pa.DataType) -> dict[str, str]:
    if kind in _DATATYPES:
        return {"datatype": _DATATYPES[kind]}
    if pa.types.is_string(kind):
        return {"datatype": "char", "arraysize": _GAP}
    # VOTable has no dates: they are ISO 8601 texts, marked by the xtype.
    xtype = {"xtype": "timestamp"} if pa.types.is_temporal(kind) else {}
    # The convention describes every other type as text.
    return {"datatype": "char", "arraysize": "*"} | xtype
