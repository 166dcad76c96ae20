"""Which stored NEOs a text names, and how JPL calls them."""

import re

import pandas as pd

from neo_utils.errors import StoredDataMissing, WrongParameter
from neo_utils.store.selection import Selection

# "2010 PK9" and "2040 P-L" have a blank; ids and numbers have none.
_NAMED = re.compile(r"\d{4} ?(?:[A-Z]{2}\d*|P-L|T-[123])(?=[\s,;]|$)|[^\s,;]+", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?= )")
_PROVISIONAL = re.compile(r"\(([^()]+)\)$")


def chosen_neos(selection: Selection, neos: pd.DataFrame, named: str) -> pd.DataFrame:
    """Return the stored NEOs that a text names, in its order.

    Parameters
    ----------
    neos
        id, name and designation of what is stored.
    named
        Ids, numbers or designations, with blanks or commas between them: "433 2010 PK9".

    Returns
    -------
    DataFrame
        Their rows, the designation filled from the name where an old page has none.

    Raises
    ------
    WrongParameter
        Where the text names nothing, or a NEO without a designation.
    StoredDataMissing
        Where one of them is not stored.
    """
    asked = list(dict.fromkeys(_NAMED.findall(named)))
    if not asked:
        raise WrongParameter(
            f'NEOS={named} names no NEO: use ids, numbers or designations, as in NEOS="433 99942"'
        )
    neos = neos.assign(
        designation=[
            _designation_of(name, told)
            for name, told in zip(neos["name"], neos["designation"], strict=True)
        ]
    )
    place_of = _places(neos)
    absent = [one for one in asked if _bare(one) not in place_of]
    if absent:
        raise StoredDataMissing(
            f"not stored in {selection.output}, {selection.neos_line}: {', '.join(absent)}. Set "
            "START, END and OUTPUT_DIR to where they are stored, or leave them out of NEOS"
        )
    chosen = neos.iloc[list(dict.fromkeys(place_of[_bare(one)] for one in asked))]
    nameless = chosen[chosen["designation"].isna()]
    if len(nameless):
        raise WrongParameter(
            f"{', '.join(nameless['id'])} is stored without a designation, by which JPL could be "
            "asked: leave it out of NEOS"
        )
    return chosen


def _places(neos: pd.DataFrame) -> dict[str, int]:
    """Return the place of each NEO by all that it is called; an id goes before a designation."""
    provisional = [_PROVISIONAL.search(name or "") for name in neos["name"]]
    calls = ([one and one[1] for one in provisional], neos["designation"], neos["id"])
    return {_bare(call): place for kind in calls for place, call in enumerate(kind) if call}


def _designation_of(name: str | None, designation: str | None) -> str | None:
    """Return what JPL's services take: the number, else the provisional designation."""
    if designation:
        return designation
    found = _NUMBER.match(name or "") or _PROVISIONAL.search(name or "")
    return found and found[found.re.groups]


def _bare(designation: str) -> str:
    return re.sub(r"\s", "", designation).upper()
