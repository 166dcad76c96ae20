import pytest

from tests.mutate_sql import DEFINITIONS, EQUIVALENT, cases, differs, judge, mutants, original


@pytest.mark.parametrize("case", cases())
def test_definitions_match_the_oracle(case):
    assert not any(differs(case, name, original(name)) for name in DEFINITIONS)


def test_oracle_detects_every_mutant():
    verdicts = [judge(mutant) for mutant in mutants()]
    undetected = [str(verdict.mutant) for verdict in verdicts if verdict.detected_by is None]
    assert undetected == list(EQUIVALENT)
    # Mutants that DuckDB rejects do not test the oracle, so they must be a small part.
    assert sum(verdict.detected_by == "DuckDB" for verdict in verdicts) < len(verdicts) / 6
