"""Query JPL's close-approach data service (CAD) for the Earth approaches of an object.

The service needs no key, and none is sent: https://ssd-api.jpl.nasa.gov/doc/cad.html
"""

import re
from urllib.parse import quote, urlencode, urlsplit

import requests

from neo_utils.compare.cad_answer import CadList, decode_cad, plain
from neo_utils.errors import ServiceFailure
from neo_utils.neows.transport import body_of, send_request

CAD_URL = "https://ssd-api.jpl.nasa.gov/cad.api"
FARTHEST_AU = 0.6  # more than NeoWs's 0.5 AU, because another orbit may move a passage across it
# A date-max without a time means midnight, which would exclude the last day.
_PERIOD = {"date-min": "1900-01-01", "date-max": "2200-12-31T23:59:59"}


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
