"""What measured times consist of, part by part, as tables."""

from collections.abc import Callable
from typing import Any

from benchmarks.summary import Rows

# By the names in the JSON; the rest plans, interprets, loads classes, and is Python.
_JAVA = {
    "java_tasks_s": "tasks",
    "java_compiling_s": "compiling",
    "java_tidying_up_s": "tidying up",
}
_TOGETHER = "together"


def profile_texts(rows: Rows) -> list[str]:
    """Return a table for each kind of parts that rows of a `summary` have."""
    return [
        parts_text(title, rows, parts_of)
        for title, parts_of in PROFILES.items()
        if any(parts_of(row) for row in rows)
    ]


def parts_text(title: str, rows: Rows, parts_of: Callable[[dict[str, Any]], dict[str, Any]]) -> str:
    """Return a line for everybody who has parts, below what they did, with a column for each."""
    with_parts = [row for row in rows if parts_of(row)]
    names = [*dict.fromkeys(part for row in with_parts for part in parts_of(row)), _TOGETHER]
    wide = max(len(title), *(len(row["who"]) + 2 for row in with_parts))
    lines = [f"{title:<{wide}}" + "".join(f"  {name:>6}" for name in names)]
    what = None
    for row in with_parts:
        if row["what"] != what:
            what = row["what"]
            lines.append(what)
        parts = parts_of(row)
        parts = parts | {_TOGETHER: sum(parts.values())}
        shown = {name: f"{parts[name]:.2f}" if name in parts else "" for name in names}
        columns = "".join(f"  {text:>{max(6, len(name))}}" for name, text in shown.items())
        lines.append(f"{'  ' + row['who']:<{wide}}{columns}".rstrip())
    return "\n".join(lines)


def _of_java(row: dict[str, Any]) -> dict[str, float]:
    parts = {part: row[name] for name, part in _JAVA.items() if name in row}
    return parts and parts | {"rest": row["cpu_s"] - sum(parts.values())}


PROFILES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "phases, wall s": lambda row: row.get("phases_s", {}),
    "Spark's counts, cpu s": _of_java,
    "a page's parts, in cpu of orjson.loads": lambda row: row.get("parts_to_orjson", {}),
}
