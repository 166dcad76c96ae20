"""The part of a NeoWs Browse page that is kept, as types that msgspec validates.

Strict about what a value means (a distance is a number within a plausible range), lenient about
what may be absent: the service's old and new forms both pass. Numbers may come as strings.

Every range is wide: it holds whatever a real object can have, and refuses what some later use
(integers of SQL, dates of Spark and pandas, logarithmic axes) could not take. docs/explanation.md
lists the ranges for readers.

The fields stand in the order in which the service writes them, and the garbage collector passes
over the objects, which no cycle can hold: decoding takes a sixth less time for each.
"""

import datetime as dt
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, defstruct

# Bytes, unpacked. The heaviest page seen has 0.6 million; reading a hostile page of this size takes
# at most about 200 MB.
LARGEST_PAGE = 4 * 2**20
MOST_OBJECTS = 20  # on a page

# An object bound to the Sun passes a planet more slowly than 140 km/s (head-on, at Mercury's
# perihelion), and an interstellar object than 170. SQL sums 1e-10 km/s in 64-bit integers: three
# million approaches of one year at this velocity.
KmPerSecond = Annotated[float, Meta(gt=0, le=300)]
# Measured from the body's centre, so never 0. NeoWs lists approaches to 2 AU at most (Jupiter's).
Au = Annotated[float, Meta(gt=0, le=10)]
Lunar = Annotated[float, Meta(gt=0, le=4_000)]  # 389 to the AU
Km = Annotated[float, Meta(gt=0, le=1.5e9)]  # 149,597,870.7 to the AU
# Known are 9.4 (Ganymed) to about 34; Eris, the brightest beyond Neptune, has -1.2.
MagnitudeH = Annotated[float, Meta(ge=-5, le=40)]
Meters = Annotated[float, Meta(gt=0, le=1e8)]  # H = -5 at an albedo of 0.05 is 6e7
Days = Annotated[float, Meta(gt=0, le=1e10)]  # 27 million years: an orbit to the Oort cloud's edge
Observations = Annotated[int, Meta(ge=0, le=10_000_000)]  # some objects have 20,000
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Text = Annotated[str, Meta(min_length=1, max_length=1_000)]

# NeoWs lists approaches from 1900 to 2200. Spark refuses Parquet times before 1900 that it did not
# write, and pandas counts nanoseconds from 1677 to April 2262.
FIRST_APPROACH, LAST_APPROACH = dt.date(1900, 1, 1), dt.date(2260, 12, 31)
# The first asteroid was found in 1801; a comet may have been observed before that.
FIRST_OBSERVATION, LAST_OBSERVATION = dt.date(1700, 1, 1), dt.date(2260, 12, 31)
_EpochMs = Annotated[int, Meta(ge=-2_208_988_800_000, le=9_183_110_399_999)]  # the same, from 1970


class _Part(Struct, gc=False):
    pass


class _Velocity(_Part):
    kilometers_per_second: KmPerSecond


class _Distance(_Part, kw_only=True):
    astronomical: Au
    lunar: Lunar | None = None
    kilometers: Km


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
    estimated_diameter_min: Meters | None = None
    estimated_diameter_max: Meters | None = None


class _Diameter(_Part):
    meters: _DiameterMeters | None = None


class _Orbit(_Part):
    first_observation_date: dt.date | None = None
    last_observation_date: dt.date | None = None
    observations_used: Observations | None = None
    orbital_period: Days | None = None


class Neo(_Part, kw_only=True):
    """One near-Earth object; ``id`` is filled from ``neo_reference_id`` where it is absent."""

    id: _Text | None = None
    neo_reference_id: _Text | None = None
    name: str | None = None
    name_limited: str | None = None
    designation: str | None = None
    nasa_jpl_url: str | None = None
    absolute_magnitude_h: MagnitudeH | None = None
    estimated_diameter: _Diameter | None = None
    is_potentially_hazardous_asteroid: bool | None = None
    # Required, so that an object without the key is never taken for one without approaches.
    close_approach_data: list[Approach]
    orbital_data: _Orbit | None = None

    def __post_init__(self) -> None:
        self.id = self.id or self.neo_reference_id
        if self.id is None:
            raise ValueError("neither `id` nor `neo_reference_id`")
        orbit = self.orbital_data
        if orbit is not None:
            _check_observed("first_observation_date", orbit.first_observation_date)
            _check_observed("last_observation_date", orbit.last_observation_date)


def _check_observed(name: str, date: dt.date | None) -> None:
    if date is not None and not FIRST_OBSERVATION <= date <= LAST_OBSERVATION:
        raise ValueError(
            f"Expected `date` from {FIRST_OBSERVATION} to {LAST_OBSERVATION}"
            f" - at `$.orbital_data.{name}`"
        )


class PageInfo(Struct):
    """What a page says of itself: its number (0-based), size and the catalogue's size."""

    number: _Count
    size: _Count
    total_elements: _Count


class Envelope(Struct):
    """A Browse page, every object decoded."""

    page: PageInfo
    near_earth_objects: list[Neo]


# A list of any length would be built before its length is looked at: an object of 40 bytes or more
# for every two bytes of a hostile page. This reads the first, and passes over what comes after.
_FirstObjects = defstruct(
    "_FirstObjects",
    [(f"object_{place}", Raw | UnsetType, UNSET) for place in range(MOST_OBJECTS + 1)],
    array_like=True,
)


class RawEnvelope(Struct):
    """A Browse page, every object still as bytes: for pages that break the contract somewhere."""

    page: PageInfo
    near_earth_objects: _FirstObjects  # type: ignore[valid-type] # mypy does not know defstruct

    @property
    def objects(self) -> list[Raw]:
        """The objects; one more than ``MOST_OBJECTS`` where there are too many."""
        listed = (
            getattr(self.near_earth_objects, name) for name in _FirstObjects.__struct_fields__
        )
        return [one for one in listed if one is not UNSET]


def check_approaches(neo: Neo) -> None:
    """Raise ValueError for the first approach whose date lies outside the plausible range.

    Not part of decoding: calling Python for each approach would take a twentieth of its time.
    """
    for place, approach in enumerate(neo.close_approach_data):
        if not FIRST_APPROACH <= approach.close_approach_date <= LAST_APPROACH:
            raise ValueError(
                f"Expected `date` from {FIRST_APPROACH} to {LAST_APPROACH}"
                f" - at `$.close_approach_data[{place}].close_approach_date`"
            )
