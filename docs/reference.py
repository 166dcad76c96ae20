"""Write docs/reference.md from the code itself: ``python -m docs.reference`` prints it.

`make docs` puts it in its place, and a test compares the two.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
from papermill import inspect_notebook

from neo_utils import errors
from neo_utils.positions import TABLES, Batch, PositionRange
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import NAMES_IN_ENVIRONMENT, PARAMETERS, RunSettings
from neo_utils.statistics.definitions import sql_text, totals_defined
from neo_utils.statistics.result_files import report_path, result_path, run_folder
from neo_utils.store.schemas import CLOSE_APPROACHES, METRICS, RAW, YEARLY_STATISTICS

_OUTPUT = Path("output")
_RANGE = PositionRange(1, 200)
_FILES = {
    "raw": "one row per NEO, 20 to a batch; written last: the batch is stored when it is there",
    "close_approaches": "one row per close approach of these NEOs",
    "pages": "the page as received, keys removed, after a note on where it comes from",
    "rejected": "only where objects broke the service's contract: position, field, reason, object",
}


_PAGE = """\
# Reference

Made from the code by `make docs`. What the words mean is told in [explanation.md](explanation.md).

## Commands

{commands}
## Parameters

In a file of `parameters/`. Those with a name in the second column can also be given on the command
line of `make`, in the environment or in `.env`, in this order, which go before the file.

{parameters}
These stand in no file of parameters; nor does `CLUSTER_SECRET_FILE`, which names the file with a
cluster's secret in the environment or in `.env` ([cluster.md](cluster.md)).

{names}
`explore.ipynb` has parameters of its own:

{question}
## Files

{files}
The metadata of the Parquet files tell source, address without the key, fetch time, the page's
SHA-256, catalogue size and package version, or what a result follows from; each column's tell unit,
definition and UCD. A VOTable tells the same by the IVOA's VOParquet convention.

{columns}
### `neos` and `passages`, in `explore.ipynb`

Not files, but what SQL can ask for there:

{explored}
## Metrics

Integers, here at the threshold of 0.2 AU:

{metrics}
The definitions are these texts, which Spark or DuckDB runs; 0.2 is `threshold_au`.

{definitions}
## Exit statuses

Of `python -m neo_utils`; `make` shows them and ends with 2 whatever failed.

{statuses}"""
_TABLES = {
    "raw": RAW,
    "close_approaches": CLOSE_APPROACHES,
    "aggregations": METRICS,
    "yearly_statistics": YEARLY_STATISTICS,
}


def reference() -> str:
    """Return the page."""
    return _PAGE.format(
        commands=_table(("command", ""), _commands()),
        parameters=_table(("parameter", "also as", "default", "meaning"), _parameters()),
        names=_table(("name", "meaning"), _names()),
        question=_table(("parameter", "type", "default", "meaning"), _question()),
        metrics=_table(("metric", "counts"), _metrics()),
        files=_table(("file", "holds"), _files()),
        columns="\n".join(_columns(name, schema) for name, schema in _TABLES.items()),
        explored=_sql("passages"),
        definitions="\n".join(map(_sql, ("counted", "metrics", "yearly_statistics"))),
        statuses=_table(("status", "failure", ""), _statuses()),
    )


def _commands() -> list[tuple[str, str]]:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z-]+):.*?## (.+)$", makefile, re.MULTILINE)
    return [(f"`make {name}`", text) for name, text in found]


def _parameters() -> list[tuple[str, str, str, str]]:
    defaults = RunSettings().notebook_parameters()
    return [
        (
            f"`{name}`",
            f"`{name.upper()}`" if name.upper() in NAMES_IN_ENVIRONMENT else "",
            f"`{defaults[name]}`",
            meaning,
        )
        for name, (_, meaning) in PARAMETERS.items()
    ]


def _names() -> list[tuple[str, str]]:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^NAMES \+= (.+?) +# (.+)$", makefile, re.MULTILINE)
    return [(", ".join(f"`{name}`" for name in names.split()), text) for names, text in found]


def _question() -> list[tuple[str, str, str, str]]:
    told = inspect_notebook(str(PROJECT / "notebooks/explore.ipynb"))
    return [
        (f"`{name}`", one["inferred_type_name"], f"`{one['default']}`", one["help"])
        for name, one in told.items()
    ]


def _files() -> list[tuple[str, str]]:
    batch = [(f"`{Batch(1).file(_OUTPUT, name)}`", _FILES[name]) for name in reversed(TABLES)]
    folder = run_folder(_OUTPUT, _RANGE)
    return [
        *batch,
        (f"`{result_path('metrics', _OUTPUT, _RANGE)}`", "the metrics"),
        (f"`{result_path('yearly_statistics', _OUTPUT, _RANGE)}`", "one row per year and body"),
        (f"`{folder}/*.ipynb`", "the executed notebooks"),
        (f"`{report_path(folder)}`", "the report"),
        (f"`{folder}/*.log`, `{folder}/packed`", "Spark's log, and the tables it read"),
    ]


def _columns(name: str, schema: pa.Schema) -> str:
    rows = []
    for field in schema:
        told = {key.decode(): value.decode() for key, value in field.metadata.items()}
        kind = f"{field.type}{'' if field.nullable else ', never null'}"
        ucd = f"`{told['ucd']}`" if told.get("ucd") else ""
        rows.append((f"`{field.name}`", kind, told.get("unit", ""), ucd, told["definition"]))
    return f"### `{name}`\n\n" + _table(("column", "type", "unit", "UCD", "definition"), rows)


def _metrics() -> list[tuple[str, str]]:
    totals = [(f"`{name}`", text) for name, text in totals_defined(0.2).items()]
    in_years = "`close_approaches_in_1900` and so on"
    return [*totals, (in_years, "listed approaches to any body in that calendar year, if any")]


def _sql(name: str) -> str:
    return f"```sql\n{sql_text(name).strip()}\n```\n"


def _statuses() -> list[tuple[str, str, str]]:
    found: list[type[errors.RunFailure]] = [errors.RunFailure]
    for cls in found:
        found += cls.__subclasses__()
    ours = [cls for cls in found[1:] if cls.__module__ == errors.__name__]
    rows = [(str(cls.exit_status), cls.__name__, _first_line(cls)) for cls in ours]
    interrupted = (str(errors.INTERRUPTED), "", "ended by Ctrl-C")
    return [("0", "", "done"), *sorted(rows), interrupted, ("1", "", "anything else")]


def _first_line(documented: object) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
