"""Where a batch comes from: what its files' metadata tell."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from neo_utils import __version__
from neo_utils.neows.service import Service, check_noted, service_of_page

# How `Provenance.as_metadata` writes these fields. A folder may have been passed on: what its files
# contain is shown, and used in suggested commands.
_FORMS = {
    "fetched_at": r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "page_sha256": r"[0-9a-f]{64}",
    "catalogue_size": r"\d{1,9}",
    "package_version": r"[\w.+-]{1,40}",
}


class Provenance(NamedTuple):
    """Where a batch comes from; stands in the metadata of its files."""

    source: str  # "nasa" or "sample"
    url: str  # the Browse page's address, without any key
    fetched_at: dt.datetime  # the answer's Date header (UTC)
    page_sha256: str  # of the page as archived: without the key
    catalogue_size: int  # NEOs listed at that time
    package_version: str = __version__

    @property
    def service(self) -> Service:
        """The service it comes from; batches of two services never mix."""
        return service_of_page(self.source, self.url)

    def as_metadata(self) -> dict[str, str]:
        """Return the fields as text; a sample is marked as such in words."""
        fields = {name: str(value) for name, value in self._asdict().items()}
        fields["fetched_at"] = f"{self.fetched_at:%Y-%m-%dT%H:%M:%SZ}"
        if self.source == "sample":
            fields["note"] = "simulated sample, not NASA data"
        return fields

    def differing_from(self, other: "Provenance") -> list[str]:
        """Return the names of the fields in which two differ."""
        return [name for name in self._fields if getattr(self, name) != getattr(other, name)]

    @classmethod
    def from_metadata(cls, metadata: Mapping[bytes, bytes]) -> "Provenance":
        """Return what ``as_metadata`` wrote.

        Raises
        ------
        ValueError
            If a field is missing, or holds what this project never writes.
        """
        missing = [name for name in cls._fields if name.encode() not in metadata]
        if missing:
            raise ValueError(f"no {missing[0]} is noted")
        fields: dict[str, Any] = {name: metadata[name.encode()].decode() for name in cls._fields}
        for name, form in _FORMS.items():
            if not re.fullmatch(form, fields[name], re.ASCII):
                raise ValueError(f"the noted {name} is not valid")
        check_noted(fields["source"], fields["url"])
        fields["fetched_at"] = dt.datetime.fromisoformat(fields["fetched_at"])
        fields["catalogue_size"] = int(fields["catalogue_size"])
        return cls(**fields)


def newest_catalogue_size(provenances: Iterable[Provenance]) -> int | None:
    """Return how many NEOs the listing had at the newest of these fetches; None where none is."""
    newest = max(provenances, key=lambda p: (p.fetched_at, p.catalogue_size), default=None)
    return newest.catalogue_size if newest else None
