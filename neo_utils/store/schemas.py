"""The schemas of the stored tables: each column's type, UCD, unit and definition."""

import pyarrow as pa


def _column(
    name: str,
    kind: pa.DataType,
    ucd: str,
    definition: str,
    unit: str = "",
    *,
    nullable: bool = True,
) -> pa.Field:
    # ucd: the IVOA's name for the kind of quantity, https://www.ivoa.net/documents/UCD1+
    metadata = {"definition": definition, "ucd": ucd} | ({"unit": unit} if unit else {})
    return pa.field(name, kind, nullable, metadata)


_TEXT, _DOUBLE, _INTEGER = pa.string(), pa.float64(), pa.int64()
_DATE, _TIME = pa.date32(), pa.timestamp("ms", tz="UTC")

RAW = pa.schema(
    [
        _column(
            "id",
            _TEXT,
            "meta.id;meta.main",
            "NeoWs id; neo_reference_id where an old page has none",
            nullable=False,
        ),
        _column("neo_reference_id", _TEXT, "meta.id", "NeoWs reference id"),
        _column(
            "name", _TEXT, "meta.id", "full name, e.g. with number and provisional designation"
        ),
        _column(
            "name_limited", _TEXT, "meta.id", "proper name only; null where the object is unnamed"
        ),
        _column("designation", _TEXT, "meta.id", "number or provisional designation"),
        _column(
            "nasa_jpl_url", _TEXT, "meta.ref.url", "page of the object in JPL's Small-Body Database"
        ),
        _column(
            "absolute_magnitude_h",
            _DOUBLE,
            "phys.magAbs",
            "absolute magnitude H; smaller is brighter",
            "mag",
        ),
        _column(
            "is_potentially_hazardous_asteroid",
            pa.bool_(),
            "meta.code",
            "as NeoWs lists it: H at most 22 and orbit within 0.05 AU of Earth's",
        ),
        _column(
            "minimum_estimated_diameter_meters",
            _DOUBLE,
            "phys.size.diameter;stat.min",
            "diameter estimated from H for albedo 0.25",
            "m",
        ),
        _column(
            "maximum_estimated_diameter_meters",
            _DOUBLE,
            "phys.size.diameter;stat.max",
            "diameter estimated from H for albedo 0.05",
            "m",
        ),
        _column(
            "closest_approach_miss_distance_km",
            _DOUBLE,
            "pos.distance;stat.min",
            "smallest miss distance among all listed approaches, whatever the body",
            "km",
        ),
        _column(
            "closest_approach_date", _DATE, "time.epoch", "date of that closest approach, as listed"
        ),
        _column(
            "closest_approach_relative_velocity_km_per_sec",
            _DOUBLE,
            "phys.veloc",
            "velocity relative to the body at that closest approach",
            "km/s",
        ),
        _column(
            "first_observation_date", _DATE, "time.start;obs", "first observation used in the orbit"
        ),
        _column(
            "last_observation_date", _DATE, "time.end;obs", "last observation used in the orbit"
        ),
        _column(
            "observations_used",
            _INTEGER,
            "meta.number;obs",
            "number of observations used in the orbit",
        ),
        _column(
            "orbital_period", _DOUBLE, "time.period.revolution", "sidereal orbital period", "d"
        ),
    ]
)

CLOSE_APPROACHES = pa.schema(
    [
        _column(
            "neo_id", _TEXT, "meta.id;meta.main", "id of the NEO in the raw table", nullable=False
        ),
        _column("close_approach_date", _DATE, "time.epoch", "date as listed", nullable=False),
        _column(
            "close_approach_time",
            _TIME,
            "time.epoch",
            "instant as listed, to the minute: in JPL's tables the same is TDB, 69 s ahead of UTC;"
            " null in old pages, which list the day only",
        ),
        _column(
            "orbiting_body",
            _TEXT,
            "meta.id",
            "the body passed, as NeoWs spells it: Earth, Venus, Mars, Merc, Juptr, Moon",
            nullable=False,
        ),
        _column("miss_distance_au", _DOUBLE, "pos.distance", "miss distance", "AU", nullable=False),
        _column(
            "miss_distance_lunar",
            _DOUBLE,
            "pos.distance",
            "miss distance in lunar distances; NeoWs takes 389 to the AU",
            "LD",
        ),
        _column("miss_distance_km", _DOUBLE, "pos.distance", "miss distance", "km", nullable=False),
        _column(
            "relative_velocity_km_per_sec",
            _DOUBLE,
            "phys.veloc",
            "velocity relative to the body",
            "km/s",
            nullable=False,
        ),
    ]
)

METRICS = pa.schema(
    [
        _column(
            "metric",
            _TEXT,
            "meta.id",
            "name of the count; its definition is the SQL text",
            nullable=False,
        ),
        _column("value", _INTEGER, "meta.number", "the count", nullable=False),
    ]
)

YEARLY_STATISTICS = pa.schema(
    [
        _column("year", _INTEGER, "time", "calendar year of the approaches", nullable=False),
        _column(
            "orbiting_body", _TEXT, "meta.id", "the body passed, as NeoWs spells it", nullable=False
        ),
        _column("close_approaches", _INTEGER, "meta.number", "listed approaches", nullable=False),
        _column(
            "close_approaches_under_threshold",
            _INTEGER,
            "meta.number",
            "those nearer than the threshold",
            nullable=False,
        ),
        _column(
            "predicted",
            _INTEGER,
            "meta.number",
            "those dated after the day of the fetch",
            nullable=False,
        ),
        _column("neos", _INTEGER, "meta.number", "different NEOs among them", nullable=False),
        _column(
            "nearest_miss_distance_au",
            _DOUBLE,
            "pos.distance;stat.min",
            "smallest miss distance",
            "AU",
            nullable=False,
        ),
        _column(
            "nearest_neo_id", _TEXT, "meta.id", "id of the NEO that came nearest", nullable=False
        ),
        _column(
            "mean_relative_velocity_km_per_sec",
            _DOUBLE,
            "phys.veloc;stat.mean",
            "mean velocity relative to the body, to six decimals",
            "km/s",
            nullable=False,
        ),
    ]
)

SCHEMAS = {
    "raw": RAW,
    "close_approaches": CLOSE_APPROACHES,
    "metrics": METRICS,
    "yearly_statistics": YEARLY_STATISTICS,
}
