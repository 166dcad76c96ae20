"""Values from the environment or ``.env`` that are no parameters, such as the API key."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from neo_utils.errors import WrongParameter
from neo_utils.settings.env_file import read_env_file
from neo_utils.settings.folders import PROJECT
from neo_utils.settings.service_address import DEMO_KEY

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
        raise WrongParameter("API_KEY holds blanks or characters that no key has: copy it anew")
    if key and key != DEMO_KEY and len(key) < _SHORTEST_KEY:
        raise WrongParameter(
            f"API_KEY has {len(key)} characters, and NASA's have 40: copy it anew, or leave it out"
        )
    return key or None
