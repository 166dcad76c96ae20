"""The stored tables as astropy tables with units."""

from astropy.table import QTable

from neo_utils.settings.choices import check_choice
from neo_utils.statistics.computation import counted_rows
from neo_utils.store.schemas import SCHEMAS, StoredTable
from neo_utils.store.selection import Selection


def quantity_table(selection: Selection, table: str) -> QTable:
    """Return a table of NEOs, approaches or orbits with units, each NEO from its newest batch.

    Parameters
    ----------
    table
        "raw", "close_approaches" or "orbits".

    Returns
    -------
    QTable
        All columns, with their definitions as descriptions. Columns with a unit are ``Quantity``,
        except lunar distances, for which astropy has no unit. Dates and times are NumPy's, as
        listed. Nulls become NaN, NaT or None.

    Raises
    ------
    WrongParameter
        For another table.
    StoredDataBroken
        If a batch is corrupted.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from neo_utils.interface import plan_fetch, select
    >>> from neo_utils.fetch.fetching import fetch
    >>> with TemporaryDirectory() as folder:
    ...     fetched = fetch(plan_fetch(1, 20, "sample", output_dir=folder))
    ...     approaches = quantity_table(select(1, 20, output_dir=folder), "close_approaches")
    >>> approaches["miss_distance_au"][0].to("km").round(-3)
    <Quantity 28258000. km>
    """
    check_choice("table", table, StoredTable)
    schema = SCHEMAS[table]
    counted = table if table == "close_approaches" else "newest"
    rows = counted_rows(selection, counted, schema.names).cast(schema)
    metadata = {field.name: field.metadata for field in schema}
    units = {name: one.get(b"unit", b"").decode() for name, one in metadata.items()}
    return QTable(
        {name: rows[name].to_numpy() for name in schema.names},
        units={name: unit for name, unit in units.items() if unit not in ("", "LD")},
        descriptions={name: one[b"definition"].decode() for name, one in metadata.items()},
    )
