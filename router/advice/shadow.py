"""A second opinion on cases that are answered already: another version's, or today's rule's.

It decides under the same policy and safeguards, and never answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.advice.recommender import Advice
from router.advice.todays_rule import todays_rule
from router.decision.decide import Decider
from router.decision.decision import Numbers, at_least
from router.decision.safeguards import members
from router.decision.schema import Rows
from router.journal.record import Record
from router.journal.shadow import ShadowReading, shadow_record
from router.versions.registry import ModelVersion

RULE = "rule"
"""Name of today's rule where a version's could stand; no version may be called so."""


class Shadow:
    """What a second model, or today's rule, would have advised under one policy."""

    def __init__(self, decider: Decider, model: ModelVersion | None) -> None:
        """Takes its place beside a decider.

        Args:
            decider: whose catalogue and policy it shares.
            model: that decides instead; None for today's rule.

        Raises:
            ValueError: if the model does not fit the catalogue.
            PolicyError: if the catalogue lacks a mix that today's rule gives.
        """
        catalogue = decider.catalogue
        self.name = RULE if model is None else model.info.version
        self.ids = catalogue.ids
        self.minutes = [mix.adviser_minutes for mix in catalogue.mixes]
        self._decider: Decider | None = None
        if model is not None:
            self._decider = Decider(tables=model.tables, catalogue=catalogue, policy=decider.policy)
        self._catalogue = catalogue
        # Asked once for nobody: a catalogue that does not fit is refused here, not case by case.
        self._mixes(np.zeros((1, len(decider.tables.features.features)), np.uint16), [0])
        self._context = ShadowReading(
            shadow=self.name,
            sha256="" if model is None else model.info.sha256,
            mixes=self.ids,
            minutes=tuple(self.minutes),
        ).context()

    def opinions(self, advice: Sequence[Advice]) -> list[int]:
        """Gives the number of the mix that it would have advised, for each.

        Args:
            advice: of cases that have a mix, under the decider's policy.
        """
        rows = np.array([one.row for one in advice], np.uint16)
        mixes: list[int] = self._mixes(rows, [one.decision.permitted for one in advice]).tolist()
        return mixes

    def _mixes(self, rows: Rows, permitted: Sequence[int]) -> Numbers:
        if self._decider is not None:
            return self._decider.decide(rows).mix
        masks = members(np.array(permitted, np.int64), len(self.ids)).T
        return at_least(masks, todays_rule(rows, self._catalogue))

    def records(self, advice: Sequence[Advice], opinions: Sequence[int], now: int) -> list[Record]:
        """Gives what is kept of the comparisons, a record about each decision."""
        return [
            shadow_record(self._context, self.name, one.decision_id, one.decision.mix, other, now)
            for one, other in zip(advice, opinions, strict=True)
        ]
