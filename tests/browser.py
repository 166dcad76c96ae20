"""A headless Chromium, for tests and for the printed sample report."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Open Chromium, and close it at the end."""
    with sync_playwright() as playwright:
        # Root, as in CI, may not use Chromium's sandbox; the pages are our own.
        flags = ["--no-sandbox"] if os.getuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield opened
        opened.close()
