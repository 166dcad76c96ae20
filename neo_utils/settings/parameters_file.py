"""Read a YAML file of parameters: plain values of bounded size, without aliases."""

import difflib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import read_small_text
from neo_utils.text import shown

_MOST_BYTES = 32_768  # the project's own have 1,500
_DEEPEST = 5  # spark_conf has a depth of 2
_NOT_ENDED = {  # PyYAML's words
    *("while parsing a flow sequence", "while parsing a flow mapping"),
    *("while scanning a simple key", "while scanning a quoted scalar"),
}


class _PlainLoader(yaml.SafeLoader):
    """Load plain values only: no aliases, no deep nesting, no repeated names."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.YAMLError("values are nested too deeply")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        repeated = next((name for name, count in names.items() if count > 1), None)
        if repeated is not None:
            raise yaml.YAMLError(f"{shown(repeated)} is set twice")
        return super().construct_mapping(node, deep)


def read_parameters_file(path: Path, known: Sequence[str]) -> dict[str, Any]:
    """Return the values of a parameters file.

    Raises
    ------
    WrongParameter
        If the file cannot be read, or sets a name that is not ``known``.
    """
    given = _values(path)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(shown(name), known, n=1) or [", ".join(known)]
            raise WrongParameter(
                f"{shown(path, 500)} sets {shown(name)}, which is not a parameter. Use {near[0]}"
            )
    return given


def _values(path: Path) -> dict[str, Any]:
    try:
        text = read_small_text(path, _MOST_BYTES)
        given = yaml.load(text, _PlainLoader)  # noqa: S506 - a SafeLoader, further restricted
    except OSError as error:
        raise _unusable(path, error.strerror) from None
    except yaml.MarkedYAMLError as error:
        # What is not ended is noticed later, often on another line.
        is_open = error.context in _NOT_ENDED
        mark = error.context_mark if is_open else error.problem_mark
        line = mark.line + 1 if mark else "unknown"
        raise _unusable(path, f"not valid YAML, line {line}: {shown(error.problem, 200)}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _unusable(path, f"not valid YAML, line {line}: an invalid character") from None
    except (LookupError, AttributeError, TypeError):  # `!!bool "abc"` and the like
        raise _unusable(path, "a value does not fit its tag") from None
    # A number of thousands of digits, a 13th month.
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise _unusable(path, shown(str(error).partition("\n")[0])) from None
    if not isinstance(given, dict):
        raise WrongParameter(
            f"the parameters file {shown(path, 500)} contains no `name: value` lines"
        )
    return given


def _unusable(path: Path, reason: str | None) -> WrongParameter:
    return WrongParameter(f"the parameters file {shown(path, 500)} cannot be read ({reason})")
