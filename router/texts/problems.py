"""What is wrong with a field of a request, for those who sit in front of a case system.

Its developers read of values, bounds and paths, in English. Who handles a case reads here what to
look at, in terms of the case; what a field may hold follows from the contract.
"""

from __future__ import annotations

from router.cases.features import CASE_REF, FEATURES, OFFICE_REF
from router.decision.schema import Feature
from router.texts import Texts

_CASE = ("case", "cases")


def problem_for_people(texts: Texts, path: str) -> str:
    """Tells what to look at.

    Args:
        texts: of the language.
        path: of the field from the request's root, e.g. "cases[7].weeks_registered".
    """
    name = path.rpartition(".")[2].partition("[")[0]
    if name in FEATURES.names:
        return _of_feature(texts, FEATURES[name])
    if name in (CASE_REF, OFFICE_REF):
        return texts.problem(name)
    return texts.problem("case" if name in _CASE else "other")


def _of_feature(texts: Texts, feature: Feature) -> str:
    label = texts.feature(feature.name)
    if feature.values:
        values = [texts.value(feature, slot) for slot in range(1, feature.slots)]
        # A value with a comma inside would read as two.
        between = "; " if any("," in value for value in values) else ", "
        return texts.problem("choice", field=label, values=between.join(values))
    # Enough for both: what is above the highest is no problem where that means "or more".
    upper = texts.value(feature, feature.slots - 1)
    return texts.problem("number", field=label, lower=str(feature.lower), upper=upper)
