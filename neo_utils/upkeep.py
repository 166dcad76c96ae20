"""Keep stored data sound: verify them, rebuild them, compare them with another output."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neo_utils.batches import PositionRange, position_range
from neo_utils.drift import drift_text
from neo_utils.errors import StoredDataBroken, WrongParameter
from neo_utils.integrity import check_files, verify
from neo_utils.rebuild import rebuild
from neo_utils.selection import select_batches
from neo_utils.settings import output_folder, setting


def verify_text(parameters: Mapping[str, Any]) -> str:
    """Return that all is well; StoredDataBroken, naming each batch, where it is not."""
    output, positions = _output_and_positions(parameters)
    reasons = verify(output, positions)
    if reasons:
        batches = "; ".join(f"{batch.name} ({reason})" for batch, reason in reasons.items())
        raise StoredDataBroken(
            f"not as they were stored in {output}: batches {batches}. `make backfill START=... "
            "END=...` takes a batch again; where its page is sound, `make rebuild` makes its tables"
        )
    return f"every stored batch of {positions.name} in {output} is as it was stored"


def rebuild_text(parameters: Mapping[str, Any]) -> str:
    """Make the tables again from the archived pages and return how many batches that were."""
    output, positions = _output_and_positions(parameters)
    return f"made the tables of {rebuild(output, positions):,} batches again from their pages"


def drift_between(parameters: Mapping[str, Any]) -> str:
    """Return what changed from the output that AGAINST names to the one of the parameters."""
    against = setting("AGAINST")
    if not against or not output_folder(against).is_dir():
        raise WrongParameter(
            f"AGAINST={against} names no other output: use make drift AGAINST=older-output"
        )
    start, end, source = (parameters[name] for name in ("start", "end", "source"))
    outputs = (against, parameters["output_dir"])
    before, after = (select_batches(start, end, source, output) for output in outputs)
    for selection in (before, after):
        check_files(selection.output, selection.provenances)
    return drift_text(before, after)


def _output_and_positions(parameters: Mapping[str, Any]) -> tuple[Path, PositionRange]:
    positions = position_range(parameters["start"], parameters["end"])
    return output_folder(parameters["output_dir"]), positions
