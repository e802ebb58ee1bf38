"""Rows to decisions: the best permitted mix, and whether a person must assess the case first.

    utility_k = expected_k - price / weight * minutes_k

A worse situation never means fewer minutes. Tables and weights are made so that a worse value only
adds to what heavier mixes are worth against lighter ones; safeguards only take mixes away. Where
what they take away lies between others, a decision is at least as heavy as the best of what a
milder situation would permit. Doubts change the status and never the mix: so the advice of a case
in doubt depends on nothing but its facts and the price, as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import Catalogue
from router.decision.contradictions import CompiledContradictions
from router.decision.decide_few import FewDecider
from router.decision.decision import NO_MIX, Decision, Decisions, Doubt, Numbers, Status, joined
from router.decision.lifting import Between
from router.decision.policy import Policy
from router.decision.rulebook import SafeguardLimits, rulebook
from router.decision.safeguards import CompiledSafeguards, Masks, members
from router.decision.schema import FeatureSet, Role, Rows
from router.decision.tables import ROWS_AT_ONCE, DecisionTables, Floats, sum_of_folds

FEW_ROWS = 3
"""Up to so many rows scalars are the faster way than arrays."""
_ROWS_AT_ONCE = 4096
"""So many rows are decided at once: the arrays of their mixes then stay in the cache of a core."""
_UNKNOWN = 0xFFFFFFFF  # the bits of `Decider.doubtful` that count what is unknown
_RECOMMENDED, _NEEDS_ASSESSMENT = int(Status.RECOMMENDED), int(Status.NEEDS_ASSESSMENT)


@lru_cache(maxsize=128)
def _compiled(
    features: FeatureSet, catalogue: Catalogue, limits: SafeguardLimits, menu: tuple[str, ...]
) -> CompiledSafeguards:
    """Compiles safeguards once for all offices that have the same."""
    rules = rulebook(features, limits)
    return CompiledSafeguards(features=features, catalogue=catalogue, rules=rules, menu=menu)


@lru_cache(maxsize=16)
def _contradictions(features: FeatureSet) -> CompiledContradictions:
    """Compiles contradictions once for all offices."""
    return CompiledContradictions(features=features)


class Terms(NamedTuple):
    """What minutes cost each of n cases, and how much its outcome counts.

    Attributes:
        price: (n,) of an adviser minute, outcome points.
        weight: (n,) at least 1.
    """

    price: Floats
    weight: Floats

    def costs(self, minutes: Floats) -> Floats:
        """Gives the price of each mix's minutes, outcome points, shape (n, K).

        Args:
            minutes: (K,) of the mixes.
        """
        found: Floats = (self.price / self.weight)[:, None] * minutes
        return found


class _Weighed(NamedTuple):
    """What decides n rows over K mixes.

    Attributes:
        codes: (n,) of safeguards.
        bits: (n,) of the rules that apply.
        permitted: (n,) masks.
        expected: (K, n) outcome points.
        error: (K, n) of them, if asked for.
        worth: (K, n) utility.
        allowed: (K, n) the same, -inf where a mix is not permitted.
        mix: (n,) the best permitted; any where none is.
        counted: (n,) unknown and rare values, as in `Decider.doubtful`.
        doubts: (n,) `Doubt` bits.
    """

    codes: NDArray[np.int64]
    bits: NDArray[np.uint64]
    permitted: Masks
    expected: Floats
    error: Floats
    worth: Floats
    allowed: Floats
    mix: Numbers
    counted: NDArray[np.int64]
    doubts: Numbers


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

    def __getstate__(self) -> dict[str, object]:
        """Gives what it is made of alone: what it has compiled is made anew where it is sent."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def safeguards(self) -> CompiledSafeguards:
        """The policy's safeguards, compiled for the catalogue."""
        return _compiled(self.tables.features, self.catalogue, self.policy.limits, self.policy.menu)

    @cached_property
    def contradictions(self) -> CompiledContradictions:
        """Facts that contradict each other."""
        return _contradictions(self.tables.features)

    @cached_property
    def has_job(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Columns and slots by which a user has a job to go to."""
        features = self.tables.features
        told = (("job_situation", "NEW_JOB"), ("expected_weeks_to_job", 0))
        columns = [features.column(name) for name, _ in told]
        slots = [features[name].slot(value) for name, value in told]
        return np.array(columns, np.intp), np.array(slots, np.intp)

    @cached_property
    def menu(self) -> NDArray[np.bool_]:
        """Whether the policy offers each mix, shape (mixes,)."""
        return np.array([mix in self.policy.menu for mix in self.catalogue.ids])

    def costs(self, rows: Rows) -> Floats:
        """Gives the price of each mix's minutes, less where the row's outcome weighs more.

        Returns:
            Outcome points, shape (rows, mixes).
        """
        return self.terms(rows).costs(self.catalogue.minutes)

    def terms(self, rows: Rows) -> Terms:
        """Gives what minutes cost each row by the policy."""
        return Terms(np.full(len(rows), self.policy.price), self.policy.weights.of(rows))

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

    @property
    def jackknife(self) -> float:
        """Factor of the folds' squared spread: (F - 1) / F."""
        return (self.tables.folds - 1) / self.tables.folds

    def decide(self, rows: Rows, terms: Terms | None = None) -> Decisions:
        """Decides for each row.

        Args:
            rows: slots, shape (n, features). A row whose case is shielded, or does not say, is
                never scored.
            terms: of the rows, if they are not all this policy's (`together`).

        Returns:
            The decisions; equal bits for a row alone and among others.
        """
        terms = terms or self.terms(rows)
        if len(rows) <= _ROWS_AT_ONCE:
            return self._decide(rows, terms)
        parts = [slice(at, at + _ROWS_AT_ONCE) for at in range(0, len(rows), _ROWS_AT_ONCE)]
        return joined(
            [self._decide(rows[part], Terms(*(side[part] for side in terms))) for part in parts]
        )

    def choose(self, rows: Rows, terms: Terms | None = None) -> tuple[Numbers, Numbers]:
        """Gives mix and status of each row as `decide` does, without what else a decision tells.

        Args:
            rows: slots, shape (n, features); arrays of all are made at once.
            terms: as of `decide`.

        Returns:
            Numbers of mixes, NO_MIX where people alone decide, and `Status`; shape (n,) each.
        """
        weighed = self._weighed(rows, terms or self.terms(rows), errors=False)
        status = _status(weighed.doubts)
        _leave_to_people(weighed.permitted, weighed.mix, status)
        return weighed.mix, status

    def _decide(self, rows: Rows, terms: Terms) -> Decisions:
        """Decides for some rows; they come last in the arrays within, to be added as one."""
        weighed = self._weighed(rows, terms, errors=True)
        each = np.arange(len(rows))
        decisions = Decisions(
            expected=weighed.expected.T,
            error=weighed.error.T,
            masks=weighed.permitted,
            mix=weighed.mix,
            status=_status(weighed.doubts),
            doubts=weighed.doubts,
            safeguards=weighed.bits,
            margin=_margin(weighed.worth, weighed.allowed, weighed.mix * len(rows) + each),
            unknown=weighed.counted & _UNKNOWN,
            weight=terms.weight,
        )
        # Looked at once for all rows: most batches have none that people alone handle.
        if np.minimum.reduce(weighed.permitted, initial=1) == 0:
            self._take_out_untold(decisions, weighed.codes)
        return decisions

    def _weighed(self, rows: Rows, terms: Terms, *, errors: bool) -> _Weighed:
        codes, bits = self.safeguards.apply(rows)
        permitted = self.safeguards.permitted.take(codes)
        places = self.tables.places(rows)
        expected, error = self._estimates(places, errors=errors)
        price, weight = terms
        worth = expected - self.catalogue.minutes[:, None] * (price / weight)

        # A sum with -inf in the place of a mask: of few rows, each array call counts.
        allowed = _closed(worth, permitted)
        mix = allowed.argmax(axis=0)
        between = self.between(codes, permitted)
        if between is not None:
            cases = between.cases
            mix[cases], wider = between.lifted(worth[:, cases])
            permitted[cases[wider]] = between.bearable[wider]
            allowed[:, cases] = _closed(worth[:, cases], permitted[cases])

        counted = np.add.reduce(self.doubtful.take(places[:, : len(self.tables.columns)]), axis=1)
        return _Weighed(
            codes=codes,
            bits=bits,
            permitted=permitted,
            expected=expected,
            error=error,
            worth=worth,
            allowed=allowed,
            mix=mix,
            counted=counted,
            doubts=self._doubts(rows, counted),
        )

    def between(self, codes: NDArray[np.int64], permitted: Masks) -> Between | None:
        """Finds the cases that may have to be lifted, None if there are none.

        Args:
            codes: of all cases, shape (n,).
            permitted: masks of what they may get, shape (n,).
        """
        cases = np.flatnonzero((self.safeguards.lifting.take(codes) > 0) & (permitted > 0))
        if not len(cases):
            return None
        its_codes = codes[cases]
        return Between(
            cases=cases,
            permitted=permitted[cases],
            milder=self.safeguards.situations_of(its_codes)[:, 1:],
            bearable=self.safeguards.bearable.take(its_codes),
        )

    @cached_property
    def _few(self) -> FewDecider:
        return FewDecider(
            tables=self.tables,
            safeguards=self.safeguards,
            policy=self.policy,
            minutes=self.catalogue.minutes,
            doubtful=self.doubtful,
            contradictions=self.contradictions,
            has_job=self.has_job,
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

    def _estimates(self, places: Numbers, *, errors: bool) -> tuple[Floats, Floats]:
        """Gives expected outcomes and, if asked for, standard errors, shape (K, n) each."""
        shape = (len(self.tables.intercept), len(places))
        expected, error = np.empty(shape), np.empty(shape)
        # So many at once as the tables add at once: what they gave is still in the cache.
        for first in range(0, len(places), ROWS_AT_ONCE):
            some = slice(first, first + ROWS_AT_ONCE)
            folds = np.ascontiguousarray(self.tables.values_at(places[some]).transpose(1, 2, 0))
            mean = np.divide(sum_of_folds(folds), self.tables.folds, out=expected[:, some])
            if not errors:
                continue
            folds -= mean[:, None]
            folds *= folds
            # The delete-a-group jackknife.
            squares = sum_of_folds(folds)
            squares *= self.jackknife
            np.sqrt(squares, out=error[:, some])
        return expected, error

    def _doubts(self, rows: Rows, counted: NDArray[np.int64]) -> Numbers:
        """Finds why a person must assess first, `Doubt` bits of shape (n,).

        Args:
            rows: slots.
            counted: unknown and rare values, counted as in `doubtful`.
        """
        columns, slots = self.has_job
        has_job = np.logical_or.reduce(rows.take(columns, axis=1) == slots, axis=1)
        doubts: Numbers = has_job * int(Doubt.HAS_JOB)
        doubts += self.contradictions.any(rows) * int(Doubt.CONTRADICTION)

        unknown_at_most = self.policy.abstention.unknown_fields
        # Rare values are counted above the bits of unknown ones.
        if np.maximum.reduce(counted, initial=0) > unknown_at_most:
            doubts += (counted > _UNKNOWN) * int(Doubt.RARE_VALUES)
            doubts += ((counted & _UNKNOWN) > unknown_at_most) * int(Doubt.UNKNOWN_FIELDS)
        return doubts

    def _take_out_untold(self, decisions: Decisions, codes: NDArray[np.int64]) -> None:
        """Takes out what is not told of rows that people alone handle."""
        manual = _leave_to_people(decisions.masks, decisions.mix, decisions.status)
        decisions.doubts[manual] = 0
        decisions.margin[manual] = np.nan
        # A safeguard forbids to ask the model; where the menu alone has nothing, it was asked.
        unscored = codes & self.safeguards.manual_code > 0
        decisions.expected[unscored] = np.nan
        decisions.error[unscored] = np.nan
        decisions.unknown[unscored] = 0


def _leave_to_people(permitted: Masks, mix: Numbers, status: Numbers) -> NDArray[np.bool_]:
    """Sets mix and status of cases that are permitted nothing, and tells which they are."""
    manual: NDArray[np.bool_] = permitted == 0
    mix[manual] = NO_MIX
    status[manual] = int(Status.MANUAL_ONLY)
    return manual


def _status(doubts: Numbers) -> Numbers:
    status: Numbers = (doubts > 0) * (_NEEDS_ASSESSMENT - _RECOMMENDED) + _RECOMMENDED
    return status


def _closed(worth: Floats, permitted: Masks) -> Floats:
    """Gives what each mix is worth, -inf where it is not permitted, shape (K, n)."""
    allowed: Floats = worth + np.where(members(permitted, len(worth)), 0.0, -np.inf)
    return allowed


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
