"""The package's own log."""

import logging
from typing import Literal

from neo_utils.settings.choices import check_choice
from neo_utils.text import PrintableFormatter

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


def set_log_level(level: str) -> None:
    """Show messages of the package's log from this level on; raise WrongParameter if unknown."""
    check_choice("LOG_LEVEL", level, LogLevel)
    log = logging.getLogger("neo_utils")
    log.setLevel(level)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(PrintableFormatter("%(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
        log.propagate = False
