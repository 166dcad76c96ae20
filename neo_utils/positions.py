"""Position ranges of the Browse listing, and batches of 20 positions: names and paths."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from neo_utils.errors import WrongParameter
from neo_utils.text import shown

LARGEST_CATALOGUE = 10_000_000  # NEOs; 41,000 are listed in 2026
BATCH_SIZE = 20  # the largest page size that NeoWs supports
ASSUMED_CATALOGUE_SIZE = 41_000  # NEOs listed in 2026; used until the service reports its size


class Batch(NamedTuple):
    """Positions ``first``..``last`` (1-based, inclusive) of the listing: one Browse page.

    Examples
    --------
    >>> batch = Batch(21)
    >>> batch.name, batch.page_number
    ('21-40', 1)
    >>> print(batch.file(Path("output"), "raw"))
    output/raw/batch-number=21-40/neo_partition_21-40.parquet
    >>> Batch.containing(40) == batch
    True
    """

    first: int

    @classmethod
    def containing(cls, position: int) -> "Batch":
        """Return the batch of a position."""
        return cls(position - (position - 1) % BATCH_SIZE)

    @property
    def last(self) -> int:
        """The last position."""
        return self.first + BATCH_SIZE - 1

    @property
    def page_number(self) -> int:
        """The 0-based number of the Browse page."""
        return (self.first - 1) // BATCH_SIZE

    @property
    def name(self) -> str:
        """The nominal range, such as ``21-40``, even if the catalogue ends within it."""
        return f"{self.first}-{self.last}"

    def file(self, output: Path, table: str) -> Path:
        """Return the path of this batch's file of ``table`` (a key of ``TABLES``)."""
        folder, file = TABLES[table]
        name = self.name
        # One join: commands on the whole catalogue call this tens of thousands of times.
        return output.joinpath(folder, f"batch-number={name}", file.format(batch=name))


TABLES = {
    "pages": ("pages", "page_{batch}.json.zst"),
    "close_approaches": ("close_approaches", "close_approaches_{batch}.parquet"),
    "orbits": ("orbits", "orbits_{batch}.parquet"),
    "rejected": ("rejected", "rejected_{batch}.jsonl"),
    "raw": ("raw", "neo_partition_{batch}.parquet"),
}


class PositionRange(NamedTuple):
    """The positions START..END; ``end`` is None for the rest of the catalogue."""

    start: int
    end: int | None

    @property
    def name(self) -> str:
        """The folder name of this range: ``batches-1-200`` or ``batches-1-all``."""
        return f"batches-{self.start}-{self.end or 'all'}"

    @property
    def in_words(self) -> str:
        """The range in messages: ``positions 1 to 200`` or ``positions 1 to the last``."""
        return f"positions {self.start} to {self.end or 'the last'}"

    @property
    def as_arguments(self) -> str:
        """The range as arguments of ``make``: ``START=1 END=200``."""
        return f"START={self.start} END={self.end or 'all'}"

    def covers(self, batch: Batch) -> bool:
        """Check whether a batch is in the range."""
        return self.start <= batch.first <= (self.end or batch.first)

    def batches(self, catalogue_size: int | None) -> list[Batch]:
        """Return the batches of the range in a catalogue of this size.

        If the size is unknown: all batches up to END, or only the first one for END=all.
        """
        size = (self.end or self.start) if catalogue_size is None else catalogue_size
        end = min(self.end or size, size)
        return [Batch(first) for first in range(self.start, end + 1, BATCH_SIZE)]


EVERYTHING = PositionRange(1, None)


def batches_text(count: int) -> str:
    """Return a number of batches in words.

    Examples
    --------
    >>> batches_text(1), batches_text(2_050)
    ('1 batch', '2,050 batches')
    """
    return f"{count:,} {'batch' if count == 1 else 'batches'}"


def spans(batches: Iterable[Batch]) -> list[PositionRange]:
    """Return the ranges of these batches (in order of position), with adjacent batches merged.

    Examples
    --------
    >>> [span.name for span in spans([Batch(1), Batch(21), Batch(81)])]
    ['batches-1-40', 'batches-81-100']
    """
    found: list[PositionRange] = []
    for batch in batches:
        if found and found[-1].end == batch.first - 1:
            found[-1] = PositionRange(found[-1].start, batch.last)
        else:
            found.append(PositionRange(batch.first, batch.last))
    return found


def position_range(start: int | str, end: int | str) -> PositionRange:
    """Return the range START..END (inclusive).

    Parameters
    ----------
    start
        1 plus a multiple of 20: 1, 21, 41, ...
    end
        A multiple of 20 above ``start``: 20, 40, 60, ...; or ``all``.

    Raises
    ------
    WrongParameter
        For any other value; the message suggests the nearest valid ones.

    Examples
    --------
    >>> position_range(21, 60).batches(catalogue_size=41_000)
    [Batch(first=21), Batch(first=41)]
    >>> position_range(1, "all").as_arguments
    'START=1 END=all'
    >>> position_range(1, 50)
    Traceback (most recent call last):
    neo_utils.errors.WrongParameter: END=50 is not the end of a batch of 20. \
Use 40 or 60 (a multiple of 20), or all
    """
    first = _whole_number("START", start, "1, 21, 41, ...", LARGEST_CATALOGUE - BATCH_SIZE + 1)
    if first < 1 or first % BATCH_SIZE != 1:
        raise WrongParameter(
            f"START={shown(start)} is not the start of a batch of {BATCH_SIZE}. "
            f"Use {_nearest(first, offset=1)} (1 plus a multiple of {BATCH_SIZE})"
        )
    if isinstance(end, str) and end.strip().lower() == "all":
        return PositionRange(first, None)
    last = _whole_number("END", end, "20, 40, 60, ... or all", LARGEST_CATALOGUE)
    if last < 1 or last % BATCH_SIZE != 0:
        raise WrongParameter(
            f"END={shown(end)} is not the end of a batch of {BATCH_SIZE}. "
            f"Use {_nearest(last, offset=BATCH_SIZE)} (a multiple of {BATCH_SIZE}), or all"
        )
    if last < first:
        raise WrongParameter(
            f"START={first} is greater than END={last}. "
            f"Use END={first + BATCH_SIZE - 1} or more, or START={last - BATCH_SIZE + 1}"
        )
    return PositionRange(first, last)


def _whole_number(name: str, value: int | str, valid: str, largest: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif digits := re.fullmatch(r"(-?)0*(\d+)", str(value).strip(), re.ASCII):
        number = int(digits[1] + digits[2][:9])  # Python does not parse thousands of digits
    else:
        raise WrongParameter(f"{name}={shown(value)} is not a whole number. Use {valid}")
    if number > largest:
        raise WrongParameter(f"{name}={shown(value)} is too large. Use at most {largest}")
    return number


def _nearest(value: int, offset: int) -> str:
    """Return the valid values around ``value``: ``offset`` plus a multiple of 20."""
    below = value - (value - offset) % BATCH_SIZE
    return f"{below} or {below + BATCH_SIZE}" if below >= offset else str(offset)
