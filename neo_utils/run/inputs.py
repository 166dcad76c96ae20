"""The plan and the stored batches of a run, from its parsed settings."""

from pathlib import Path

from neo_utils.fetch.plan import Plan
from neo_utils.interface import plan_range, select_range
from neo_utils.settings.run_settings import RunSettings
from neo_utils.store.selection import Selection


def plan_of(settings: RunSettings) -> Plan:
    """Return what a fetch with these settings will do."""
    return plan_range(
        settings.positions,
        settings.source,
        settings.api_url,
        settings.output,
        refetch=settings.refetch,
    )


def selection_of(settings: RunSettings, output: Path | None = None) -> Selection:
    """Return the stored batches of a run, in its output or in another one."""
    return select_range(
        settings.positions, settings.source, settings.api_url, output or settings.output
    )
