"""``python -m neo_utils`` is the command ``neo``."""

import sys

from neo_utils.cli import main

if __name__ == "__main__":
    sys.exit(main())
