"""What many measurements come to: medians, their spread, and ratios."""

from statistics import median
from typing import Any

Rows = list[dict[str, Any]]
_NAMES = ("what", "who", "answer", "wall_s")


def summary(rows: Rows) -> Rows:
    """Return a row for each what and who: medians of the repeats, and the spread of ``wall_s``.

    Of a quantity by parts the median of every part; a text stays as it is.

    ``first_to_it`` is the time of whoever was measured first at the same, divided by its own.
    """
    told: Rows = []
    for what in dict.fromkeys(row["what"] for row in rows):
        same = [row for row in rows if row["what"] == what]
        first = same[0]["who"]
        for who in dict.fromkeys(row["who"] for row in same):
            walls = _of(same, who, "wall_s")
            one = {"what": what, "who": who, "repeats": len(walls)}
            one |= {"wall_s": median(walls), "fastest_s": min(walls), "slowest_s": max(walls)}
            for quantity in dict.fromkeys(name for row in same for name in row):
                if quantity not in _NAMES and (measured := _of(same, who, quantity)):
                    one[quantity] = _middle(measured)
            one["first_to_it"] = median(_of(same, first, "wall_s")) / one["wall_s"]
            told.append(one)
    return told


def _middle(values: list[Any]) -> Any:  # noqa: ANN401
    if isinstance(values[0], str):
        return values[0]
    if isinstance(values[0], dict):
        parts = dict.fromkeys(part for value in values for part in value)
        return {part: median(value[part] for value in values if part in value) for part in parts}
    return median(values)


def _of(rows: Rows, who: str, quantity: str) -> list[Any]:
    return [row[quantity] for row in rows if row["who"] == who and quantity in row]


def table_text(rows: Rows) -> str:
    """Return a line for everybody of a `summary`, below what they did."""
    names = f"{'what, who':<46}{'wall s':>9}{'n':>4}  {'min - max':<17}"
    lines = [f"{names}{'cpu s':>9}{'MB':>7}{'1st/it':>9}"]
    what = None
    for row in rows:
        if row["what"] != what:
            what = row["what"]
            lines.append(what)
        spread = f"{row['fastest_s']:.3g} - {row['slowest_s']:.3g}"
        cpu = f"{row['cpu_s']:.3g}" if "cpu_s" in row else ""
        peak = f"{row['peak_mb']:.0f}" if "peak_mb" in row else ""
        lines.append(
            f"  {row['who']:<44}{row['wall_s']:>9.3g}{row['repeats']:>4}  {spread:<17}"
            f"{cpu:>9}{peak:>7}{row['first_to_it']:>9.2f}"
        )
    return "\n".join(lines)
