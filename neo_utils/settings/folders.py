"""The project folder, and the folders and files that users choose."""

import errno
import re
import stat
import unicodedata
from pathlib import Path
from urllib.parse import unquote, urlsplit

from neo_utils.errors import WrongParameter
from neo_utils.text import shown

_CHECKOUT = Path(__file__).resolve().parents[2]
_IS_CHECKOUT = (_CHECKOUT / "notebooks").is_dir()
# Without a checkout, the working directory takes the place of the project.
PROJECT = _CHECKOUT if _IS_CHECKOUT else Path.cwd()

_EXAMPLES = {
    "OUTPUT_DIR": "output",
    "AGAINST": "older-output",
    "CLUSTER_SECRET_FILE": ".cluster/secret",
    "EVENT_LOG_DIR": "events",
}
_SCHEME = re.compile(
    r"(?i)((?:s3[an]?|hdfs|viewfs|file|gs|abfss?|wasbs?|adl?|dbfs|https?|ftp|sftp|smb)"
    r"|[a-z][a-z0-9+.-]*(?=:[/\\\\]|:$)):(.*)"
)


def output_folder(output_dir: str | Path, name: str = "OUTPUT_DIR") -> Path:
    """Return the absolute path of a data folder.

    Parameters
    ----------
    name
        The setting that names it, for the message.

    Raises
    ------
    WrongParameter
        If it is not a local path, or its name cannot be printed.
    """
    if not isinstance(output_dir, str | Path) or not str(output_dir):
        raise WrongParameter(
            f"{name}={shown(output_dir)} is not a folder. Use a name such as {_EXAMPLES[name]}"
        )
    text = str(output_dir)
    if isinstance(output_dir, str) and (address := _SCHEME.fullmatch(text.strip())):
        local = unquote(urlsplit(text).path) if address[1].lower() == "file" else ""
        raise WrongParameter(
            f"{name}={shown(text)} is an address, but only local paths can be used. Use "
            f"{name}={shown(local) or _EXAMPLES[name]}"
        )
    try:
        folder = (PROJECT if _IS_CHECKOUT else Path.cwd()) / Path(text).expanduser()
    except RuntimeError as error:
        raise WrongParameter(f"{name}={shown(text)} cannot be used: {error}") from None
    # Notebooks, metadata and terminals need text. A surrogate represents a byte that is not UTF-8.
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in str(folder)):
        raise WrongParameter(
            f"{name}={shown(text)} cannot be used: its path, {shown(folder, 500)}, contains "
            f"control characters or is not UTF-8. Use a name such as {_EXAMPLES[name]}"
        )
    return folder


def check_output_dir(output_dir: str) -> None:
    """Raise WrongParameter if a file is in the place of a folder, or as `output_folder` does."""
    folder = output_folder(output_dir)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        usable = existing.is_dir()
    except PermissionError:  # reported when it is read or written
        return
    except OSError as error:  # such as a name that is too long
        raise WrongParameter(
            f"OUTPUT_DIR={shown(output_dir)} cannot be used: {error.strerror}"
        ) from None
    if not usable:
        raise WrongParameter(f"OUTPUT_DIR={folder} cannot be used: {existing} is not a folder")


def read_small_text(path: Path, most_bytes: int) -> str:
    """Return the text of a small file in UTF-8.

    Raises
    ------
    OSError
        If the file cannot be read, or is not regular, not small or not text.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe or a device may never end
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"more than {most_bytes:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "not UTF-8 text") from None
