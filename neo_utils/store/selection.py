"""Select the stored batches of START..END, with their provenance."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from neo_utils.errors import StoredDataMissing
from neo_utils.neows.service import Service
from neo_utils.positions import EVERYTHING, Batch, PositionRange, batches_text, spans
from neo_utils.settings.choices import check_choice
from neo_utils.store.batches import read_rejected, read_table, stored_provenances
from neo_utils.store.consistency import drift_notes
from neo_utils.store.make_commands import make_command
from neo_utils.store.page_archive import sha256
from neo_utils.store.provenance import Provenance, newest_catalogue_size
from neo_utils.store.result_files import ResultFiles
from neo_utils.store.schemas import StoredTable

if TYPE_CHECKING:  # slow to import
    import pandas as pd


class Selection(NamedTuple):
    """Stored batches of one source; ``label`` is the name of the source."""

    positions: PositionRange
    output: Path
    label: str
    provenances: dict[Batch, Provenance]

    def __repr__(self) -> str:
        """Return the range, the number of batches, the source and the fetch time."""
        batches = batches_text(len(self.provenances))
        return f"{self.neos_line}, in {batches} of 20\n{self.source_line}"

    @property
    def fetched(self) -> tuple[dt.datetime, dt.datetime]:
        """The earliest and the latest fetch time (UTC) of the batches."""
        times = [provenance.fetched_at for provenance in self.provenances.values()]
        return min(times), max(times)

    @property
    def pages_sha256(self) -> str:
        """A checksum of the pages and their fetch times, which determine all stored rows."""
        pages = [f"{b.name} {p.page_sha256} {p.fetched_at}" for b, p in self.provenances.items()]
        return sha256("\n".join(pages).encode())

    @property
    def neos_line(self) -> str:
        """The positions of the batches in words, shown beside every number."""
        listed = newest_catalogue_size(self.provenances.values()) or 0  # the last batch has fewer
        found = spans(sorted(self.provenances))
        parts = [f"{span.start} to {min(span.end or listed, listed)}" for span in found]
        return f"NEOs at positions {', '.join(parts)}"

    @property
    def source_line(self) -> str:
        """The source and fetch time, shown below every figure and table."""
        first, last = (f"{time:%Y-%m-%d %H:%M}" for time in self.fetched)
        if first == last:
            return f"Source: {self.label}, as listed on {first} UTC"
        return f"Source: {self.label}, as listed from {first} to {last} UTC"

    @property
    def is_sample(self) -> bool:
        """Whether a batch is of the simulated sample."""
        return any(provenance.source == "sample" for provenance in self.provenances.values())

    def result_files(self, threshold_au: float) -> ResultFiles:
        """Return where the results of these batches are, computed with a threshold (AU)."""
        return ResultFiles(self.output, self.positions, threshold_au)

    def read(self, table: str, batches: int | None = None) -> pa.Table:
        """Return the rows of "raw", "close_approaches" or "orbits", of all or the first batches."""
        check_choice("table", table, StoredTable)
        return read_table(self.output, list(self.provenances)[:batches], table)

    def rejected(self) -> "pd.DataFrame":
        """Return position, field_path, reason and object of each object that failed validation."""
        import pandas as pd

        columns = ["position", "field_path", "reason", "object"]
        return pd.DataFrame(read_rejected(self.output, self.provenances), columns=columns)

    def drift_text(self) -> str:
        """Return the signs that the listing changed while it was fetched, or "none found"."""
        return "\n".join(drift_notes(self.output, self.provenances)) or "none found"


def select_batches(
    positions: PositionRange, output: Path, source: str, default: Service
) -> Selection:
    """Return the stored batches of a range.

    Parameters
    ----------
    source
        "nasa" or "sample"; "auto" selects the stored source if there is only one.
    default
        The service of ``source``; for "auto", the one to name if there is not one stored source.

    Raises
    ------
    StoredDataMissing
        If a batch of the range is not stored, or contains data of another source.
    StoredDataBroken
        If a raw file was not written by this project.
    """
    stored = stored_provenances(output, positions)
    sources = {provenance.source for provenance in stored.values()}
    wanted = sources.pop() if source == "auto" and len(sources) == 1 else default.source
    of_source = {batch: p for batch, p in stored.items() if p.source == wanted}
    size = newest_catalogue_size(of_source.values())
    expected = positions.batches(size)
    # A batch that was the last of a shorter catalogue lacks NEOs listed since.
    provenances = {
        batch: p
        for batch, p in of_source.items()
        if size is not None and p.catalogue_size >= min(batch.last, size)
    }
    missing = [batch for batch in expected if batch not in provenances]
    if missing or not expected:
        services = [p.service for p in of_source.values()] or [default]
        raise _missing(positions, missing, services[0], output)
    return Selection(positions, output, _label(provenances, output), provenances)


def select_stored(output: Path) -> Selection | None:
    """Return all stored batches, with or without gaps; None if there are none.

    Raises
    ------
    StoredDataMissing
        If they come from several sources.
    StoredDataBroken
        If a raw file was not written by this project.
    """
    stored = stored_provenances(output, EVERYTHING)
    if not stored:
        return None
    return Selection(EVERYTHING, output, _label(stored, output), stored)


def _label(provenances: Mapping[Batch, Provenance], output: Path) -> str:
    """Return the name of the source of these batches; raise if there are several."""
    services = {provenance.service.label: provenance.service for provenance in provenances.values()}
    if len(services) > 1:
        service = min(services.values())
        span = PositionRange(min(provenances).first, max(provenances).last)
        raise StoredDataMissing(
            f"{output} contains data of {' and of '.join(sorted(services))} in this range, which "
            f"cannot be mixed. Run {make_command('backfill', span, output, service)} to fetch all "
            "of it from one source"
        )
    return next(iter(services))


def _missing(
    positions: PositionRange, missing: list[Batch], service: Service, output: Path
) -> StoredDataMissing:
    names = ", ".join(batch.name for batch in missing[:3]) + (", ..." if len(missing) > 3 else "")
    return StoredDataMissing(
        f"{batches_text(len(missing))} of {positions.in_words} ({names}) from source "
        f"{service.source} not stored in {output}. Run "
        f"{make_command('fetch', positions, output, service)} to fetch what is missing"
    )
