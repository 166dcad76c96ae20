"""Names and identifiers of the simulated NEOs, and their order in the listing.

They are unlike those of real objects: numbers start at 990001, identifiers are in ranges that NeoWs
hardly uses, proper names are random syllables, and subscripts of designations start at 900.
"""

from datetime import date

from neo_utils.sample import NUMBERED_OBJECTS

_NEIGHBOURS = 40
_FIRST_EIGHT_DIGIT_RANK = 20_001
_HALF_MONTHS = "ABCDEFGHJKLMNOPQRSTUVWXY"  # no I; the Minor Planet Center's letters
_ORDER_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_FIRST_SUBSCRIPT = 900  # more than 22,000 discoveries in a half-month
_SYLLABLES = (
    *("ba", "dru", "fi", "gol", "hax", "jo", "kem", "lu"),
    *("mip", "nor", "pza", "qui", "ros", "tev", "vu", "zyl"),
)


def rank_of(position: int) -> int:
    """Return the rank of the NEO at a 1-based ``position`` of the listing.

    Neighbouring ranks are shuffled: since 2026 the service does not list objects by identifier.
    """
    block, place = divmod(position - 1, _NEIGHBOURS)
    return block * _NEIGHBOURS + (17 * place + 11) % _NEIGHBOURS + 1


def neo_id(rank: int) -> str:
    """Return the identifier of the NEO with this rank."""
    if rank <= NUMBERED_OBJECTS:
        return str(2_990_000 + rank)
    return str((3_900_000 if rank < _FIRST_EIGHT_DIGIT_RANK else 54_900_000) + rank)


def names(rank: int, discovered: date) -> dict[str, str]:
    """Return the fields that name a NEO; ``name_limited`` and ``designation`` may be absent."""
    provisional = _provisional_designation(rank, discovered)
    number = str(990_000 + rank)
    if rank > NUMBERED_OBJECTS:
        fields = {"name": f"({provisional})", "designation": provisional}
    elif _has_proper_name(rank):
        proper = _proper_name(rank)
        fields = {
            "name": f"{number} {proper} ({provisional})",
            "name_limited": proper,
            "designation": number,
        }
    else:
        fields = {"name": f"{number} ({provisional})", "designation": number}
    if rank % 1_000 == 617:  # as the service once listed 276274
        del fields["designation"]
    return fields


def _provisional_designation(rank: int, discovered: date) -> str:
    """Return year, half-month and order of discovery, as in ``1998 QE2`` and ``A898 PA``."""
    year = str(discovered.year) if discovered.year >= 1925 else f"A{discovered.year % 1000}"
    half_month = _HALF_MONTHS[2 * (discovered.month - 1) + discovered.day // 16]
    subscript, letter = divmod(rank // 24, 25)
    return f"{year} {half_month}{_ORDER_LETTERS[letter]}{_FIRST_SUBSCRIPT + subscript}"


def _has_proper_name(rank: int) -> bool:
    # Two thirds of the brightest 300, and a decreasing share of the others.
    return rank * 7 % 19 * max(rank, 300) < 12 * 300


def _proper_name(rank: int) -> str:
    mixed = rank * 1_237 % 4_096  # odd factor: no two ranks share a name
    return "".join(_SYLLABLES[mixed // scale % 16] for scale in (256, 16, 1)).title()
