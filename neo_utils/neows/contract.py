"""The fields of a NeoWs Browse page that are stored, as types that msgspec validates.

Values are checked strictly (a distance is a number in a plausible range). Fields may be absent, so
both old and new pages are valid. Numbers may be strings.

Every range is wide: it includes all real objects and excludes values that SQL integers, Spark and
pandas dates, or logarithmic axes cannot represent. docs/explanation.md lists the ranges.

Fields are declared in the service's order, and structs are not garbage-collected (they have no
cycles). Each saves a sixth of the decoding time.
"""

import datetime as dt
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, defstruct
from msgspec.structs import astuple

# Bytes, uncompressed. The largest observed page has 0.6 million; decoding a hostile page of this
# size takes at most about 200 MB.
LARGEST_PAGE = 4 * 2**20
MOST_OBJECTS = 20  # per page

# An object bound to the Sun passes a planet at less than 140 km/s (head-on, at Mercury's
# perihelion), an interstellar object at less than 170. SQL sums units of 1e-10 km/s in 64-bit
# integers, which hold three million approaches per year at this velocity.
KmPerSecond = Annotated[float, Meta(gt=0, le=300)]
# Measured from the body's centre, so never 0. NeoWs lists approaches up to 2 AU (Jupiter's).
Au = Annotated[float, Meta(gt=0, le=10)]
Lunar = Annotated[float, Meta(gt=0, le=4_000)]  # 389 per AU
Km = Annotated[float, Meta(gt=0, le=1.5e9)]  # 149,597,870.7 per AU
# Known NEOs range from 9.4 (Ganymed) to about 34; Eris, the brightest beyond Neptune, has -1.2.
MagnitudeH = Annotated[float, Meta(ge=-5, le=40)]
Meters = Annotated[float, Meta(gt=0, le=1e8)]  # H = -5 at an albedo of 0.05 is 6e7
Days = Annotated[float, Meta(gt=0, le=1e10)]  # 27 million years, as in the Oort cloud
DataArcDays = Annotated[int, Meta(ge=0, le=200_000)]
# Of an orbit. A hyperbolic one has a negative axis and no aphelion, and its anomaly is any number.
OrbitUncertainty = Annotated[int, Meta(ge=0, le=9)]
IntersectionAu = Annotated[float, Meta(ge=0, le=1e5)]
Tisserand = Annotated[float, Meta(ge=-1_000, le=1_000)]
EpochJd = Annotated[float, Meta(ge=1e6, le=4e6)]  # years -1975 to 6239
PerihelionJd = Annotated[float, Meta(ge=-1e10, le=1e10)]  # as far as the longest period
Eccentricity = Annotated[float, Meta(ge=0, le=100)]
AxisAu = Annotated[float, Meta(ge=-1e6, le=1e6)]
SolarDistanceAu = Annotated[float, Meta(gt=0, le=1e6)]
Inclination = Annotated[float, Meta(ge=0, le=180)]
Degrees = Annotated[float, Meta(ge=-1e6, le=1e6)]
DegreesPerDay = Annotated[float, Meta(gt=0, le=1_000)]
DeterminedAt = Annotated[dt.datetime, Meta(tz=False)]
Observations = Annotated[int, Meta(ge=0, le=10_000_000)]  # some objects have 20,000
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Text = Annotated[str, Meta(min_length=1, max_length=1_000)]

# NeoWs lists approaches from 1900 to 2200. Spark rejects times before 1900 in foreign Parquet
# files, and pandas nanoseconds end in April 2262.
FIRST_APPROACH, LAST_APPROACH = dt.date(1900, 1, 1), dt.date(2260, 12, 31)
# The first asteroid was discovered in 1801; a comet may have been observed earlier.
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
    """One close approach to any body."""

    close_approach_date: dt.date
    close_approach_date_full: str | None = None
    epoch_date_close_approach: _EpochMs | None = None
    relative_velocity: _Velocity
    miss_distance: _Distance
    orbiting_body: _Text

    @property
    def time_ms(self) -> int | None:
        """The time in milliseconds since 1970, or None if only the date is listed.

        Pages without ``close_approach_date_full`` give midnight in California instead.
        """
        return self.epoch_date_close_approach if self.close_approach_date_full else None


class _DiameterMeters(_Part):
    estimated_diameter_min: Meters | None = None
    estimated_diameter_max: Meters | None = None


class _Diameter(_Part):
    meters: _DiameterMeters | None = None


