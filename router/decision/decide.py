"""Rows to decisions: the best permitted mix, or a person's assessment first.

    utility_k = expected_k - price / weight * minutes_k

Safeguards permit "this mix and every heavier one". So that a stricter safeguard can never lower the
human contact, not even through abstention, a decision is at least what it would be under every
milder set of safeguards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue
from router.decision.decide_few import FewDecider
from router.decision.decision import NO_MIX, Decision, Decisions, Doubt, Numbers, Status
from router.decision.policy import Policy
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.decision.schema import Role, Rows
from router.decision.tables import DecisionTables, Floats

FEW_ROWS = 3
"""Up to so many rows scalars are the faster way than arrays."""
_UNKNOWN = 0xFFFFFFFF  # the bits of `Decider.doubtful` that count what is unknown
_RECOMMENDED, _NEEDS_ASSESSMENT = int(Status.RECOMMENDED), int(Status.NEEDS_ASSESSMENT)
# NumPy's pairwise summation begins with blocks of eight.
_ADDED_IN_ORDER = 7
_CLOSE_OPTIONS = int(Doubt.CLOSE_OPTIONS)


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
            valued, offered = len(self.tables.intercept), len(self.catalogue.mixes)
            raise ValueError(f"the model values {valued} mixes, the catalogue has {offered}")

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
        """Gives the price of each mix's minutes, less where the row's outcome weighs more.

        Returns:
            Outcome points, shape (rows, mixes).
        """
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
    def _permitted(self) -> NDArray[np.bool_]:
        """Mixes on the menu that are permitted, by the lightest one; shape (mixes + 1, mixes)."""
        numbers = np.arange(len(self.menu))
        return self.menu & (numbers >= np.arange(len(self.menu) + 1)[:, None])

    @cached_property
    def _closed(self) -> tuple[Floats, Floats]:
        """What takes a mix out of a choice: -inf where it may not be taken, else 0.

        What is not on the menu, shape (mixes, 1); and what is not permitted either, by the lightest
        permitted mix, shape (mixes, mixes + 1).
        """
        off_menu = np.where(self.menu, 0.0, -np.inf)[:, None]
        return off_menu, np.where(self._permitted.T, 0.0, -np.inf)

    @cached_property
    def far(self) -> tuple[Numbers, Numbers, Numbers]:
        """Pairs of a mix and another to be told apart from it, and where those of each mix start.

        The other one is heavier and lies far away in minutes; both are on the menu. Each mix is
        also paired with itself, from which it cannot be told apart.
        """
        minutes, numbers = self.catalogue.minutes, np.arange(len(self.menu))
        lighter, heavier = np.triu_indices(len(minutes), 1)
        far = minutes[heavier] - minutes[lighter] >= self.policy.abstention.far_minutes
        far &= self.menu[lighter] & self.menu[heavier]
        lighter = np.concatenate([numbers, lighter[far]])
        heavier = np.concatenate([numbers, heavier[far]])

        # By the lighter one, since `reduceat` takes stretches;
        # the mix itself in each, since it knows no empty stretch.
        order = np.argsort(lighter, kind="stable")
        return lighter[order], heavier[order], np.searchsorted(lighter[order], numbers)

    @property
    def jackknife(self) -> float:
        """Factor of the folds' squared spread: (F - 1) / F."""
        return (self.tables.folds - 1) / self.tables.folds

    def decide(self, rows: Rows) -> Decisions:
        """Decides for each row.

        Rows come last in the arrays within, so that a thousand rows are added as one.

        Args:
            rows: slots, shape (n, features). A row whose case is shielded, or does not say, is
                never scored.

        Returns:
            The decisions; equal bits for a row alone and among others.
        """
        lightest, bits = self.safeguards.apply(rows)
        places = self.tables.places(rows)
        expected, deviation = self._estimates(places)
        weight = self.policy.weights.of(rows)
        worth = expected - self.catalogue.minutes[:, None] * (self.policy.price / weight)

        # Two sums with -inf in the place of masks: of few rows, each array call counts.
        off_menu, not_permitted = self._closed
        utility = worth + off_menu
        allowed = utility + not_permitted.take(lightest, axis=1)
        each = np.arange(len(rows))
        best = allowed.argmax(axis=0)
        # Places in the flat array: `take` and `put` by them
        # are cheaper than indexing by two arrays.
        best_place = best * len(rows) + each
        highest = allowed.take(best_place)

        lift = self._lift(worth, deviation)
        mix = self._level(utility, highest, lift)

        counted = np.add.reduce(self.doubtful.take(places[:, : len(self.tables.columns)]), axis=1)
        doubts = self._input_doubts(counted)
        # The common case: a doubt can then only come of options too close to tell apart.
        if doubts is None:
            close = mix > best
            doubts = close * _CLOSE_OPTIONS
        else:
            rest = allowed.copy()
            rest.put(best_place, -np.inf)
            second = rest.argmax(axis=0)
            # The fallback of a case in doubt is the more personal one of the two best.
            mix = np.where(doubts > 0, np.maximum(mix, np.maximum(best, second)), mix)
            # In doubt already, a mix above the best one may come of the
            # fallback: only the best one's own lift then tells of close options.
            close = (lift.take(best_place) > best) | ((mix > best) & (doubts == 0))
            doubts |= close * _CLOSE_OPTIONS

        decisions = Decisions(
            expected=expected.T,
            error=self._errors(deviation).T,
            permitted=self._permitted.take(lightest, axis=0),
            first_permitted=lightest,
            mix=mix,
            status=(doubts > 0) * (_NEEDS_ASSESSMENT - _RECOMMENDED) + _RECOMMENDED,
            doubts=doubts,
            safeguards=bits,
            margin=_margin(worth, allowed, mix * len(rows) + each),
            unknown=counted & _UNKNOWN,
            weight=weight,
        )
        # Looked at once for all rows: most batches have none that people alone handle.
        if np.minimum.reduce(highest, initial=0.0) == -np.inf:
            self._leave_to_people(decisions, highest == -np.inf)
        return decisions

    @cached_property
    def _few(self) -> FewDecider:
        lighter, heavier, _ = self.far
        return FewDecider(
            tables=self.tables,
            safeguards=self.safeguards,
            policy=self.policy,
            minutes=self.catalogue.minutes,
            menu=self.menu,
            doubtful=self.doubtful,
            far=(lighter, heavier),
            jackknife=self.jackknife,
        )

    def decide_each(self, rows: list[list[int]]) -> list[Decision]:
        """Decides for each row, whichever way is faster for so many; the bits are equal.

        Args:
            rows: slots by feature.
        """
        if len(rows) <= FEW_ROWS:
            return [self._few.decide(row) for row in rows]
        return self.decide(np.array(rows, np.uint16)).each()

    def mixes(self, rows: Rows) -> list[int]:
        """Gives the mix of each row, as `decide_each` does."""
        if len(rows) <= FEW_ROWS:
            return [self._few.decide(row).mix for row in rows.tolist()]
        mixes: list[int] = self.decide(rows).mix.tolist()
        return mixes

    def _estimates(self, places: Numbers) -> tuple[Floats, Floats]:
        """Gives expected outcomes, (K, n), and how far each fold is from them, (K, F, n)."""
        folds = np.ascontiguousarray(self.tables.values_at(places).transpose(1, 2, 0))
        expected = _sum_of_folds(folds)
        expected /= self.tables.folds
        return expected, folds - expected[:, None]

    def _errors(self, deviation: Floats) -> Floats:
        """Gives standard errors from folds' deviations, (..., F, n): delete-a-group jackknife."""
        squares = _sum_of_folds(deviation * deviation)
        squares *= self.jackknife
        # Written into its own input, which nobody needs any more.
        return np.sqrt(squares, squares)

    def _input_doubts(self, counted: NDArray[np.int64]) -> Numbers | None:
        """Finds doubts that come of the row's values, shape (n,); None if no row has any.

        Args:
            counted: unknown and rare values, counted as in `doubtful`.
        """
        unknown_at_most = self.policy.abstention.unknown_fields
        # Rare values are counted above the bits of unknown ones.
        if np.maximum.reduce(counted, initial=0) <= unknown_at_most:
            return None
        doubts: Numbers = (counted > _UNKNOWN) * int(Doubt.RARE_VALUES)
        doubts += (counted & _UNKNOWN) > unknown_at_most
        return doubts

    def _lift(self, worth: Floats, deviation: Floats) -> Numbers:
        """Gives for each mix, were it best, the heaviest far one too close to it, or itself."""
        lighter, heavier, starts = self.far
        spread = deviation.take(heavier, axis=0)
        spread -= deviation.take(lighter, axis=0)
        reach = self._errors(spread)
        reach *= self.policy.abstention.standard_errors
        gap = worth.take(lighter, axis=0)
        gap -= worth.take(heavier, axis=0)
        close = (gap <= reach) * heavier[:, None]
        lift: Numbers = np.maximum.reduceat(close, starts, axis=0)
        return lift

    def _level(self, utility: Floats, highest: Floats, lift: Numbers) -> Numbers:
        """Finds the lightest mix that stands under every milder set of safeguards, shape (n,).

        Mix b is best under the safeguards "b or heavier" as soon as nothing heavier is better; the
        mildest set of safeguards that it must answer to starts at b, or at the row's own lightest
        mix if that is lighter.
        """
        # From the heaviest down: the best of a mix and all heavier ones.
        heaviest = np.maximum.accumulate(utility[::-1], axis=0)[::-1]
        attained = utility >= np.maximum(heaviest, highest)
        level: Numbers = np.maximum.reduce(attained * lift, axis=0)
        return level

    def _leave_to_people(self, decisions: Decisions, manual: NDArray[np.bool_]) -> None:
        """Takes out what is not told of rows that people alone handle."""
        decisions.mix[manual] = NO_MIX
        decisions.status[manual] = int(Status.MANUAL_ONLY)
        decisions.doubts[manual] = 0
        decisions.margin[manual] = np.nan
        unscored = decisions.first_permitted >= len(self.menu)
        decisions.expected[unscored] = np.nan
        decisions.error[unscored] = np.nan
        decisions.unknown[unscored] = 0


def _sum_of_folds(values: Floats) -> Floats:
    """Adds the folds one after the other, (..., F, n): the same bits however many rows there are.

    NumPy does so too up to seven; more it adds in pairs, but only where there is one row.
    """
    if values.shape[1] <= _ADDED_IN_ORDER:
        total: Floats = np.add.reduce(values, axis=1)
        return total
    return reduce(np.add, values.transpose(1, 0, 2))


def _margin(worth: Floats, allowed: Floats, chosen: Numbers) -> Floats:
    """Tells what the mix is worth above the best other permitted one, shape (n,); NaN if none.

    Args:
        worth: of each mix, shape (K, n).
        allowed: the same, -inf where a mix may not be taken.
        chosen: the places of the mixes in these arrays, counted through all.
    """
    others = allowed.copy()
    others.put(chosen, -np.inf)
    margin: Floats = worth.take(chosen)
    margin -= np.maximum.reduce(others, axis=0)
    # Nothing else is permitted: it has no margin, rather than an endless one.
    margin[margin == np.inf] = np.nan
    return margin
