"""The secret that the daemons and the drivers of one cluster share."""

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path

from neo_utils.errors import WrongParameter
from neo_utils.settings.folders import output_folder
from neo_utils.settings.variables import setting

_BYTES = 32  # as many as the keys that Spark derives from it can use


def named_secret(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that CLUSTER_SECRET_FILE names, in the environment or in ``.env``."""
    named = setting("CLUSTER_SECRET_FILE", environment)
    return output_folder(named, "CLUSTER_SECRET_FILE") if named else None


def make_secret(path: Path) -> None:
    """Write a random secret that only we can read, where there is none yet; its folder is made.

    Of several that do so at once, one writes it and the others leave it as it is.

    Raises
    ------
    WrongParameter
        If no file can be made there.
    """
    if path.exists():
        return
    try:
        _write_new(path)
    except OSError as error:
        raise WrongParameter(
            f"the cluster's secret {path} cannot be made ({error.strerror}): name a file in a"
            " folder of yours"
        ) from None


def _write_new(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made aside, with mode 0600, and then linked: a link never replaces, and never shows a half.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret-") as new:
        new.write(secrets.token_hex(_BYTES))
        new.flush()
        os.fsync(new.fileno())
        try:
            os.link(new.name, path)
        except FileExistsError:
            return


def read_secret(path: Path) -> str:
    """Return the secret.

    Raises
    ------
    WrongParameter
        If the file cannot be read, can be read by others, or holds no secret.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no plain text"
        raise WrongParameter(
            f"the cluster's secret {path} cannot be read ({reason}): copy it from a machine of the"
            " cluster, with mode 600"
        ) from None
    if mode & 0o077:
        raise WrongParameter(
            f"the cluster's secret {path} can be read by other users: chmod 600 it, and make a new"
            " one if they are not to be trusted"
        )
    if not re.fullmatch(r"[!-~]+", text):
        raise WrongParameter(f"the cluster's secret {path} is empty or holds blanks: copy it anew")
    return text
