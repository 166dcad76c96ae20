"""Describe the columns of a Parquet file for astronomy tools, by the IVOA's VOParquet convention.

TOPCAT, STILTS, astropy and others read each column's unit, definition and UCD from it.
"""

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

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
    info = (f"<INFO name={quoteattr(k)} value={quoteattr(v)} />" for k, v in about.items())
    fields = (_field(*column) for column in zip(table.schema, table.columns, strict=True))
    return {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": _FRAME.format(about="".join(info), fields="".join(fields)),
    }


def unit_of(column: pa.Field) -> str:
    """Return a column's unit as astronomy tools spell it; an empty text for none or LD."""
    unit: str = (column.metadata or {}).get(b"unit", b"").decode()
    return _UNITS.get(unit, unit)


def _field(column: pa.Field, values: pa.ChunkedArray) -> str:
    metadata = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    quantity = {"unit": unit_of(column), "ucd": metadata.get("ucd", "")}
    attributes = {"name": column.name} | _type_attributes(values)
    attributes |= {name: value for name, value in quantity.items() if value}
    element = "FIELD" + "".join(f" {name}={quoteattr(v)}" for name, v in attributes.items())
    if "definition" not in metadata:
        return f"<{element} />"
    definition = escape(metadata["definition"])
    return f"<{element}><DESCRIPTION>{definition}</DESCRIPTION></FIELD>"


def _type_attributes(values: pa.ChunkedArray) -> dict[str, str]:
    if values.type in _DATATYPES:
        return {"datatype": _DATATYPES[values.type]}
    # VOTable has no dates: they are ISO 8601 texts, marked by the xtype.
    xtype = {"xtype": "timestamp"} if pa.types.is_temporal(values.type) else {}
    # The longest, in bytes: astropy 7 and 8 reject Parquet files with texts of unlimited length.
    # The convention describes every other type as text.
    is_text = pa.types.is_string(values.type)
    longest = pc.max(pc.binary_length(values)).as_py() if is_text else None
    return {"datatype": "char", "arraysize": f"{longest or ''}*"} | xtype
