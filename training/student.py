"""Additive students: one boosted sum of one-feature functions for the lightest mix's value, one for each step up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from router.decision.schema import FeatureSet, Role, Rows
from training.scores import Floats

# From no problem to the worst; None is unknown. A worse value never makes the model want less human contact.
WORSE: dict[str, tuple[tuple[str | None, ...], ...]] = {
    "digital_skill": (("STRONG",), ("OK",), (None,), ("WEAK",), ("NON_USER",)),
    "self_assessed_need": (("CAN_MANAGE",), (None, "NOT_ASKED"), ("WANTS_GUIDANCE",)),
    "channel_preference": (
        ("PREFERS_DIGITAL",),
        (None, "NO_PREFERENCE"),
        ("PREFERS_REMOTE_TALK",),
        ("PREFERS_MEETING",),
    ),
}
LONGER_IS_WORSE = "days_since_personal_contact"


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How slots become the students' inputs: ordered numbers, unknown as NaN; fields of WORSE by severity."""

    features: FeatureSet

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Columns of the model's features."""
        return self.features.columns(Role.MODEL)

    @cached_property
    def maps(self) -> list[Floats]:
        """Input value of each slot, by model feature."""
        return [self._map(self.features.features[column].name) for column in self.columns]

    def _map(self, name: str) -> Floats:
        feature = self.features[name]
        values = np.arange(feature.slots, dtype=np.float64)
        values[0] = np.nan
        if name == LONGER_IS_WORSE:
            values[0] = feature.slots
        for rank, step in enumerate(WORSE.get(name, ())):
            for value in step:
                values[feature.slot(value)] = rank
        return values

    def inputs(self, rows: Rows) -> Floats:
        """Inputs of rows, shape (n, model features)."""
        return np.column_stack([table[rows[:, c]] for table, c in zip(self.maps, self.columns, strict=True)])

    @property
    def monotone(self) -> list[int]:
        """+1 for the features whose worse values may only raise the wish for human contact, else 0."""
        names = [self.features.features[c].name for c in self.columns]
        return [int(name in WORSE or name == LONGER_IS_WORSE) for name in names]

    @property
    def nominal(self) -> list[bool]:
        """Whether each input is a category without an order."""
        found = [self.features.features[c] for c in self.columns]
        return [feature.nominal and feature.name not in WORSE for feature in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """One fold's model: v_0 = base, v_k = v_0 + the sum of steps 1..k."""

    base: HistGradientBoostingRegressor
    steps: tuple[HistGradientBoostingRegressor, ...]

    def values(self, inputs: Floats) -> Floats:
        """Value of each mix, shape (n, mixes)."""
        parts = [self.base.predict(inputs), *(step.predict(inputs) for step in self.steps)]
        return np.cumsum(np.column_stack(parts), axis=1)


def fit_student(inputs: Floats, scores: Floats, encoding: Encoding, seed: int) -> Student:
    """Fits one student to doubly robust scores.

    Args:
        inputs: shape (n, model features), from `Encoding.inputs`.
        scores: shape (n, mixes), lightest mix first.
        encoding: says which inputs are monotone and which are categories.
        seed: of the boosting.
    """
    base = _additive(encoding, 150, seed, monotone=False).fit(inputs, scores[:, 0])
    steps = tuple(
        _additive(encoding, 40, seed, monotone=True).fit(inputs, scores[:, k] - scores[:, k - 1])
        for k in range(1, scores.shape[1])
    )
    return Student(base=base, steps=steps)


def _additive(encoding: Encoding, rounds: int, seed: int, *, monotone: bool) -> HistGradientBoostingRegressor:
    # Contrasts are small and their scores noisy: few rounds, tiny trees, large leaves.
    return HistGradientBoostingRegressor(
        max_iter=rounds,
        learning_rate=0.05,
        max_leaf_nodes=4,
        min_samples_leaf=300,
        l2_regularization=10.0,
        interaction_cst="no_interactions",
        monotonic_cst=encoding.monotone if monotone else None,
        categorical_features=encoding.nominal,
        early_stopping=False,
        random_state=seed,
    )
