import pytest

from tests.mutate_sql import DEFINITIONS, EQUIVALENT, cases, differs, judged, mutants, original


@pytest.mark.parametrize("case", cases())
def test_definitions_match_the_oracle(case):
    assert not any(differs(case, name, original(name)) for name in DEFINITIONS)


def test_oracle_detects_every_mutant():
    verdicts = [judged(mutant) for mutant in mutants()]
    not_told = [str(verdict.mutant) for verdict in verdicts if verdict.told_by is None]
    assert not_told == list(EQUIVALENT)
    # What DuckDB refuses shows nothing of the oracle: it shall stay the smaller part.
    assert sum(verdict.told_by == "DuckDB" for verdict in verdicts) < len(verdicts) / 8
