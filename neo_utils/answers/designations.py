"""Find stored NEOs by id, number, designation or name, and their designation at JPL."""

import difflib
import re

import pandas as pd

from neo_utils.errors import StoredDataMissing, WrongParameter
from neo_utils.store.selection import Selection
from neo_utils.text import shown

# "2010 PK9" and "2040 P-L" contain a blank; ids and numbers do not.
_NAMED = re.compile(r"\d{4} ?(?:[A-Z]{2}\d*|P-L|T-[123])(?=[\s,;]|$)|[^\s,;]+", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?= )")
_PROPER = re.compile(r"\d+ (.+?)(?: \(.*\))?")  # "433 Eros (A898 PA)"
_PROVISIONAL = re.compile(r"\(([^()]+)\)$")


def chosen_neos(selection: Selection, neos: pd.DataFrame, named: str) -> pd.DataFrame:
    """Return the stored NEOs listed in a text, in its order.

    Parameters
    ----------
    neos
        id, name and designation of the stored NEOs.
    named
        Ids, numbers or designations, separated by blanks or commas: "433 2010 PK9".

    Returns
    -------
    DataFrame
        Their rows. If an old page has no designation, it is taken from the name.

    Raises
    ------
    WrongParameter
        If the text is empty or lists a NEO without a designation.
    StoredDataMissing
        If one of them is not stored.
    """
    asked = list(dict.fromkeys(_NAMED.findall(named)))
    if not asked:
        raise WrongParameter(
            f'NEOS={named} contains no NEO. Use ids, numbers or designations: NEOS="433 99942"'
        )
    neos = neos.assign(
        designation=[
            _designation_of(name, listed)
            for name, listed in zip(neos["name"], neos["designation"], strict=True)
        ]
    )
    place_of = _places(neos)
    absent = [one for one in asked if _bare(one) not in place_of]
    if absent:
        raise StoredDataMissing(
            f"not stored in {selection.output}, {selection.neos_line}: {', '.join(absent)}. Set "
            "START, END and OUTPUT_DIR to where they are stored, or remove them from NEOS"
        )
    chosen = neos.iloc[list(dict.fromkeys(place_of[_bare(one)] for one in asked))]
    nameless = chosen[chosen["designation"].isna()]
    if len(nameless):
        raise WrongParameter(
            f"{', '.join(nameless['id'])} is stored without a designation, which JPL requires. "
            "Remove it from NEOS"
        )
    return chosen


def find_neo(selection: Selection, neos: pd.DataFrame, named: str) -> int:
    """Return the row of one NEO, by id, number, designation or name.

    Parameters
    ----------
    neos
        id, name and designation of the stored NEOs.

    Raises
    ------
    WrongParameter
        If the text is empty.
    StoredDataMissing
        If no stored NEO is called so; the message has similar names.
    """
    if not named.strip():
        raise WrongParameter("NEO is not set. Name one by id, number, designation or name: 433")
    place_of = _places(neos)
    if _bare(named) in place_of:
        return place_of[_bare(named)]
    names = {call: neos["name"].iloc[place] for call, place in place_of.items()}
    near = difflib.get_close_matches(_bare(named), names, n=3, cutoff=0.7)
    similar = ", ".join(dict.fromkeys(shown(names[call]) for call in near))
    raise StoredDataMissing(
        f"no NEO called {shown(named)} is stored in {selection.output}, {selection.neos_line}. "
        + (f"Similar: {similar}" if near else "Use an id, number, designation or name")
    )


def _places(neos: pd.DataFrame) -> dict[str, int]:
    """Return each NEO's row number by what it may be called; ids take precedence."""
    full = neos["name"].fillna("")
    provisional = [_PROVISIONAL.search(name) for name in full]
    proper = [_PROPER.fullmatch(name) for name in full]
    calls = (
        full,
        [one and one[1] for one in proper],
        [one and one[1] for one in provisional],
        neos["designation"],
        neos["id"],
    )
    return {_bare(call): place for kind in calls for place, call in enumerate(kind) if call}


def _designation_of(name: str | None, designation: str | None) -> str | None:
    """Return the designation for JPL's services: the number, else the provisional designation."""
    if designation:
        return designation
    found = _NUMBER.match(name or "") or _PROVISIONAL.search(name or "")
    return found and found[found.re.groups]


def _bare(designation: str) -> str:
    return re.sub(r"\s", "", designation).upper()
