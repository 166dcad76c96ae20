"""Mutation test of the modules that decode and store pages.

    python -m tests.mutate_python [folder]

mutmut changes functions, in a copy of the project in ``folder``. This module changes what mutmut
leaves out: declarations outside functions (the bounds of the contract, constants, settings), and
properties. It prints each mutant that no test detects. docs/mutation.md lists those that may
survive, with the reasons; any other ends the run with exit status 1.
"""

import ast
import copy
import importlib.abc
import importlib.util
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
KNOWN = ROOT / "docs/mutation.md"
# The modules, each with the tests that must detect its mutants.
TESTS = {
    "neows/pages": ["pages", "fuzz"],
    "store/page_tables": ["pages", "fuzz"],
    "neows/contract": ["pages", "fuzz"],
    "store/atomic": ["atomic", "file_systems"],
    "store/batches": ["store", "verification", "votable"],
    "store/page_archive": ["verification", "store"],
    "store/verification": ["verification", "stable_read"],
    "store/rebuilding": ["verification", "upkeep"],
    "statistics/definitions": ["schemas"],
}
# Imported before the processes fork, to save the time in each of them.
HEAVY = ("duckdb", "hypothesis", "msgspec", "pandas", "pyarrow.parquet", "pyspark.sql", "pytest")


def test_files(module: str) -> list[str]:
    return [f"tests/test_{name}.py" for name in TESTS[module]]


class Mutant(NamedTuple):
    module: str
    before: str
    after: str
    source: str = ""

    @property
    def full_name(self) -> str:
        return f"neo_utils.{self.module.replace('/', '.')}"

    def __str__(self) -> str:
        return f"neo_utils/{self.module}.py\n    - {self.before}\n    + {self.after}"


def copied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("neo_utils", "parameters", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


# --- In functions: mutmut. ---


def mutmut(folder: Path) -> Iterator[tuple[Mutant, str]]:
    """Run mutmut on a copy of the project; yield each mutant with its outcome."""
    lists = {
        "source_paths": ["neo_utils"],
        "also_copy": ["parameters"],
        "only_mutate": [f"neo_utils/{module}.py" for module in TESTS],
        "pytest_add_cli_args_test_selection": sorted({f for m in TESTS for f in test_files(m)}),
    }
    lines = [f"{name}=\n    " + "\n    ".join(values) for name, values in lists.items()]
    (folder / "setup.cfg").write_text("\n".join(["[mutmut]", *lines, ""]))
    workers = str(os.cpu_count() or 1)
    command = [sys.executable, "-m", "mutmut"]
    with (folder / "mutmut.log").open("w") as log:
        subprocess.run(  # noqa: S603
            [*command, "run", "--max-children", workers], cwd=folder, stdout=log, check=True
        )
    for module in TESTS:
        outcomes = json.loads((folder / f"mutants/neo_utils/{module}.py.meta").read_text())
        for name, exit_code in outcomes["exit_code_by_key"].items():
            # In mutmut's table, 0 is a survivor and 33 has no test. Tests detected all others.
            outcome = {0: "survived", 33: "survived"}.get(exit_code, "detected")
            before = after = ""
            if outcome == "survived":
                diff = subprocess.run(  # noqa: S603
                    [*command, "show", name], cwd=folder, capture_output=True, text=True, check=True
                ).stdout.splitlines()
                before, after = (
                    "".join(line[1:].strip() for line in diff if line[:1] == sign != line[1:2])
                    for sign in "-+"
                )
            yield Mutant(module, before, after), outcome


# --- Outside functions. ---


def declarations(folder: Path, module: str) -> Iterator[Mutant]:
    """Yield the mutants of a module's declarations outside functions, and of its properties."""
    tree = ast.parse((folder / f"neo_utils/{module}.py").read_text(encoding="utf-8"))
    for statement, node, parent in declared(tree):
        for replacement in replacements(node, parent):
            # While copying, the replacement takes the place of the node.
            memo = {id(node): replacement}
            changed = copy.deepcopy(tree, memo)
            after = copy.deepcopy(statement, memo) if statement is not node else replacement
            before = ast.unparse(statement)
            yield Mutant(
                module,
                " ".join(before.split()),
                " ".join(ast.unparse(after).split()),
                ast.unparse(ast.fix_missing_locations(changed)),
            )


def declared(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.AST, ast.AST]]:
    """Yield nodes outside the functions that mutmut changes: statement, node, parent."""
    blocks: list[ast.Module | ast.ClassDef | ast.FunctionDef] = [tree]
    while blocks:
        block = blocks.pop()
        for statement in block.body:
            if isinstance(statement, ast.ClassDef):
                blocks.append(statement)
            elif isinstance(statement, ast.FunctionDef):
                blocks += [statement] if statement.decorator_list else []
            elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.Return):
                for parent in ast.walk(statement):
                    for node in ast.iter_child_nodes(parent):
                        yield statement, node, parent
                yield statement, statement, block


