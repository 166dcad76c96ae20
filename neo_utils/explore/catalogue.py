"""Load all stored data into DuckDB, which filters a million approaches in milliseconds."""

from neo_utils.answers.views import opened
from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import StoredDataMissing
from neo_utils.interface import select
from neo_utils.settings.folders import PROJECT, output_folder
from neo_utils.settings.variables import setting
from neo_utils.statistics.definitions import sql_text
from neo_utils.store.selection import Selection, select_stored

_SAMPLE_FOLDER = str(PROJECT / "build" / "explored-sample")
_SAMPLE_SIZE = 200


def stored_or_sample(output_dir: str) -> Selection:
    """Return all stored batches, or 200 NEOs of the sample if nothing is stored.

    Parameters
    ----------
    output_dir
        Folder of the data. If it is empty, the folder is ``OUTPUT_DIR``, as for `make`.

    Raises
    ------
    StoredDataMissing
        If the folder contains two sources, or ``output_dir`` is given and contains no data.
    """
    output = output_folder(output_dir or setting("OUTPUT_DIR") or "output")
    stored = select_stored(output)
    if stored:
        return stored
    if output_dir:
        raise StoredDataMissing(
            f"no data in {output}. Set output_dir to another folder, or to "
            '"" for the data of `make fetch` or, if there is none, a simulated sample'
        )
    return select(1, _SAMPLE_SIZE, "sample", _SAMPLE_FOLDER, or_sample=True)


def open_catalogue(selection: Selection) -> DuckDBSession:
    """Return a DuckDB database with the views of `neo sql`, and the table of the linked views.

    The stored rows and the table ``explored`` are in memory, so no question reads a file.

    Raises
    ------
    StoredDataBroken
        If a batch is corrupted.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as output:
    ...     catalogue = open_catalogue(select(1, 20, "sample", output, or_sample=True))
    >>> catalogue.sql(
    ...     "SELECT orbiting_body, count(*) FROM passages GROUP BY ALL ORDER BY 2 DESC"
    ... ).collect()
    [('Earth', 439), ('Venus', 202), ('Merc', 195), ('Mars', 31), ('Juptr', 22)]
    """
    catalogue = opened(selection)
    for name in ("newest", "close_approaches"):  # below the views of `neo sql`
        catalogue.sql(f"CREATE TEMPORARY TABLE loaded AS FROM {name}")
        catalogue.sql(f"DROP VIEW {name}")
        catalogue.sql(f"ALTER TABLE loaded RENAME TO {name}")
    catalogue.sql(sql_text("explored"))
    if selection.is_sample:  # JPL has no pages of objects that do not exist
        catalogue.sql("UPDATE explored SET page = NULL")
    return catalogue
