"""Functions of the public interface that combine several steps; see ``neo_utils.__init__``."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neo_utils.engines.engine import Engine
from neo_utils.engines.engine import connect as connect_engine
from neo_utils.fetch.fetching import FetchResult, fetch
from neo_utils.fetch.plan import plan_fetch
from neo_utils.settings.service_address import NASA_URL


def fetch_neos(
    start: int,
    end: int | str,
    source: str = "auto",
    api_url: str = NASA_URL,
    output_dir: str = "output",
    *,
    refetch: bool = False,
) -> FetchResult:
    """Fetch the missing batches of START..END, store them, and return how much was fetched.

    Parameters
    ----------
    start
        First position of the Browse listing: 1 plus a multiple of 20.
    end
        Last position: a multiple of 20, or "all".
    source
        "nasa", "sample", or "auto", which is "nasa" if an API key is set.
    output_dir
        Folder of the data. A relative path starts at the project's folder, or at the working
        directory where only the package is installed.
    refetch
        Fetch stored batches again and replace them.

    Raises
    ------
    RunFailure
        A subclass for each kind of failure. Batches that were fetched before it are stored.

    Examples
    --------
    >>> folder = tempfile.mkdtemp()
    >>> fetch_neos(1, 40, source="sample", output_dir=folder).neos
    40
    >>> fetch_neos(1, 40, source="sample", output_dir=folder).neos  # stored already
    0
    """
    return fetch(plan_fetch(start, end, source, api_url, output_dir, refetch=refetch))


def connect(
    master: str = "local[*]",
    spark_conf: Mapping[str, Any] | None = None,
    log_path: str | Path | None = None,
) -> Engine:
    """Return a Spark session, or DuckDB with the same ``sql`` and ``table``.

    Parameters
    ----------
    master
        "local[*]" is Spark on this machine, "spark://host:7077" a cluster, "duckdb" needs no Java.
    spark_conf
        Further Spark settings by name.
    log_path
        File for Java's output; None puts it into the temporary folder.

    Raises
    ------
    WrongParameter
        If ``master`` or a setting is not valid.
    JavaMissing, SparkUnavailable
        If Spark cannot start or its cluster does not answer.

    Examples
    --------
    >>> connect("duckdb").sql("SELECT 6 * 7").collect()
    [(42,)]
    """
    log = Path(log_path) if log_path else Path(tempfile.gettempdir()) / "neo-spark.log"
    return connect_engine(master, spark_conf or {}, log)
