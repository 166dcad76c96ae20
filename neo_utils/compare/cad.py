"""Ask JPL's close-approach data service (CAD) for the Earth approaches of one object.

It asks for no key, and is sent none: https://ssd-api.jpl.nasa.gov/doc/cad.html
"""

import re
from urllib.parse import quote, urlencode, urlsplit

import requests

from neo_utils.compare.cad_answer import CadList, decode_cad, plain
from neo_utils.errors import ServiceFailure
from neo_utils.neows.transport import body_of, send_request

CAD_URL = "https://ssd-api.jpl.nasa.gov/cad.api"
FARTHEST_AU = 0.6  # beyond the 0.5 AU of NeoWs: another orbit may have moved a passage across it
# A bare date-max is its first instant, and the last day would be left out.
_PERIOD = {"date-min": "1900-01-01", "date-max": "2200-12-31T23:59:59"}


def ask_cad(session: requests.Session, designation: str) -> CadList:
    """Return the Earth approaches from 1900 to 2200, up to `FARTHEST_AU`, that CAD lists.

    None at all is also what CAD may answer of a designation that it does not know.

    Parameters
    ----------
    session
        One without a key.
    designation
        A number or provisional designation: "433", "2010 PK9".

    Raises
    ------
    ServiceFailure
        Where no answer comes, CAD refuses the designation, or the answer is broken, of another
        version, or without a field that is needed.
    """
    query = {"des": designation, **_PERIOD, "dist-max": f"{FARTHEST_AU}", "body": "Earth"}
    with send_request(session, f"{CAD_URL}?{urlencode(query, quote_via=quote)}") as response:
        body = body_of(response)
    host, asked = urlsplit(CAD_URL).netloc, plain(designation)
    if response.status_code == requests.codes.bad_request:
        raise ServiceFailure(
            f"{host} refuses the designation {asked}{_message(body)}: leave it out of NEOS"
        )
    if response.status_code != requests.codes.ok:
        raise ServiceFailure(
            f"{host} answers with status {response.status_code} for {asked}{_message(body)}: "
            "try again later"
        )
    try:
        return decode_cad(body)
    except ValueError as error:
        raise ServiceFailure(f"what {host} answers for {asked} cannot be used: {error}") from None


def _message(body: bytes) -> str:
    """Return the service's own words where it gives some."""
    found = re.search(rb'"message"\s*:\s*"([^"]+)"', body)
    return f" ({plain(found[1].decode('ascii', 'replace'))})" if found else ""
