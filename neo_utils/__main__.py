"""``python -m neo_utils`` is the command ``neo``."""

from neo_utils.cli import run_and_exit

if __name__ == "__main__":
    run_and_exit()
