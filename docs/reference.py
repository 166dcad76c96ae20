"""Generate docs/reference.md from the code: ``python -m docs.reference`` prints it.

`make docs` writes the file, and a test compares the two.
"""

import re
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path

import pyarrow as pa
from papermill import inspect_notebook

import neo_utils as neo
from neo_utils import errors
from neo_utils.positions import TABLES, Batch, PositionRange
from neo_utils.run.commands import COMMANDS
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.run_settings import (
    PARAMETERS,
    RunSettings,
    meaning_of,
    names_of,
)
from neo_utils.statistics.definitions import sql_text, totals_defined
from neo_utils.store.history import history_path
from neo_utils.store.result_files import ResultFiles
from neo_utils.store.schemas import (
    CLOSE_APPROACHES,
    HISTORY,
    METRICS,
    ORBITS,
    RAW,
    SEGMENTS,
    YEARLY_STATISTICS,
)
from neo_utils.store.segments import SEGMENT_SCHEMAS, Segment

_OUTPUT = Path("output")
_RANGE = PositionRange(1, 200)
_FILES = {
    "raw": "one row per NEO, 20 per batch; written last: the batch is stored once it exists",
    "close_approaches": "one row per close approach of these NEOs",
    "orbits": "one row per NEO: its orbit",
    "pages": "the page as received, keys removed, preceded by its provenance",
    "rejected": "only if objects failed validation: position, field, reason, object",
}
_SEGMENTS = {
    "neos": "for engines: `raw` and `orbits` of 100 batches, position, fetch time; can be deleted",
    "close_approaches": "for engines: `close_approaches` of 100 batches, likewise",
}


_PAGE = """\
# Reference

Generated from the code by `make docs`. [explanation.md](explanation.md) defines the terms.

## Commands

{commands}
## Python interface

`import neo_utils as neo` offers these names. `help(neo.select)` shows the arguments, errors and
examples of `select`.

{interface}
## Parameters

Set these in a file of `parameters/`. You can also set those with a name in the second column on the
command line of `make`, in the environment or in `.env`. The command line overrides the environment,
which overrides `.env`, which overrides the file.

{parameters}
A parameters file cannot contain the following names. It cannot contain
`CLUSTER_SECRET_FILE` either. Set the path of a cluster's secret file in the environment or
in `.env` ([cluster.md](cluster.md)).

{names}
`explore.ipynb` has its own parameters:

{question}
## Files

{files}
The metadata of a batch's Parquet files record source, address without the key, fetch time, the
page's SHA-256, catalogue size and package version. Those of a result record its inputs. The
metadata of each column record unit, definition and UCD. A VOTable contains the same information,
following the IVOA's VOParquet convention.

{columns}
### Views of `neo sql`

These are not files, but views for SQL queries: `neos`, `orbits`, `passages`, `yearly` (the text of
`yearly_statistics`) and `history`, whose columns are above.

{views}
### Tables of the segments in Trino

These statements create the two tables that the definitions below start from, in a catalogue `hive`
with a schema `neo`. [how-to.md](how-to.md) has those of Spark and DuckDB.

{trino}
## Metrics

All metrics are integers. The threshold here is 0.2 AU:

{metrics}
These SQL texts, which Spark or DuckDB runs, are the definitions; 0.2 is `threshold_au`.

{definitions}
## Exit statuses

These are the exit statuses of `python -m neo_utils`. `make` shows them and itself exits with 2
after any failure.

{statuses}"""
_TABLES = {
    "raw": RAW,
    "close_approaches": CLOSE_APPROACHES,
    "orbits": ORBITS,
    "aggregations": METRICS,
    "segments": SEGMENTS,
    "yearly_statistics": YEARLY_STATISTICS,
    "history": HISTORY,
}
_YEARLY = ";\n\nCREATE OR REPLACE TEMPORARY VIEW yearly"
# Types of Trino, by Arrow's.
_TRINO = {
    "string": "varchar",
    "double": "double",
    "bool": "boolean",
    "int64": "bigint",
    "date32[day]": "date",
    "timestamp[ms]": "timestamp(3)",
    "timestamp[us]": "timestamp(6)",
}


def reference() -> str:
    """Return the page."""
    return _PAGE.format(
        commands=_table(("command", ""), _commands()),
        interface=_table(("name", "result"), _interface()),
        parameters=_table(("parameter", "also as", "default", "meaning"), _parameters()),
        names=_table(("name", "meaning"), _names()),
        question=_table(("parameter", "type", "default", "meaning"), _explore_parameters()),
        metrics=_table(("metric", "counts"), _metrics()),
        files=_table(("file", "content"), _files()),
        columns="\n".join(_columns(name, schema) for name, schema in _TABLES.items()),
        views=_sql_block(sql_text("views").partition(_YEARLY)[0]),
        trino="\n".join(map(_trino_table, SEGMENT_SCHEMAS)),
        definitions="\n".join(map(_sql, ("counted", "metrics", "yearly_statistics"))),
        statuses=_table(("status", "failure", ""), _statuses()),
    )


