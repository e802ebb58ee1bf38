"""Findings as what the learner knows beforehand: its columns' numbers, not slots."""

from __future__ import annotations

import numpy as np

from router.decision.catalogue import Catalogue
from training.evidence.evidence import Evidence
from training.evidence.evidence_tables import evidence_tables
from training.learning.encoding import Encoding
from training.learning.prior import Prior


def evidence_prior(evidence: Evidence, encoding: Encoding, catalogue: Catalogue) -> Prior:
    """Writes findings by the numbers that learners see.

    Values of one number, such as those equally bad, are one to them, and count as their mean.

    Args:
        evidence: the findings.
        encoding: what learners see of a row.
        catalogue: the mixes.
    """
    tables = evidence_tables(evidence, encoding.features, catalogue, lifted=False)
    numbers, found = [], []
    for start, numbered in zip(tables.offsets.tolist(), encoding.maps, strict=True):
        slots = tables.values[start : start + len(numbered)]
        known = np.unique(numbered[~np.isnan(numbered)])
        each = [slots[numbered == one].mean(axis=0) for one in known]
        numbers.append(known)
        # Unknown first: what stands in no order is unknown to learners too.
        found.append(np.stack([slots[0], *each]))
    return Prior(numbers=tuple(numbers), tables=tuple(found), intercept=tables.intercept)
