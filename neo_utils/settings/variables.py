"""Values from the environment and ``.env``, including values that are not parameters.

``.env`` has NAME=value lines, in which ${NAME} is replaced by an earlier or environment value.
"""

import difflib
import io
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import PROJECT, read_small_text
from neo_utils.settings.service_address import DEMO_KEY
from neo_utils.text import shown

_VARIABLE = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")  # as python-dotenv has it
_MOST_BYTES = 65_536
_LONGEST = 4_096  # of a value, in characters
_SECRET = "API_KEY"  # noqa: S105 - a name
_OTHER_TOOLS = ("COMPOSE_", "DOCKER_")  # Docker Compose reads its settings from .env, too
# The key is removed from every page. Shorter words occur in pages by themselves.
_SHORTEST_KEY = 16


def setting(
    name: str, environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> str:
    """Return a setting from the environment or ``.env``, or an empty text if it is not set."""
    return environment.get(name) or read_env_file(env_file, environment).get(name) or ""


def api_key(
    environment: Mapping[str, str] = os.environ, env_file: Path = PROJECT / ".env"
) -> str | None:
    """Return the API key from the environment or ``.env``, or None if it is not set."""
    key = setting("API_KEY", environment, env_file).strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise WrongParameter("API_KEY contains spaces or invalid characters. Copy it again")
    if key and key != DEMO_KEY and len(key) < _SHORTEST_KEY:
        raise WrongParameter(
            f"API_KEY has {len(key)} characters; NASA keys have 40. Copy it again, or remove it"
        )
    return key or None


def read_env_file(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the values in ``.env``; an empty mapping if the file does not exist.

    ``${NAME}`` and ``${NAME:-default}`` are replaced by the value of the environment, or else of an
    earlier line. Any other ``$`` is refused, except in an API_KEY: of that, only a whole
    ``${NAME}`` is replaced.

    Raises
    ------
    WrongParameter
        If the file cannot be read, uses a name that is not set, or a ``$`` in another form.
    """
    values: dict[str, str] = {}
    for name, text in _lines(path):
        if name != _SECRET or _VARIABLE.fullmatch(text):
            text = _expanded(path, name, text, environment, values)
        values[name] = text
    return values


def unknown_names_warning(path: Path, known: Collection[str]) -> str | None:
    """Return a warning of the names in ``.env`` that nothing uses; None if there are none."""
    lines = _lines(path)
    used = {name for _, text in lines for name, _ in _VARIABLE.findall(text)}
    unknown = [
        name
        for name in dict.fromkeys(name for name, _ in lines)
        if name not in known and name not in used and not name.startswith(_OTHER_TOOLS)
    ]
    if not unknown:
        return None
    some = ", ".join(_with_nearest(name, known) for name in unknown[:5])
    more = f", and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
    return f"warning: {path.name} sets names that are not used: {some}{more}"


def _with_nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(shown(name.upper()), known, n=1)
    return f"{shown(name)} (did you mean {near[0]}?)" if near else shown(name)


def _lines(path: Path) -> list[tuple[str, str]]:
    try:
        text = read_small_text(path, _MOST_BYTES)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise WrongParameter(
            f"{path.name} cannot be read ({error.strerror}). Fix or remove it"
        ) from None
    found = []
    for binding in parse_stream(io.StringIO(text)):
        # The line itself is not shown: it may hold the key, also where `API_KEY=` is missing.
        if binding.error or (binding.key and binding.value is None):
            raise WrongParameter(
                f"{path.name} cannot be read: line {binding.original.line} is not NAME=value"
            )
        if binding.key:
            found.append((binding.key, binding.value or ""))
    return found


def _expanded(
    path: Path, name: str, text: str, environment: Mapping[str, str], earlier: Mapping[str, str]
) -> str:
    def value(variable: re.Match[str]) -> str:
        used, default = variable.groups()
        found = environment.get(used) or earlier.get(used) or default
        if found is None:
            raise WrongParameter(
                f"{shown(name)} in {path.name} uses ${{{shown(used)}}}, which is not set. Set "
                f"{shown(used)}, or write the value itself"
            )
        return found

    defaults = "".join(default for _, default in _VARIABLE.findall(text))
    if "$" in _VARIABLE.sub("", text) + defaults:
        raise WrongParameter(
            f"{shown(name)} in {path.name} uses $ in another form than ${{NAME}} or "
            "${NAME:-default}. Write the value itself"
        )
    expanded = _VARIABLE.sub(value, text)
    if len(expanded) > _LONGEST:
        raise WrongParameter(f"{shown(name)} in {path.name} has more than {_LONGEST:,} characters")
    return expanded