def _commands() -> list[tuple[str, str]]:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z-]+):.*?## (.+)$", makefile, re.MULTILINE)
    further = [name for name in COMMANDS if name not in dict(found)]
    return [
        *((f"`make {name}`", text) for name, text in found),
        *((f"`neo {name}`", _sentence(COMMANDS[name].meaning)) for name in further),
    ]


def _sentence(meaning: str) -> str:
    return f"{meaning[0].upper()}{meaning[1:]}"


def _interface() -> list[tuple[str, str]]:
    names = [name for name in neo.__all__ if not name.startswith("_")]
    of_figures = [f"figures.{name}" for name in neo.figures.__all__]
    return [
        (f"`neo.{name}`", _first_line(attrgetter(name)(neo))) for name in sorted(names + of_figures)
    ]


def _parameters() -> list[tuple[str, str, str, str]]:
    defaults = RunSettings().notebook_parameters()
    return [
        (
            f"`{name}`",
            " or ".join(f"`{one}`" for one in names_of(name) if one != "SPARK_CONF"),
            f"`{defaults[name]}`",
            meaning_of(name),
        )
        for name in PARAMETERS
    ]


def _names() -> list[tuple[str, str]]:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    found = re.findall(r"^NAMES \+= (.+?) +# (.+)$", makefile, re.MULTILINE)
    return [(", ".join(f"`{name}`" for name in names.split()), text) for names, text in found]


def _explore_parameters() -> list[tuple[str, str, str, str]]:
    parameters = inspect_notebook(str(PROJECT / "notebooks/explore.ipynb"))
    return [
        (f"`{name}`", one["inferred_type_name"], f"`{one['default']}`", one["help"])
        for name, one in parameters.items()
    ]


def _files() -> list[tuple[str, str]]:
    batch = [(f"`{Batch(1).file(_OUTPUT, name)}`", _FILES[name]) for name in reversed(TABLES)]
    results = ResultFiles(_OUTPUT, _RANGE, RunSettings().threshold_au)
    folder = results.run_folder
    return [
        *batch,
        *((f"`{Segment(1).file(_OUTPUT, name)}`", _SEGMENTS[name]) for name in SEGMENT_SCHEMAS),
        (f"`{history_path(_OUTPUT, Segment(1))}`", "what later fetches of these NEOs changed"),
        (f"`{results.table('metrics')}`", "the metrics"),
        (f"`{results.table('yearly_statistics')}`", "one row per year and body"),
        (f"`{folder}/*.ipynb`", "the executed notebooks"),
        (f"`{results.report}`", "the report"),
        (f"`{folder}/*.log`", "the logs of Spark and of the kernels"),
        (f"`{folder}-under-0.05-au/`", "the same for another threshold, like its tables"),
    ]


def _columns(name: str, schema: pa.Schema) -> str:
    rows = []
    for field in schema:
        metadata = {key.decode(): value.decode() for key, value in field.metadata.items()}
        kind = f"{field.type}{'' if field.nullable else ', never null'}"
        ucd = f"`{metadata['ucd']}`" if metadata.get("ucd") else ""
        unit = metadata.get("unit", "")
        rows.append((f"`{field.name}`", kind, unit, ucd, metadata["definition"]))
    return f"### `{name}`\n\n" + _table(("column", "type", "unit", "UCD", "definition"), rows)


def _trino_table(name: str) -> str:
    columns = ",\n".join(f"    {one.name} {_TRINO[str(one.type)]}" for one in SEGMENT_SCHEMAS[name])
    place = f"external_location = 's3a://bucket/output/segments/{name}'"
    return (
        f"```sql\nCREATE TABLE hive.neo.stored_{name} (\n{columns}\n)\n"
        f"WITH (format = 'PARQUET', {place});\n```\n"
    )


def _metrics() -> list[tuple[str, str]]:
    totals = [(f"`{name}`", text) for name, text in totals_defined(0.2).items()]
    in_years = "`close_approaches_in_1900` and so on"
    return [*totals, (in_years, "listed approaches to any body in that calendar year, if any")]


def _sql(name: str) -> str:
    return _sql_block(sql_text(name))


def _sql_block(text: str) -> str:
    return f"```sql\n{text.strip()}\n```\n"


def _statuses() -> list[tuple[str, str, str]]:
    found: list[type[errors.RunFailure]] = [errors.RunFailure]
    for cls in found:
        found += cls.__subclasses__()
    failures = [cls for cls in found[1:] if cls.__module__ == errors.__name__]
    rows = [(str(cls.exit_status), cls.__name__, _first_line(cls)) for cls in failures]
    ended = [
        (str(errors.INTERRUPTED), "", "ended by Ctrl-C"),
        (str(errors.READER_ENDED), "", "the reader of the output ended first, such as `head`"),
    ]
    return [("0", "", "done"), *sorted(rows), *ended, ("1", "", "anything else")]


def _first_line(documented: object) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