UNBOUND = {"_NotNegative": "float", "_Finite": "float", "_Count": "int", "_EpochMs": "int"}


def replacements(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(int()):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case ast.Constant(float()):
            yield ast.Constant(0.0)
            yield ast.Name(f"{node.value}9")  # 1e300 -> 1e3009, infinite
        case ast.Constant(str()):
            yield ast.Constant(f"XX{node.value}")
        case ast.Constant(bytes()):
            yield ast.Constant(b"XX" + node.value)
        case ast.Name(name) if name in UNBOUND and not isinstance(node.ctx, ast.Store):
            yield ast.Name(UNBOUND[name])
        case ast.Name("_Text") if not isinstance(node.ctx, ast.Store):
            yield ast.Name("str")
        case ast.Attribute(ast.Name("dt"), "date"):
            yield ast.Name("str")
        case ast.Call():
            for at in range(len(node.keywords)):
                others = node.keywords[:at] + node.keywords[at + 1 :]
                yield ast.Call(node.func, node.args, others)
        case ast.Tuple() if len(node.elts) > 1 and not isinstance(parent, ast.Subscript):
            for at in range(len(node.elts)):
                yield ast.Tuple(node.elts[:at] + node.elts[at + 1 :])
        case ast.Dict():
            for at in range(len(node.keys)):
                yield ast.Dict(
                    node.keys[:at] + node.keys[at + 1 :], node.values[:at] + node.values[at + 1 :]
                )
        case ast.BinOp(left, ast.BitOr(), ast.Constant(None)):
            yield left
        case ast.IfExp(_, body, otherwise):
            yield body
            yield otherwise
        case ast.AnnAssign(target, annotation, value) if is_struct(parent):
            if value is None:
                nullable = ast.BinOp(annotation, ast.BitOr(), ast.Constant(None))
                yield ast.AnnAssign(target, nullable, None, node.simple)
                yield ast.AnnAssign(target, nullable, ast.Constant(None), node.simple)
            else:
                yield ast.AnnAssign(target, annotation, None, node.simple)


def is_struct(parent: ast.AST) -> bool:
    return isinstance(parent, ast.ClassDef) and ast.unparse(parent).startswith(
        f"class {parent.name}(Struct)"
    )


def judged(mutant: Mutant) -> str:
    """Return the outcome of a mutant in its own process: "invalid", "detected" or "survived"."""
    # kw_only allows fields with and without default in any order.
    source = mutant.source.replace("(Struct)", "(Struct, kw_only=True)")
    sys.meta_path.insert(0, Changed(mutant.full_name, source))
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    try:
        importlib.import_module(mutant.full_name)
    except Exception:
        return "invalid"
    import pytest

    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *test_files(mutant.module)])
    return "survived" if code == 0 else "detected"


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads another source for one module."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source

    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002
        if fullname == self.name:
            return importlib.util.spec_from_loader(fullname, self, origin="changed")
        return None

    def exec_module(self, module) -> None:
        exec(compile(self.source, self.name, "exec"), module.__dict__)  # noqa: S102


def declared_otherwise(folder: Path) -> Iterator[tuple[Mutant, str]]:
    """Judge the mutants of all declarations, in the copy of the project."""
    for name in HEAVY:
        importlib.import_module(name)
    mutants = [mutant for module in TESTS for mutant in declarations(folder, module)]
    sys.path.insert(0, str(folder))
    forked = multiprocessing.get_context("fork")
    with forked.Pool(os.cpu_count(), os.chdir, [folder], maxtasksperchild=1) as pool:
        yield from zip(mutants, pool.imap(judged, mutants, chunksize=1), strict=True)


# --- Both. ---


def main() -> int:
    started = time.monotonic()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/mutants").resolve()
    known = " ".join(KNOWN.read_text(encoding="utf-8").split()).replace("\\|", "|")
    scores: dict[str, Counter[str]] = defaultdict(Counter)
    unknown = 0
    copied(folder)
    (folder / "tmp").mkdir()
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(
        folder / "tmp"
    )  # other runs of pytest remove old ones
    kinds = {"in functions": mutmut(folder), "declared": declared_otherwise(folder)}
    for kind, outcomes in kinds.items():
        for mutant, outcome in outcomes:
            scores[f"{mutant.module}.py, {kind}"][outcome] += 1
            if outcome == "survived":
                is_known = " ".join(mutant.after.split()) in known
                unknown += not is_known
                print("known:" if is_known else "NOT KNOWN:", mutant, flush=True)
    for name, outcomes in scores.items():
        valid = outcomes["detected"] + outcomes["survived"]
        print(
            f"{name}: {valid} mutants, {outcomes['detected']} detected, "
            f"{outcomes['survived']} survived, {outcomes['invalid']} invalid"
        )
    print(f"in {(time.monotonic() - started) / 60:.0f} min; {unknown} survivors are not known")
    return unknown > 0


if __name__ == "__main__":
    sys.exit(main())
