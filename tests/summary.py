"""Lines that tests add to the summary at the end of a run, such as the figures of docs/trust.md."""

LINES: list[str] = []
