"""Query JPL's close-approach data service (CAD) for the Earth approaches of an object.

The service needs no key, and none is sent: https://ssd-api.jpl.nasa.gov/doc/cad.html
"""

import datetime as dt
import re
from typing import Annotated, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import pandas as pd
import requests
from msgspec import Meta, Struct

from neo_utils.errors import ServiceFailure
from neo_utils.neows.transport import body_of, send_request
from neo_utils.text import shown

CAD_URL = "https://ssd-api.jpl.nasa.gov/cad.api"
FARTHEST_AU = 0.6  # more than NeoWs's 0.5 AU, because another orbit may move a passage across it
# A date-max without a time means midnight, which would exclude the last day.
_PERIOD = {"date-min": "1900-01-01", "date-max": "2200-12-31T23:59:59"}

_KNOWN_VERSION = "1."  # the major version changes with the format
_UNITS_MIN = {"days": 1440, "hours": 60, "minutes": 1}
_DURATION = re.compile(r"(?:< ?)?(?:(?P<days>\d{1,6})_)?(?P<hours>\d\d):(?P<minutes>\d\d)")

# AU. The limits reject NaN and infinity, and allow the wide 3-sigma bounds of poorly known orbits.
_NotNegative = Annotated[float, Meta(ge=0, le=1e6)]
_Text = Annotated[str, Meta(pattern="^[ -~]{1,60}$")]  # no terminal control sequences

# The columns of CadList.passages.
_TYPES = {
    "time": "datetime64[s]",
    **dict.fromkeys(["distance_au", "distance_min_au", "distance_max_au", "time_sigma_min"], float),
    **dict.fromkeys(["designation", "orbit_id"], object),
}


class _Signature(Struct):
    source: str
    version: str


class _Answer(Struct):
    signature: _Signature
    count: int
    fields: list[str] = []
    data: list[list[str | float | None]] = []


class _Row(Struct):
    des: _Text
    orbit_id: _Text
    jd: Annotated[float, Meta(ge=2_415_000, le=2_525_500)]  # from 1899 to 2202
    cd: _Text
    dist: _NotNegative
    dist_min: _NotNegative
    dist_max: _NotNegative
    t_sigma_f: _Text


class CadList(NamedTuple):
    """CAD's list for one object, and the version of the service.

    ``passages`` has a row per approach to Earth: time (TDB, to the minute), distance_au,
    distance_min_au and distance_max_au (AU, the 3-sigma bounds), time_sigma_min (minutes,
    3 sigma), and CAD's designation and orbit_id.
    """

    passages: pd.DataFrame
    version: str


def query_cad(session: requests.Session, designation: str) -> CadList:
    """Return the Earth approaches from 1900 to 2200, up to `FARTHEST_AU`, that CAD lists.

    An empty list may also mean that CAD does not recognise the designation.

    Parameters
    ----------
    session
        A session without a key.
    designation
        A number or provisional designation: "433", "2010 PK9".

    Raises
    ------
    ServiceFailure
        If there is no response, CAD rejects the designation, or the response is invalid, has an
        unsupported version or lacks a required field.
    """
    query = {"des": designation, **_PERIOD, "dist-max": f"{FARTHEST_AU}", "body": "Earth"}
    with send_request(session, f"{CAD_URL}?{urlencode(query, quote_via=quote)}") as response:
        body = body_of(response)
    host, shown = urlsplit(CAD_URL).netloc, plain(designation)
    if response.status_code == requests.codes.bad_request:
        raise ServiceFailure(
            f"{host} rejected the designation {shown}{_message(body)}. Remove it from NEOS"
        )
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(
            f"{host} returned status {response.status_code} for {shown}{_message(body)}. Try again"
            " later"
        )
    try:
        return decode_cad(body)
    except ValueError as error:
        raise ServiceFailure(f"the response of {host} for {shown} is invalid: {error}") from None


def _message(body: bytes) -> str:
    """Return the service's own message in parentheses, if there is one."""
    found = re.search(rb'"message"\s*:\s*"([^"]+)"', body)
    return f" ({plain(found[1].decode('ascii', 'replace'))})" if found else ""


def decode_cad(body: bytes) -> CadList:
    """Decode a response of CAD and validate every value.

    Raises
    ------
    ValueError
        If the response is not valid JSON, has an unsupported version, lacks a required field, is
        incomplete, or contains an invalid value.

    Examples
    --------
    >>> answer = b'{"signature": {"source": "CAD", "version": "1.5"}, "count": "0"}'
    >>> decode_cad(answer).passages.empty
    True
    """
    try:
        answer = msgspec.json.decode(body, type=_Answer, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"not a CAD response: {plain(str(error))}") from None
    version = f"{plain(answer.signature.source)} {plain(answer.signature.version)}"
    if not answer.signature.version.startswith(_KNOWN_VERSION):
        raise ValueError(f"it is from {version}, but only versions {_KNOWN_VERSION}x are supported")
    if answer.count != len(answer.data):
        raise ValueError(f"it has {len(answer.data)} approaches but its count is {answer.count}")
    missing = [name for name in _Row.__struct_fields__ if name not in answer.fields]
    if answer.data and missing:
        raise ValueError(f"{version} lacks the field {', '.join(missing)}")
    rows = [_row(answer.fields, values) for values in answer.data]
    if len({(row.des, row.orbit_id) for row in rows}) > 1:
        raise ValueError("it contains several objects or orbits")
    passages = [
        (
            *(_time_of(row), row.dist, row.dist_min, row.dist_max),
            *(_minutes(row.t_sigma_f), row.des, row.orbit_id),
        )
        for row in rows
    ]
    return CadList(pd.DataFrame(passages, columns=list(_TYPES)).astype(_TYPES), version)


def _row(fields: list[str], values: list[str | float | None]) -> _Row:
    try:
        return msgspec.convert(dict(zip(fields, values, strict=True)), _Row, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"approach {plain(str(values[:4]))}: {plain(str(error))}") from None


def _time_of(row: _Row) -> dt.datetime:
    """Return the time (TDB), after checking that calendar date and Julian date agree."""
    time = dt.datetime.strptime(row.cd, "%Y-%b-%d %H:%M")
    by_julian_date = dt.datetime(2000, 1, 1, 12) + dt.timedelta(days=row.jd - 2_451_545)
    if abs(time - by_julian_date) > dt.timedelta(minutes=1):
        raise ValueError(f"cd {row.cd} and jd {row.jd} are different times")
    return time


def _minutes(duration: str) -> int:
    """Return the minutes of "< 00:01", "13:02" (hours first) or "2_09:08" (days first)."""
    found = _DURATION.fullmatch(duration)
    if not found:
        raise ValueError(f"t_sigma_f {duration} is not a valid duration")
    return sum(int(count) * _UNITS_MIN[unit] for unit, count in found.groupdict("0").items())


def plain(text: str) -> str:
    """Return the text as one short line without terminal control sequences."""
    return shown(text, 120).strip()
