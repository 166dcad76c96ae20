"""The boundary of the public interface: parse the arguments of notebooks and scripts.

The functions behind it receive parsed values; `plan_of` and `selection_of` take them from a
command's settings. Only `fetch` still reads the environment, for the key: an argument could end up
in a message or a notebook.
"""

from pathlib import Path

from neo_utils.errors import StoredDataMissing
from neo_utils.fetch.fetching import fetch
from neo_utils.fetch.plan import Plan, make_plan
from neo_utils.neows.service import Service, service_of
from neo_utils.positions import PositionRange, position_range
from neo_utils.settings.folders import output_folder
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.service_address import DEMO_KEY, NASA_URL, chosen_source
from neo_utils.settings.variables import api_key, setting
from neo_utils.store.selection import Selection, select_batches


def plan_fetch(
    start: int | str,
    end: int | str,
    source: str = "auto",
    api_url: str | None = None,
    output_dir: str = "output",
    *,
    refetch: bool = False,
) -> Plan:
    """Return which batches of START..END to fetch, without sending a request.

    Parameters
    ----------
    start
        First position of the Browse listing: 1 plus a multiple of 20.
    end
        Last position: a multiple of 20, or "all".
    source
        "nasa", "sample", or "auto": "nasa" if an API key or another address is set.
    api_url
        The Browse address for source "nasa"; None is API_URL in the environment or `.env`, or
        NASA's.
    output_dir
        The data folder. A relative path starts at the project folder, or at the working directory
        if only the package is installed.
    refetch
        Backfill: fetch every batch again and overwrite stored ones.

    Raises
    ------
    WrongParameter
        If a value is not valid, or if stored data of another source would be overwritten.
    StoredDataBroken
        If a raw file was not written by this project, unless ``refetch`` is set.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from neo_utils.fetch.fetching import fetch
    >>> plan = plan_fetch(1, 40, source="sample", output_dir=mkdtemp())
    >>> plan
    source     simulated sample, not NASA data
    positions  1 to 40 of about 41,000 NEOs listed
    stored     0 of 2 batches
    to fetch   2 batches, one request each
    >>> fetch(plan).neos
    40
    """
    positions, output = position_range(start, end), output_folder(output_dir)
    return _plan(positions, source, api_url, output, refetch=refetch)


def select(
    start: int | str,
    end: int | str,
    source: str = "auto",
    output_dir: str = "output",
    *,
    or_sample: bool = False,
) -> Selection:
    """Return the stored batches of START..END.

    Parameters
    ----------
    start, end
        First and last position, as for `plan_fetch`.
    source
        "nasa" or "sample"; "auto" selects the stored source if there is only one.
    output_dir
        The data folder, as for `plan_fetch`.
    or_sample
        For source "sample", make and store the batches that are missing. This needs no request.

    Raises
    ------
    WrongParameter
        If a value is not valid.
    StoredDataMissing
        If a batch of the range is not stored, or contains data of another source.
    StoredDataBroken
        If a raw file was not written by this project.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from neo_utils.fetch.fetching import fetch
    >>> folder = mkdtemp()
    >>> fetch(plan_fetch(1, 40, source="sample", output_dir=folder)).pages
    2
    >>> select(21, 40, output_dir=folder)
    NEOs at positions 21 to 40, in 1 batch of 20
    Source: simulated sample, not NASA data, as listed on 2026-03-01 00:00 UTC
    """
    positions, output = position_range(start, end), output_folder(output_dir)
    try:
        return _select(positions, source, None, output)
    except StoredDataMissing:
        if not (or_sample and source == "sample"):
            raise
    fetch(_plan(positions, source, None, output, refetch=False))
    return _select(positions, source, None, output)


def plan_of(settings: RunSettings) -> Plan:
    """Return what a fetch with these settings will do."""
    return _plan(
        *(settings.positions, settings.source, settings.api_url, settings.output),
        refetch=settings.refetch,
    )


def selection_of(settings: RunSettings, output: Path | None = None) -> Selection:
    """Return the stored batches of a run, in its output or in another one."""
    return _select(settings.positions, settings.source, settings.api_url, output or settings.output)


def _plan(
    positions: PositionRange, source: str, api_url: str | None, output: Path, *, refetch: bool
) -> Plan:
    return make_plan(
        positions,
        service_for(source, api_url),
        output,
        uses_demo_key=(api_key() or DEMO_KEY) == DEMO_KEY,
        refetch=refetch,
        may_overwrite=refetch and source != "auto",
    )


def _select(positions: PositionRange, source: str, api_url: str | None, output: Path) -> Selection:
    return select_batches(positions, output, source, service_for(source, api_url))


def service_for(source: str, api_url: str | None) -> Service:
    """Return the service of a source; "auto" and None follow the user's settings."""
    api_url = api_url or setting("API_URL") or NASA_URL
    return service_of(chosen_source(source, api_key(), api_url), api_url)