class _OrbitClass(_Part):
    orbit_class_type: _Text | None = None


TEXTS_OF_ORBIT = ("orbit_id", "equinox")


class Orbit(_Part):
    """The orbit of a NEO, and the observations from which it was determined."""

    orbit_id: _Text | None = None
    orbit_determination_date: DeterminedAt | None = None
    first_observation_date: dt.date | None = None
    last_observation_date: dt.date | None = None
    data_arc_in_days: DataArcDays | None = None
    observations_used: Observations | None = None
    orbit_uncertainty: OrbitUncertainty | None = None
    minimum_orbit_intersection: IntersectionAu | None = None
    jupiter_tisserand_invariant: Tisserand | None = None
    epoch_osculation: EpochJd | None = None
    eccentricity: Eccentricity | None = None
    semi_major_axis: AxisAu | None = None
    inclination: Inclination | None = None
    ascending_node_longitude: Degrees | None = None
    orbital_period: Days | None = None
    perihelion_distance: SolarDistanceAu | None = None
    perihelion_argument: Degrees | None = None
    aphelion_distance: SolarDistanceAu | None = None
    perihelion_time: PerihelionJd | None = None
    mean_anomaly: Degrees | None = None
    mean_motion: DegreesPerDay | None = None
    equinox: _Text | None = None
    orbit_class: _OrbitClass | None = None


def _check_dates(orbit: Orbit) -> None:
    times = orbit.orbit_determination_date
    dates = {
        "first_observation_date": orbit.first_observation_date,
        "last_observation_date": orbit.last_observation_date,
        "orbit_determination_date": times and times.date(),
    }
    for name, date in dates.items():
        if date is not None and not FIRST_OBSERVATION <= date <= LAST_OBSERVATION:
            raise ValueError(
                f"Expected `date` from {FIRST_OBSERVATION} to {LAST_OBSERVATION}"
                f" - at `$.orbital_data.{name}`"
            )


class Neo(_Part, kw_only=True):
    """One near-Earth object. If ``id`` is absent, it is copied from ``neo_reference_id``."""

    id: _Text | None = None
    neo_reference_id: _Text | None = None
    name: str | None = None
    name_limited: str | None = None
    designation: str | None = None
    nasa_jpl_url: str | None = None
    absolute_magnitude_h: MagnitudeH | None = None
    estimated_diameter: _Diameter | None = None
    is_potentially_hazardous_asteroid: bool | None = None
    # Required: an object that lacks this field is not an object without approaches.
    close_approach_data: list[Approach]
    orbital_data: Orbit | None = None
    is_sentry_object: bool | None = None

    def __post_init__(self) -> None:
        self.id = self.id or self.neo_reference_id
        if self.id is None:
            raise ValueError("neither `id` nor `neo_reference_id`")
        if orbit := self.orbital_data:
            _check_dates(orbit)


class PageInfo(Struct):
    """A page's number (0-based), its size and the size of the catalogue."""

    number: _Count
    size: _Count
    total_elements: _Count


class Envelope(Struct):
    """A Browse page with decoded objects."""

    page: PageInfo
    near_earth_objects: list[Neo]


# A list would be built in full before its length is checked: at least 40 bytes of memory for every
# two bytes of a hostile page. This type keeps the first objects and skips the rest.
_FirstObjects = defstruct(
    "_FirstObjects",
    [(f"object_{place}", Raw | UnsetType, UNSET) for place in range(MOST_OBJECTS + 1)],
    array_like=True,
)


class RawEnvelope(Struct):
    """A Browse page with objects as bytes, for pages that fail validation somewhere."""

    page: PageInfo
    near_earth_objects: _FirstObjects  # type: ignore[valid-type] # mypy does not know defstruct

    @property
    def objects(self) -> list[Raw]:
        """The objects: ``MOST_OBJECTS`` + 1 of them if there are too many."""
        return [one for one in astuple(self.near_earth_objects) if one is not UNSET]


def check_approaches(neo: Neo) -> None:
    """Raise ValueError for the first approach whose date is outside the plausible range.

    This is not part of decoding: a Python call per approach would add 5 % to its time.
    """
    for place, approach in enumerate(neo.close_approach_data):
        if not FIRST_APPROACH <= approach.close_approach_date <= LAST_APPROACH:
            raise ValueError(
                f"Expected `date` from {FIRST_APPROACH} to {LAST_APPROACH}"
                f" - at `$.close_approach_data[{place}].close_approach_date`"
            )
