"""The commands behind ``make``: ``python -m neo_utils COMMAND [PARAMETERS_FILE]``."""

import sys
from pathlib import Path

from neo_utils.errors import RunFailure
from neo_utils.settings import run_parameters

_NOTEBOOKS = {
    "run": ["fetch", "aggregate"],
    "fetch": ["fetch"],
    "backfill": ["fetch"],
    "aggregate": ["aggregate"],
}
_INTERRUPTED = 130  # what shells give a command that Ctrl-C ended


def main(command: str, parameters_file: str = "parameters/default.yaml") -> int:
    """Run one command and return its exit status; an expected failure is one line on stderr."""
    try:
        parameters = run_parameters(Path(parameters_file))
        # Imported only now: a wrong parameter is said before the slow libraries are loaded.
        if command in _NOTEBOOKS:
            from neo_utils.runner import run

            parameters["refetch"] = parameters["refetch"] or command == "backfill"
            return run(_NOTEBOOKS[command], parameters)
        from neo_utils import status, upkeep

        texts = {
            "plan": status.plan_text,
            "status": status.status_text,
            "verify": upkeep.verify_text,
            "rebuild": upkeep.rebuild_text,
            "drift": upkeep.drift,
        }
        print(texts[command](parameters))
    except RunFailure as failure:
        print(f"{command}: {failure}", file=sys.stderr)
        return failure.exit_status
    except KeyboardInterrupt:
        print(f"\n{command}: stopped; what is stored stays", file=sys.stderr)
        return _INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
