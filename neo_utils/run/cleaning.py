"""Remove results that the project can prove to be its own, and nothing else."""

import datetime as dt
import json
import re
import stat
from pathlib import Path
from typing import NamedTuple

from neo_utils.report.policy import DOCUMENT_START
from neo_utils.run.executed import FAILED, has_same_text
from neo_utils.statistics.results import is_intact
from neo_utils.store.folders import RUNS, names_in
from neo_utils.store.result_files import FOLDERS, results_named
from neo_utils.store.segments import FOLDER as SEGMENTS
from neo_utils.store.segments import SEGMENT_SCHEMAS, listed_states

_NOTEBOOKS = [f"{name}{suffix}.ipynb" for name in ("fetch", "aggregate") for suffix in ("", FAILED)]
_LOGS = ("spark.log", "fetch-kernel.log", "aggregate-kernel.log")
_SEGMENT = re.compile(r"positions=\d+-\d+\.parquet")
_HALF_SEGMENT = re.compile(r"\.positions=\d+-\d+\.parquet\.tmp")  # of a killed run
_LEFTOVERS = (  # of a killed run
    *(".part-0.parquet.tmp", ".report.html.tmp"),
    *(".fetch.ipynb.tmp", ".aggregate.ipynb.tmp"),
)
_EXPLORE_LOG = "explore-spark.log"
_BY_NAME = (*_LOGS, *_LEFTOVERS, _EXPLORE_LOG)
_SECONDS = 60  # at most, from the end of an execution until its notebook is written


class Results(NamedTuple):
    """Content of the result folders: the project's files, anything else, the project's folders."""

    own: list[Path]
    other: list[Path]
    folders: list[Path]  # the deepest first


def remove(results: Results) -> None:
    """Remove the project's files, and its folders that are then empty."""
    for path in results.own:
        path.unlink(missing_ok=True)
    for folder in results.folders:
        if not names_in(folder):
            folder.rmdir()


def find_results(output: Path) -> Results:
    """Find the results of every range, without following symbolic links."""
    own: list[Path] = []
    other: list[Path] = []
    folders: list[Path] = []
    pending = [output / name for name in (*FOLDERS.values(), RUNS, SEGMENTS)]
    for path in pending:
        parts = path.relative_to(output).parts
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(mode) and _is_own_folder(parts):
            folders.append(path)
            pending += [path / name for name in sorted(names_in(path))]
        else:
            (own if stat.S_ISREG(mode) and _is_own(path, parts) else other).append(path)
    # The name alone identifies a log or temporary file, so require a proven file beside it.
    proven = [path for path in own if path.name not in _BY_NAME]

    def is_alone(path: Path) -> bool:
        beside = output if path.name == _EXPLORE_LOG else path.parent
        return not any(other.is_relative_to(beside) for other in proven)

    stray = [path for path in own if path.name in _BY_NAME and is_alone(path)]
    own = [path for path in own if path not in stray]
    return Results(own, sorted([*other, *stray]), folders[::-1])


def _is_own_folder(parts: tuple[str, ...]) -> bool:
    top, *rest = parts
    if top == SEGMENTS:
        return not rest or (len(rest) == 1 and rest[0] in SEGMENT_SCHEMAS)
    return len(rest) <= 1 and all(results_named(name, Path()) for name in rest)


def _is_own(path: Path, parts: tuple[str, ...]) -> bool:
    """Check, as far as possible, that the project wrote this file and that it is unchanged."""
    name = path.name
    try:
        match parts:
            case (_, _, _) if name in _LEFTOVERS:
                return True
            case (top, _, "part-0.parquet") if top != RUNS:
                return is_intact(path)
            case (top, name) if name == _EXPLORE_LOG and top == RUNS:
                return True
            case (top, folder, _) if top == RUNS and name in _NOTEBOOKS:
                return _is_executed(path, f"{folder}/{name}")
            case (top, _, "report.html") if top == RUNS:
                return path.read_bytes().startswith(DOCUMENT_START.encode())
            case (top, _, _) if top == RUNS:
                return name in _LOGS
            case (top, _, _) if top == SEGMENTS:
                written = _SEGMENT.fullmatch(name) and listed_states(path)
                return bool(written or _HALF_SEGMENT.fullmatch(name))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        pass  # unreadable, or in another format
    return False


def _is_executed(path: Path, place: str) -> bool:
    """Check that a run wrote this notebook to this place and that it was not edited."""
    notebook = json.loads(path.read_bytes())
    noted = notebook["metadata"]["papermill"]
    source, target = (noted[name].replace("\\", "/") for name in ("input_path", "output_path"))
    name = path.stem.removesuffix(FAILED)
    if not (source.endswith(f"notebooks/{name}.ipynb") and target.endswith(f"/{place}")):
        return False
    ended = dt.datetime.fromisoformat(noted["end_time"] or noted["start_time"])
    unchanged = path.stat().st_mtime <= ended.timestamp() + _SECONDS
    return unchanged or has_same_text(name, notebook)
