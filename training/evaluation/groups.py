"""By group: value, gain, minutes, mixes, calibration; small groups are suppressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from fairlearn.metrics import MetricFrame
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.schema import Rows
from training.evaluation.estimators import estimate
from training.evaluation.figures import Estimate, GroupFigures
from training.learning.scores import Floats, Numbers

FIELDS = (
    "age_band",
    "education_level",
    "need_group",
    "digital_skill",
    "health_hindrance",
    "language_support",
    "travel_minutes_band",
)
FEWEST_CASES = 50
"""Smaller groups are suppressed: they say much about few people and little about the policy."""
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is known of each held-out case, arrays of shape (n,).

    Attributes:
        candidate: doubly robust scores of the candidate's mixes.
        logged: outcomes, which are the scores of the logged policy.
        expected: what the candidate's model expects of its mixes.
        minutes: of the candidate's mixes; `logged_minutes` of the logged ones.
        mix: number of the candidate's mix.
        cluster: (n, ways) numbers of what each belongs to, or None.
    """

    candidate: Floats
    logged: Floats
    expected: Floats
    minutes: Floats
    logged_minutes: Floats
    mix: Numbers
    cluster: Numbers | None


def schema_groups(rows: Rows) -> dict[str, NDArray[np.str_]]:
    """Gives each row's group by each of `FIELDS`: a value's name or "unknown", shape (n,) each."""
    found = {}
    for name in FIELDS:
        feature = FEATURES[name]
        names = np.array([UNKNOWN, *(str(feature.value(slot)) for slot in range(1, feature.slots))])
        found[name] = names[rows[:, FEATURES.column(name)]]
    return found


def group_figures(
    source: str, groups: Mapping[str, NDArray[np.str_]], measures: Measures, mixes: tuple[str, ...]
) -> tuple[GroupFigures, ...]:
    """Gives the figures of every group of every field.

    Args:
        source: "schema" or "audit".
        groups: by field, the group of each case, shape (n,); an empty text is unknown.
        measures: of the same cases.
        mixes: ids by number.

    Raises:
        ValueError: naming the field whose length is not that of the cases.
    """
    found: list[GroupFigures] = []
    for field, texts in groups.items():
        if len(texts) != len(measures.candidate):
            raise ValueError(f"{field}: {len(texts)} values for {len(measures.candidate)} cases")
        names = np.where(texts == "", UNKNOWN, texts)
        found += _figures_of(source, field, names, measures, mixes)
    return tuple(found)


def _figures_of(
    source: str, field: str, names: NDArray[np.str_], measures: Measures, mixes: tuple[str, ...]
) -> list[GroupFigures]:
    places = np.arange(len(names))

    def figures(cases: NDArray[np.intp], _: NDArray[np.intp]) -> GroupFigures:
        return _one(source, field, str(names[cases[0]]), cases, measures, mixes)

    # Given the cases' numbers instead of outcomes, fairlearn hands each group the numbers of its
    # own.
    frame = MetricFrame(metrics=figures, y_true=places, y_pred=places, sensitive_features=names)
    return [figure for _, figure in sorted(frame.by_group.items())]


def _one(
    source: str,
    field: str,
    group: str,
    cases: NDArray[np.intp],
    measures: Measures,
    mixes: tuple[str, ...],
) -> GroupFigures:
    small = len(cases) < FEWEST_CASES
    shares = np.bincount(measures.mix[cases], minlength=len(mixes)) / len(cases)

    def over(scores: Floats) -> Estimate:
        return estimate(
            scores[cases], None if measures.cluster is None else measures.cluster[cases]
        )

    # None and not 0 where suppressed: no reader may take it for a figure.
    return GroupFigures(
        source=source,
        field=field,
        group=group,
        cases=len(cases),
        suppressed=small,
        candidate=None if small else over(measures.candidate),
        logged=None if small else over(measures.logged),
        gain=None if small else over(measures.candidate - measures.logged),
        minutes=None if small else float(measures.minutes[cases].mean()),
        logged_minutes=None if small else float(measures.logged_minutes[cases].mean()),
        hours_share=None
        if small
        else float(measures.minutes[cases].sum() / max(measures.minutes.sum(), 1e-12)),
        mixes=None if small else dict(zip(mixes, shares.tolist(), strict=True)),
        calibration=None
        if small
        else float((measures.expected - measures.candidate)[cases].mean()),
    )
