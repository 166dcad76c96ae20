"""Functions of the public interface that combine several steps; see ``neo_utils.__init__``."""

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
    >>> from tempfile import mkdtemp
    >>> folder = mkdtemp()
    >>> fetch_neos(1, 40, source="sample", output_dir=folder).neos
    40
    >>> fetch_neos(1, 40, source="sample", output_dir=folder).neos  # stored already
    0
    """
    return fetch(plan_fetch(start, end, source, api_url, output_dir, refetch=refetch))
