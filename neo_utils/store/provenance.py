"""The provenance of a batch, as recorded in the metadata of its files."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from neo_utils import __version__
from neo_utils.neows.service import Service, service_of_page

# The formats that `Provenance.as_metadata` writes. A folder may come from other people, and these
# values appear in messages and suggested commands.
_FORMS = {
    "fetched_at": r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "page_sha256": r"[0-9a-f]{64}",
    "catalogue_size": r"\d{1,9}",
    "package_version": r"[\w.+-]{1,40}",
}


class Provenance(NamedTuple):
    """Where a batch comes from. Its files record this in their metadata."""

    source: str  # "nasa" or "sample"
    url: str  # address of the Browse page, without a key
    fetched_at: dt.datetime  # the answer's Date header (UTC)
    page_sha256: str  # checksum of the archived page, without the key
    catalogue_size: int  # NEOs listed at that time
    package_version: str = __version__

    @property
    def service(self) -> Service:
        """The service of the batch; batches of two services never mix."""
        return service_of_page(self.source, self.url)

    def as_metadata(self) -> dict[str, str]:
        """Return the fields as text, with a note if the data is a simulated sample."""
        fields = {name: str(value) for name, value in self._asdict().items()}
        fields["fetched_at"] = f"{self.fetched_at:%Y-%m-%dT%H:%M:%SZ}"
        if self.source == "sample":
            fields["note"] = "simulated sample, not NASA data"
        return fields

    def differing_from(self, other: "Provenance") -> list[str]:
        """Return the names of the fields that differ."""
        return [name for name in self._fields if getattr(self, name) != getattr(other, name)]

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes]) -> "Provenance":
        """Return the provenance that ``as_metadata`` wrote.

        Raises
        ------
        ValueError
            If a field is missing, or has a value that this project never writes.
        """
        missing = [name for name in cls._fields if name.encode() not in metadata]
        if missing:
            raise ValueError(f"no {missing[0]} is recorded")
        fields: dict[str, Any] = {name: metadata[name.encode()].decode() for name in cls._fields}
        for name, form in _FORMS.items():
            if not re.fullmatch(form, fields[name], re.ASCII):
                raise ValueError(f"the recorded {name} is not valid")
        service_of_page(fields["source"], fields["url"])  # raises ValueError
        fields["fetched_at"] = dt.datetime.fromisoformat(fields["fetched_at"])
        fields["catalogue_size"] = int(fields["catalogue_size"])
        return cls(**fields)


def newest_catalogue_size(provenances: Iterable[Provenance]) -> int | None:
    """Return the catalogue size at the newest of these fetches; None if there are none."""
    newest = max(provenances, key=lambda p: (p.fetched_at, p.catalogue_size), default=None)
    return newest.catalogue_size if newest else None
