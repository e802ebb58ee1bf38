"""Today's rule, the baseline to beat: the agency's published profiling of new users."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decision import Numbers
from router.decision.schema import Rows
from router.policies.toml_file import PolicyError

GOOD_OPPORTUNITIES = "SELF_SERVICE"
NEEDS_GUIDANCE = "DIALOGUE_AND_PHONE"
STATED_HINDRANCE = "BLENDED_OFFICE"
"""The mix that each profile leads to (assumed: the profiling names no mixes)."""
GIVEN = (GOOD_OPPORTUNITIES, NEEDS_GUIDANCE, STATED_HINDRANCE)
"""Every mix that it gives."""
LEAST_EDUCATION = "UPPER_SECONDARY"


def todays_rule(rows: Rows, catalogue: Catalogue) -> Numbers:
    """Gives the number of the mix by today's rule, shape (n,), safeguards not yet applied.

    A stated hindrance if health or other hindrance is anything but NO; else good opportunities if
    the age is 18 to 66, at least 6 of the last 12 months were worked, and the education is
    suitable; else a need for guidance. Unknown counts as the more personal side throughout.
    "Suitable" (assumed) is known to be recognised and at least upper secondary.

    Args:
        rows: slots, shape (n, features).
        catalogue: must have the rule's three mixes.

    Raises:
        PolicyError: naming the mix that the catalogue lacks.
    """
    numbers = {}
    for name in GIVEN:
        if name not in catalogue.ids:
            raise PolicyError(
                f"catalogue {catalogue.version}: has no mix {name}, which today's rule gives"
            )
        numbers[name] = catalogue.ids.index(name)

    # Slot 0 is unknown: it is neither NO nor any age, and below every level of education.
    hindered = ~(_is(rows, "health_hindrance", "NO") & _is(rows, "other_hindrance", "NO"))
    age, education = _slots(rows, "age_band"), _slots(rows, "education_level")

    good = (age > 0) & (age < FEATURES["age_band"].slot("OVER_66"))
    good &= _is(rows, "worked_6_of_last_12_months", "YES")
    good &= _is(rows, "education_recognised", "YES")
    good &= education >= FEATURES["education_level"].slot(LEAST_EDUCATION)

    mix = np.where(good, numbers[GOOD_OPPORTUNITIES], numbers[NEEDS_GUIDANCE])
    given: Numbers = np.where(hindered, numbers[STATED_HINDRANCE], mix).astype(np.intp)
    return given


def _slots(rows: Rows, name: str) -> NDArray[np.uint16]:
    return rows[:, FEATURES.column(name)]


def _is(rows: Rows, name: str, value: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = _slots(rows, name) == FEATURES[name].slot(value)
    return found
