"""The secret shared by the daemons and drivers of one cluster."""

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import output_folder
from neo_utils.settings.variables import setting

_BYTES = 32  # the most that the keys Spark derives from it can use


def named_secret(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the path in CLUSTER_SECRET_FILE, from the environment or ``.env``."""
    named = setting("CLUSTER_SECRET_FILE", environment)
    return output_folder(named, "CLUSTER_SECRET_FILE") if named else None


def make_secret(path: Path) -> None:
    """Create a random secret, readable only by this user, unless the file exists.

    Missing folders are created. If several processes do this at once, one of them writes the file.

    Raises
    ------
    WrongParameter
        If the file cannot be created.
    """
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A temporary file has mode 0600. Linking it is atomic and never overwrites.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as new:
            new.write(secrets.token_hex(_BYTES))
            new.flush()
            os.fsync(new.fileno())
            with suppress(FileExistsError):
                os.link(new.name, path)
    except OSError as error:
        raise WrongParameter(
            f"cannot create the cluster secret {path} ({error.strerror}). Use a path in a folder"
            " that you can write to"
        ) from None


def read_secret(path: Path) -> str:
    """Return the secret.

    Raises
    ------
    WrongParameter
        If the file is unreadable, readable by other users, or does not contain a secret.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not plain text"
        raise WrongParameter(
            f"cannot read the cluster secret {path} ({reason}). Copy it from a machine of the"
            " cluster, with mode 600"
        ) from None
    if mode & 0o077:
        raise WrongParameter(
            f"other users can read the cluster secret {path}. Run `chmod 600` on it, and create a"
            " new secret if you do not trust them"
        )
    if not re.fullmatch(r"[!-~]+", text):
        raise WrongParameter(
            f"the cluster secret {path} is empty or contains spaces. Copy it again"
        )
    return text
