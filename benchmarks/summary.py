"""Summarise repeated measurements, and format the summaries as tables."""

from collections.abc import Callable
from itertools import groupby
from statistics import median
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[Row]
# Columns of the summary that are not medians of a quantity.
_KEYS = ("task", "tool", "result", "wall_s")
_JAVA = {"java_tasks_s": "tasks", "java_compiling_s": "compiling", "java_gc_s": "GC"}


def summary(rows: Rows) -> Rows:
    """Return one row for each task and tool: medians of the repeats, and the range of ``wall_s``.

    A quantity with parts has the median of each part; a text stays unchanged. ``ratio`` is the
    time of the task's first tool divided by this tool's.
    """
    summaries: Rows = []
    for task in dict.fromkeys(row["task"] for row in rows):
        of_task = [row for row in rows if row["task"] == task]
        first_s = median(_values(of_task, of_task[0]["tool"], "wall_s"))
        for tool in dict.fromkeys(row["tool"] for row in of_task):
            walls = _values(of_task, tool, "wall_s")
            one = {"task": task, "tool": tool, "repeats": len(walls)}
            one |= {"wall_s": median(walls), "fastest_s": min(walls), "slowest_s": max(walls)}
            for quantity in dict.fromkeys(name for row in of_task for name in row):
                if quantity not in _KEYS and (values := _values(of_task, tool, quantity)):
                    one[quantity] = _median(values)
            one["ratio"] = first_s / one["wall_s"]
            summaries.append(one)
    return summaries


def _median(values: list[Any]) -> Any:  # noqa: ANN401
    if isinstance(values[0], str):
        return values[0]
    if isinstance(values[0], dict):
        parts = dict.fromkeys(part for value in values for part in value)
        return {part: median(value[part] for value in values if part in value) for part in parts}
    return median(values)


def _values(rows: Rows, tool: str, quantity: str) -> list[Any]:
    return [row[quantity] for row in rows if row["tool"] == tool and quantity in row]


def results_text(rows: Rows) -> str:
    """Return all tables of a `summary`."""
    return "\n\n".join([table_text(rows), *parts_texts(rows)])


def table_text(rows: Rows) -> str:
    """Return a table with one line for each tool, below a line for each task."""

    def line(row: Row) -> str:
        spread = f"{row['fastest_s']:.3g} - {row['slowest_s']:.3g}"
        cpu = f"{row['cpu_s']:.3g}" if "cpu_s" in row else ""
        peak = f"{row['peak_mb']:.0f}" if "peak_mb" in row else ""
        return (
            f"  {row['tool']:<44}{row['wall_s']:>9.3g}{row['repeats']:>4}  {spread:<17}"
            f"{cpu:>9}{peak:>7}{row['ratio']:>9.2f}"
        )

    head = f"{'task, tool':<46}{'wall s':>9}{'n':>4}  {'min - max':<17}{'cpu s':>9}{'MB':>7}"
    return "\n".join([f"{head}{'ratio':>9}", *_below_tasks(rows, line)])


def parts_texts(rows: Rows) -> list[str]:
    """Return a table for each quantity with parts, one column for each part and their sum."""
    texts = []
    for title, parts_of in _PARTS.items():
        with_parts = [
            {**row, "parts": parts | {"total": sum(parts.values())}}
            for row in rows
            if (parts := parts_of(row))
        ]
        if with_parts:
            texts.append(_parts_text(title, with_parts))
    return texts


def _parts_text(title: str, rows: Rows) -> str:
    names = sorted({name: None for row in rows for name in row["parts"]}, key="total".__eq__)
    width = max(len(title), *(len(row["tool"]) + 2 for row in rows))

    def line(row: Row) -> str:
        shown = (f"{row['parts'][name]:.2f}" if name in row["parts"] else "" for name in names)
        columns = zip(names, shown, strict=True)
        cells = "".join(f"  {text:>{max(6, len(name))}}" for name, text in columns)
        return f"{'  ' + row['tool']:<{width}}{cells}".rstrip()

    head = f"{title:<{width}}" + "".join(f"  {name:>6}" for name in names)
    return "\n".join([head, *_below_tasks(rows, line)])


def _below_tasks(rows: Rows, line: Callable[[Row], str]) -> list[str]:
    lines = []
    for task, of_task in groupby(rows, lambda row: row["task"]):
        lines += [task, *map(line, of_task)]
    return lines


def _java_parts(row: Row) -> dict[str, float]:
    """Return Java's processor time by purpose; the rest includes that of Python."""
    parts = {part: row[name] for name, part in _JAVA.items() if name in row}
    return parts and parts | {"other": row["cpu_s"] - sum(parts.values())}


_PARTS: dict[str, Callable[[Row], dict[str, float]]] = {
    "phases, wall s": lambda row: row.get("phases_s", {}),
    "aggregation with Spark, cpu s": _java_parts,
    "peak memory, MB": lambda row: {
        part: row[f"{part}_mb"] for part in ("python", "java") if "java_mb" in row
    },
    "decoding, in cpu time of orjson.loads": lambda row: row.get("parts_to_orjson", {}),
}
