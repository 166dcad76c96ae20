"""The plan and the stored batches of a run, from its parsed settings."""

from pathlib import Path

from neo_utils.fetch.plan import Plan, make_plan
from neo_utils.interface import service_for, uses_demo_key
from neo_utils.settings.run_settings import RunSettings
from neo_utils.store.selection import Selection, select_batches


def plan_of(settings: RunSettings) -> Plan:
    """Return what a fetch with these settings will do."""
    return make_plan(
        settings.positions,
        service_for(settings.source, settings.api_url),
        settings.output,
        uses_demo_key=uses_demo_key(),
        refetch=settings.refetch,
        may_overwrite=settings.refetch and settings.source != "auto",
    )


def selection_of(settings: RunSettings, output: Path | None = None) -> Selection:
    """Return the stored batches of a run, in its output or in another one."""
    service = service_for(settings.source, settings.api_url)
    return select_batches(settings.positions, output or settings.output, settings.source, service)
