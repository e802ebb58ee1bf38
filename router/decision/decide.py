"""Rows to decisions: the best permitted mix, or a person's assessment first.

    utility_k = expected_k - price / weight * minutes_k

Safeguards permit "this mix and every heavier one". So that a stricter safeguard can never lower the
human contact, not even through abstention, a decision is at least what it would be under every
milder set of safeguards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue
from router.decision.decision import NO_MIX, Decisions, Doubt, Numbers, Status
from router.decision.policy import Policy
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.decision.schema import Role, Rows
from router.decision.tables import DecisionTables, Floats


@dataclass(frozen=True, kw_only=True)
class Decider:
    """Decides for rows with one model, one catalogue and one policy.

    Raises:
        ValueError: if tables and catalogue have different numbers of mixes, or a safeguard is not
            monotone.
    """

    tables: DecisionTables
    catalogue: Catalogue
    policy: Policy

    def __post_init__(self) -> None:
        if len(self.tables.intercept) != len(self.catalogue.mixes):
            raise ValueError(
                f"the model values {len(self.tables.intercept)} mixes, the catalogue has {len(self.catalogue.mixes)}"
            )

    @cached_property
    def safeguards(self) -> CompiledSafeguards:
        """The policy's safeguards, compiled for the catalogue."""
        features = self.tables.features
        rules = rulebook(features, self.policy.limits)
        return CompiledSafeguards(features=features, catalogue=self.catalogue, rules=rules)

    @cached_property
    def menu(self) -> NDArray[np.bool_]:
        """Whether the policy offers each mix, shape (mixes,)."""
        return np.array([mix in self.policy.menu for mix in self.catalogue.ids])

    def costs(self, rows: Rows) -> Floats:
        """Price of each mix's minutes, less where the row's outcome weighs more, outcome points, shape (n, K)."""
        prices = self.policy.price / self.policy.weights.of(rows)
        costs: Floats = prices[:, None] * self.catalogue.minutes
        return costs

    @cached_property
    def doubtful(self) -> NDArray[np.int64]:
        """By model slot: 1 if unknown, 2**32 if rare.

        Fields that a hard rule reads are left out: the rule answers for them, and a worse value
        must not end a doubt.
        """
        counted = np.zeros(len(self.tables.counts), np.int64)
        for column, start in zip(self.tables.columns, self.tables.offsets, strict=True):
            feature = self.tables.features.features[column]
            if Role.HARD_RULE in feature.roles:
                continue
            known = slice(start + 1, start + feature.slots)
            counted[start] = 1
            counted[known] = (
                self.tables.support[known] < self.policy.abstention.rare_cases
            ).astype(np.int64) << 32
        return counted

    @cached_property
    def far_pairs(self) -> tuple[Numbers, Numbers]:
        """Pairs of a mix and a heavier one that lie far apart in minutes."""
        minutes = self.catalogue.minutes
        lighter, heavier = np.triu_indices(len(minutes), 1)
        far = minutes[heavier] - minutes[lighter] >= self.policy.abstention.far_minutes
        return lighter[far], heavier[far]

    def decide(self, rows: Rows) -> Decisions:
        """Decides for each row.

        Args:
            rows: slots, shape (n, features). A row whose case is shielded, or does not say, is
                never scored.

        Returns:
            The decisions; equal bits for a row alone and among others.
        """
        lightest, bits = self.safeguards.apply(rows)
        folds = self.tables.fold_values(rows)
        expected = folds.mean(axis=2)
        deviation = folds - expected[:, :, None]
        worth = expected - self.costs(rows)
        utility = np.where(self.menu, worth, -np.inf)
        numbers = np.arange(len(self.menu))
        permitted = self.menu & (numbers >= lightest[:, None])
        heaviest = np.maximum.accumulate(utility[:, ::-1], axis=1)[:, ::-1]

        doubts, unknown = self._input_doubts(rows)
        lift = self._lift(worth, deviation)
        # Mix b is best under the safeguards "b or heavier" as soon as nothing heavier is better;
        # the mildest set of safeguards that it must answer to starts at b, or at the row's own
        # lightest mix if that is lighter.
        start = np.minimum(numbers, lightest[:, None]).clip(max=len(numbers) - 1)
        attained = (utility >= np.take_along_axis(heaviest, start, axis=1)) & self.menu
        level = np.where(attained, lift, NO_MIX).max(axis=1)
        allowed = np.where(permitted, utility, -np.inf)
        best = allowed.argmax(axis=1)
        rest = allowed.copy()
        each = np.arange(len(rows))
        rest[each, best] = -np.inf
        second = np.where(np.isneginf(rest.max(axis=1)), best, rest.argmax(axis=1))
        level = np.where(doubts > 0, np.maximum(level, np.maximum(best, second)), level)
        mix = np.maximum(level, best)
        doubts = doubts | np.where(mix > best, np.where(doubts > 0, 0, Doubt.CLOSE_OPTIONS), 0)
        doubts = doubts | np.where(lift[each, best] > best, Doubt.CLOSE_OPTIONS, 0)
        return self._settled(
            expected, deviation, permitted, lightest, mix, doubts, bits, worth, unknown
        )

    def _input_doubts(self, rows: Rows) -> tuple[Numbers, Numbers]:
        counted = np.add.reduce(self.doubtful[self.tables.slots(rows)], axis=1)
        unknown: Numbers = counted & 0xFFFFFFFF
        many = unknown > self.policy.abstention.unknown_fields
        doubts: Numbers = many * int(Doubt.UNKNOWN_FIELDS) + (counted >> 32 > 0) * int(
            Doubt.RARE_VALUES
        )
        return doubts, unknown

    def _lift(self, worth: Floats, deviation: Floats) -> Numbers:
        """For each mix, were it best: the heaviest mix far from it that cannot be told apart, else itself."""
        lighter, heavier = self.far_pairs
        spread = deviation[:, heavier] - deviation[:, lighter]
        z = self.policy.abstention.standard_errors
        reach = z * np.sqrt((spread * spread).sum(axis=2) * self.jackknife)
        close = worth[:, lighter] - worth[:, heavier] <= reach
        close &= self.menu[lighter] & self.menu[heavier]
        lift = np.tile(np.arange(len(self.menu)), (len(worth), 1))
        for pair, (light, heavy) in enumerate(zip(lighter.tolist(), heavier.tolist(), strict=True)):
            # Pairs come with the heavier mix rising, so the last one that is close is the heaviest.
            lift[:, light] = np.where(close[:, pair], heavy, lift[:, light])
        return lift

    @property
    def jackknife(self) -> float:
        """Factor of the folds' squared spread: (F - 1) / F."""
        return (self.tables.folds - 1) / self.tables.folds

    def _settled(
        self,
        expected: Floats,
        deviation: Floats,
        permitted: NDArray[np.bool_],
        lightest: Numbers,
        mix: Numbers,
        doubts: Numbers,
        bits: NDArray[np.uint64],
        worth: Floats,
        unknown: Numbers,
    ) -> Decisions:
        each = np.arange(len(mix))
        manual = ~permitted.any(axis=1)
        others = np.where(permitted, worth, -np.inf)
        others[each, mix] = -np.inf
        runner_up = others.max(axis=1)
        margin = np.where(np.isneginf(runner_up), np.nan, worth[each, mix] - runner_up)
        error = np.sqrt((deviation * deviation).sum(axis=2) * self.jackknife)
        status = np.where(doubts > 0, Status.NEEDS_ASSESSMENT, Status.RECOMMENDED)
        unscored = lightest >= len(self.menu)
        return Decisions(
            expected=np.where(unscored[:, None], np.nan, expected),
            error=np.where(unscored[:, None], np.nan, error),
            permitted=permitted,
            first_permitted=lightest,
            mix=np.where(manual, NO_MIX, mix),
            status=np.where(manual, Status.MANUAL_ONLY, status),
            doubts=np.where(manual, 0, doubts),
            safeguards=bits,
            margin=np.where(manual, np.nan, margin),
            unknown=np.where(unscored, 0, unknown),
        )
