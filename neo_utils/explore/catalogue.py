"""All that is stored, in DuckDB, where a question to a million approaches takes milliseconds."""

from neo_utils.engines.duckdb import DuckDBSession
from neo_utils.errors import StoredDataMissing
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.settings.folders import PROJECT, output_folder
from neo_utils.settings.variables import setting
from neo_utils.statistics.computation import read_batches
from neo_utils.statistics.definitions import sql_text
from neo_utils.store.selection import Selection, select_batches, select_stored

_SAMPLE_FOLDER = str(PROJECT / "build" / "explored-sample")
_SAMPLE_SIZE = 200
_NEO_COLUMNS = (
    *("name", "nasa_jpl_url", "absolute_magnitude_h", "is_potentially_hazardous_asteroid"),
    *("minimum_estimated_diameter_meters", "maximum_estimated_diameter_meters"),
    "first_observation_date",
)


def stored_or_sample(output_dir: str) -> Selection:
    """Return all that is stored, gaps or not; 200 NEOs of the sample where no folder is named.

    Parameters
    ----------
    output_dir
        Folder of the data; empty for ``OUTPUT_DIR`` as `make` takes it.

    Raises
    ------
    StoredDataMissing
        If two sources are stored, which do not mix, or nothing in the folder that is named.
    """
    stored = select_stored(output_dir or setting("OUTPUT_DIR") or "output")
    if stored:
        return stored
    if output_dir:
        raise StoredDataMissing(
            f'nothing is stored in {output_folder(output_dir)}: name another folder, or none ("") '
            "for what `make fetch` has stored, else a simulated sample"
        )
    fetch(plan_fetch(1, _SAMPLE_SIZE, "sample", output_dir=_SAMPLE_FOLDER))
    return select_batches(1, _SAMPLE_SIZE, "sample", _SAMPLE_FOLDER)


def open_catalogue(selection: Selection) -> DuckDBSession:
    """Return DuckDB with the tables ``neos`` and ``passages`` of a selection.

    ``neos`` has a row per NEO: neo_id, name, nasa_jpl_url, absolute_magnitude_h (mag),
    first_observation_date, is_potentially_hazardous, minimum_diameter_m, maximum_diameter_m.
    ``passages`` has a row per approach that counts: these columns, and close_approach_date,
    year, orbiting_body, miss_distance_au (AU), relative_velocity_km_per_sec, is_predicted.

    Raises
    ------
    StoredDataBroken
        Where a batch is not as it was stored.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as output:
    ...     done = fetch(plan_fetch(1, 20, source="sample", output_dir=output))
    ...     catalogue = open_catalogue(select_batches(1, 20, output_dir=output))
    >>> catalogue.sql(
    ...     "SELECT orbiting_body, count(*) FROM passages GROUP BY ALL ORDER BY 2 DESC"
    ... ).collect()
    [('Earth', 250), ('Venus', 104), ('Juptr', 36), ('Mars', 26)]
    """
    catalogue = DuckDBSession()
    read_batches(catalogue, selection, _NEO_COLUMNS)
    for statement in sql_text("passages").split(";"):
        catalogue.sql(statement)
    return catalogue
