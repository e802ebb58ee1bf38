"""Tables of findings alone: exact, since each finding turns on one field, with their errors."""

from __future__ import annotations

import numpy as np
from scipy.linalg import hadamard

from router.decision.catalogue import Catalogue
from router.decision.schema import Feature, FeatureSet, Role
from router.decision.tables import DecisionTables
from training.evidence.evidence import Evidence
from training.learning.scores import Floats

# Support of every known value: rarity is a doubt about what was learned of it, and of these tables
# nothing was.
SUPPORT = 1_000


def evidence_tables(
    evidence: Evidence, features: FeatureSet, catalogue: Catalogue, *, lifted: bool = True
) -> DecisionTables:
    """Writes findings as tables.

    Values are sums of findings. Where the contract puts a field's values in an order of severity, a
    worse value wants at least as much contact as a milder one: a finding that says otherwise is
    lifted, so that these tables lean towards more contact.

    Errors stand in the folds, as everywhere: each finding, each mix and the level moves the folds
    by a row of a Hadamard matrix, whose rows are orthogonal, so that the jackknife over the folds
    gives back exactly the sum of the squared errors.

    Args:
        evidence: the findings.
        features: of a case.
        catalogue: the mixes.
        lifted: whether a worse value never wants less contact; a fit sees to that by itself, of
            the people that there are.
    """
    mixes, kinds = len(catalogue.mixes), evidence.kinds(catalogue)
    signs = _signs(len(evidence.findings) + mixes + 1)
    moved = signs / np.sqrt(signs.shape[1] - 1)

    intercept = np.full((mixes, signs.shape[1]), evidence.reached)
    intercept += evidence.mix_error * moved[:mixes] + evidence.reached_error * moved[mixes]
    sizes = {one.name: one.slots for one in features.features if Role.MODEL in one.roles}
    values = {name: np.zeros((slots, *intercept.shape)) for name, slots in sizes.items()}
    for finding, kind, row in zip(evidence.findings, kinds, moved[mixes + 1 :], strict=True):
        added = kind[:, None] * (finding.expected + finding.uncertainty * row)
        if finding.field:
            values[finding.field][list(finding.slots)] += added
        else:
            intercept += added

    ordered = [_ordered(one, features[name]) if lifted else one for name, one in values.items()]
    counts = [np.where(np.arange(len(one)) > 0, SUPPORT, 0) for one in ordered]
    return DecisionTables(
        features=features,
        values=np.concatenate(ordered),
        intercept=intercept,
        counts=np.concatenate(counts).astype(np.int64),
    )


def _signs(rows: int) -> Floats:
    """Gives orthogonal rows of plus and minus ones, each of which adds up to nothing."""
    # The first row of a Hadamard matrix is all ones, and adds up to something.
    order = 1 << int(rows).bit_length()
    found: Floats = hadamard(order).astype(np.float64)[1 : rows + 1]
    return found


def _ordered(values: Floats, feature: Feature) -> Floats:
    """Lifts what a worse value would take from contact; (slots, mixes, folds), mean over folds."""
    if not feature.severity:
        return values
    mean = values.mean(axis=2)
    gains = np.diff(mean, axis=1)

    reached = np.full(gains.shape[1], -np.inf)
    mildest = gains[list(feature.severity[0])].max(axis=0)
    # Slots that stand in no order, as unknown often does, never count as "no problem".
    lifted = np.maximum(gains, mildest)
    for step in feature.severity:
        reached = np.maximum(reached, gains[list(step)].max(axis=0))
        lifted[list(step)] = reached

    heights = np.cumsum(np.column_stack([np.zeros(len(mean)), lifted]), axis=1)
    heights += (mean - heights).mean(axis=1, keepdims=True)
    found: Floats = values + (heights - mean)[:, :, None]
    return found
