"""Commands that compare stored data with an older output or with JPL's list."""

from neo_utils.errors import WrongParameter
from neo_utils.interface import selection_of
from neo_utils.settings.folders import output_folder
from neo_utils.settings.run_settings import RunSettings
from neo_utils.store.folders import exists
from neo_utils.store.verification import check_files
from neo_utils.text import shown


def drift_between(settings: RunSettings, against: str) -> str:
    """Return what changed from the output ``against`` to the one of the settings."""
    older = output_folder(against, "AGAINST") if against else None
    if not older or not exists(older):
        raise WrongParameter(
            f"AGAINST={shown(against)} is not another output. Use `make drift AGAINST=older-output`"
        )
    from neo_utils.compare.drift import drift_text  # slow to import

    before, after = selection_of(settings, older), selection_of(settings)
    for selection in (before, after):
        check_files(selection.output, selection.provenances)
    return drift_text(before, after, settings.threshold_au)


def reconciled_with_cad(settings: RunSettings, named: str) -> str:
    """Return how the stored Earth approaches of some NEOs compare with JPL's CAD.

    Parameters
    ----------
    named
        The NEOs, by id, number or designation.

    Raises
    ------
    WrongParameter
        If NEOS is empty, or the stored data is the sample.
    StoredDataMissing, StoredDataBroken
        If the range or one of the NEOs is not stored, or a file is corrupted.
    ServiceFailure
        If CAD does not answer, or its answer is not valid.
    """
    if not named.strip():
        raise WrongParameter(
            "NEOS is not set: name NEOs by id, number or designation, as in "
            'make reconcile NEOS="433 99942"'
        )
    from neo_utils.compare.reconcile import reconciled_text  # slow to import

    selection = selection_of(settings)
    if selection.is_sample:
        raise WrongParameter(
            f"{selection.output} contains the simulated sample, which JPL does not list. Use "
            "SOURCE=nasa, or the OUTPUT_DIR with NASA's data"
        )
    check_files(selection.output, selection.provenances)
    return reconciled_text(selection, named)
