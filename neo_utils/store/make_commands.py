"""Build the ``make`` command that reproduces a run or repairs its data."""

import shlex
from pathlib import Path

from neo_utils.neows.service import Service
from neo_utils.positions import PositionRange
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import RunSettings
from neo_utils.settings.service_address import NASA_URL
from neo_utils.settings.variables import setting


def make_command(
    target: str,
    positions: PositionRange,
    output: Path,
    service: Service | None = None,
    threshold_au: float = RunSettings().threshold_au,
) -> str:
    """Return the ``make`` command for a range of an output folder, as messages show it.

    Parameters
    ----------
    service
        The data source, for commands that fetch; None to use the user's settings.
    threshold_au
        For commands that count.

    Examples
    --------
    >>> make_command("aggregate", PositionRange(21, 40), PROJECT / "build" / "mine")
    '`make aggregate START=21 END=40 OUTPUT_DIR=build/mine`'
    >>> make_command("fetch", PositionRange(1, 20), PROJECT / "output", Service("nasa", NASA_URL))
    '`make fetch START=1 END=20 SOURCE=nasa`'
    """
    source, hint = (source_arguments(service), source_hint(service)) if service else ("", "")
    same = f"{positions.as_arguments}{source}{output_argument(output)}"
    return f"`make {target} {same}{threshold_argument(threshold_au)}`{hint}"


def source_arguments(service: Service) -> str:
    """Return " SOURCE=...", and " API_URL=..." if it is NASA's or set by the user.

    An address that only stored files contain is left out: they may come from other people, and the
    command would send the user's key there.
    """
    named = service.source == "nasa" and service.url != NASA_URL and _is_trusted(service)
    address = f" API_URL={shlex.quote(service.url)}" if named else ""
    return f" SOURCE={service.source}{address}"


def source_hint(service: Service) -> str:
    """Return a hint to add API_URL to a command, or an empty text if none is needed."""
    if service.source != "nasa" or _is_trusted(service):
        return ""
    return f" (add the API_URL of {service.label}, if you trust that service with your key)"


def _is_trusted(service: Service) -> bool:
    return service.label == Service("nasa", NASA_URL).label or service.url == setting("API_URL")


def output_argument(output: Path) -> str:
    """Return " OUTPUT_DIR=...", or an empty text for the default.

    Examples
    --------
    >>> output_argument(PROJECT / "output"), output_argument(PROJECT / "build" / "my data")
    ('', " OUTPUT_DIR='build/my data'")
    """
    if output == RunSettings().output:
        return ""
    shown = output.relative_to(PROJECT) if output.is_relative_to(PROJECT) else output
    return f" OUTPUT_DIR={shlex.quote(str(shown))}"


def threshold_argument(threshold_au: float) -> str:
    """Return " THRESHOLD_AU=...", or an empty text for the default."""
    default = RunSettings().threshold_au
    return "" if threshold_au == default else f" THRESHOLD_AU={threshold_au}"


def master_argument(master: str) -> str:
    """Return " MASTER=...", or an empty text for the default."""
    return "" if master == RunSettings().master else f" MASTER={shlex.quote(master)}"
