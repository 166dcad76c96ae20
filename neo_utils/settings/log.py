"""The package's own log."""

import logging

from neo_utils.text import PrintableFormatter


def set_log_level(level: str) -> None:
    """Show messages of the package's own log from this level on; other logs are unchanged."""
    log = logging.getLogger("neo_utils")
    log.setLevel(level)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(PrintableFormatter("%(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
        log.propagate = False
