"""Can these cases be believed? What judges a log before anything is learned from it.

Each function takes cases and returns suspicions: none, if nothing was found. `fit` refuses at once
what nothing can be learned from, and the gate refuses the rest. What is asked here and cannot be
known from the file (no days, no minutes, no need group) is not found, which is no proof.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router.cases.features import CASE_REF, FEATURES, OFFICE_REF
from router.cases.problems import CasesRefused
from router.decision.catalogue import Catalogue
from router.decision.schema import Rows
from training.data.dataset import LoggedCases
from training.evaluation.estimators import estimate
from training.evaluation.figures import Period, Soundness, Suspicion
from training.evaluation.propensities import (
    apart,
    impossibly_rare,
    mean_weights,
    weights_by_fields,
)
from training.learning.confounders import confounders
from training.learning.encoding import plain_numbers
from training.learning.nuisance import propensity_matrix
from training.learning.scores import ERRORS, MOST_APART, Floats, Numbers, folds_of

HOPELESS = ("constant", "propensity")
"""Kinds of suspicion that nothing can be learned in spite of."""
FEWEST_OTHERS = 50
"""So many outcomes must differ from the commonest one."""
MOST_EXPLAINED = 0.25
"""One column that explains more of the outcomes is suspected to be written after them.

Profiling with all fields explains 10 to 25 per cent of whether people find work.
"""
PERIODS = 12
# Relative to the mean of before: a fall that trends of the labour market do not reach in a month or
# two, and that any open outcome window goes beyond.
FALL = 0.2
MOST_COPIED = 0.01
# Of how many cases propensities are checked: more would show nothing new, and take long.
_CHECKED = 10_000
_SHOWN = 5
# A column that says something of each case is no group.
_FEWEST_OF_A_VALUE = 5


def soundness(cases: LoggedCases, catalogue: Catalogue, *, seed: int) -> Soundness:
    """Asks everything of all cases, held-out ones too.

    Args:
        cases: as read.
        catalogue: of the mixes.
        seed: of the cases and folds that propensities are checked on.
    """
    # Whatever is asked of outcomes that do not vary, or of copies, has a wrong answer.
    suspicions = (*constant(cases), *copies(cases)) or (
        *leaks(cases),
        *censored(cases),
        *reversed_outcomes(cases),
        *swapped_mixes(cases, catalogue),
        *wrong_propensities(cases, catalogue, seed=seed),
    )
    return Soundness(
        suspicions=suspicions,
        periods=periods(cases, catalogue),
        clusters=_clusters(cases),
    )


def hopeless(found: Soundness) -> str:
    """Says, a line each, why nothing can be learned from the cases; "" if something can."""
    return "\n".join(in_words(one) for one in found.suspicions if one.kind in HOPELESS)


def refuse_hopeless(found: Soundness) -> None:
    """Refuses cases from which nothing can be learned.

    Raises:
        CasesRefused: with column, cases, bound and the way out.
    """
    told = hopeless(found)
    if told:
        raise CasesRefused(told)


def in_words(one: Suspicion) -> str:
    """Tells a suspicion in one line."""
    return f"column {one.column}: {one.problem}; {one.fix}"


def constant(cases: LoggedCases) -> tuple[Suspicion, ...]:
    """Finds outcomes that do not vary."""
    values, counts = np.unique(cases.outcome, return_counts=True)
    others = len(cases.outcome) - int(counts.max())
    if others >= FEWEST_OTHERS:
        return ()
    commonest = f"is {values[counts.argmax()]:g} for all but {others} of {len(cases.outcome)} cases"
    return (
        Suspicion(
            kind="constant",
            column="outcome",
            problem=f"{commonest}; at least {FEWEST_OTHERS} must differ",
            fix="give the outcome that the mixes are to reach",
        ),
    )


def explained(numbers: Numbers, outcome: Floats) -> float:
    """Gives the share of the outcomes' variance that groups explain, less what chance would.

    Args:
        numbers: (n,) group of each case, from 0.
        outcome: (n,).
    """
    _, place = np.unique(numbers, return_inverse=True)
    counts = np.bincount(place)
    free = len(outcome) - len(counts)
    total = float(outcome.var()) * len(outcome)
    if total == 0 or free < 1:
        return 0.0
    means = np.bincount(place, weights=outcome) / counts
    left = float(((outcome - means[place]) ** 2).sum())
    return 1 - left / free / (total / (len(outcome) - 1))


def leaks(cases: LoggedCases) -> tuple[Suspicion, ...]:
    """Finds columns that know more of the outcome than anybody can when the mix is chosen.

    Several columns that only together know it are found by the share that the outcome model
    explains (`outcome_explained` in the gate).
    """
    columns = {
        feature.name: cases.rows[:, number].astype(np.int64)
        for number, feature in enumerate(FEATURES.features)
    }
    columns["mix"] = cases.mix
    offices = cases.office_numbers()
    if offices is not None:
        columns[OFFICE_REF] = offices
    if cases.days is not None:
        columns["decided_on"] = cases.days.astype("datetime64[D]").astype(np.int64)

    found = []
    for name, numbers in columns.items():
        groups = len(np.unique(numbers))
        # Groups of few cases explain by chance, however much is taken off for it.
        if groups < 2 or groups * _FEWEST_OF_A_VALUE > len(numbers):
            continue
        share = explained(numbers, cases.outcome)
        if share > MOST_EXPLAINED:
            found.append(
                Suspicion(
                    kind="leak",
                    column=name,
                    problem=f"explains {share:.0%} of the outcomes alone; at most "
                    f"{MOST_EXPLAINED:.0%} is likely before the mix is chosen",
                    fix="give its value of that day, or leave the column out",
                )
            )
    return tuple(found)


def copies(cases: LoggedCases) -> tuple[Suspicion, ...]:
    """Finds cases that are there several times under other references.

    Cases alike in all that was known beforehand may be different people, whose outcomes and minutes
    then differ as often as others' do. Copies never differ.
    """
    keys: list[Floats | Numbers | Rows] = [*cases.rows.T, cases.mix]
    if cases.days is not None:
        keys.append(cases.days.astype("datetime64[D]").astype(np.int64))
    offices = cases.office_numbers()
    if offices is not None:
        keys.append(offices)

    alike = _same(keys)
    after = [cases.outcome]
    if cases.minutes is not None:
        after.append(np.nan_to_num(cases.minutes, nan=-1.0))
    results = _same(after)
    copied = _same([alike, results])

    pairs, same = _pairs(alike), _pairs(copied)
    likely = _pairs(results) / max(1.0, len(alike) * (len(alike) - 1) / 2)
    extra = len(copied) - len(np.unique(copied))
    # Likely or not, some people are alike; three times as near a copy as chance makes them are not.
    if extra <= MOST_COPIED * len(copied) or same < pairs * (1 + likely) / 2:
        return ()
    _, first, counts = np.unique(copied, return_index=True, return_counts=True)
    shown = ", ".join(cases.case_refs[first[counts > 1][:_SHOWN]].tolist())
    return (
        Suspicion(
            kind="copies",
            column=CASE_REF,
            problem=f"{extra} cases equal another in every column but this one, such as {shown}; "
            f"at most {MOST_COPIED:.0%} of {len(copied)} may",
            fix="give each case once",
        ),
    )


def censored(cases: LoggedCases) -> tuple[Suspicion, ...]:
    """Finds outcomes that fall towards the end, as those do that are not yet known.

    Compares the last twelfth of the cases, by day, with the first two thirds, need groups
    weighed alike.
    """
    if cases.days is None:
        return ()
    order = np.argsort(cases.days, kind="stable")
    parts = np.array_split(order, PERIODS)
    before, last = np.concatenate(parts[: PERIODS * 2 // 3]), parts[-1]
    if len(last) < FEWEST_OTHERS:
        return ()

    # Who registers changes with the year; the outcome that is expected of them is taken off.
    groups = cases.rows[:, FEATURES.column("need_group")].astype(np.int64)
    counts = np.bincount(groups[before])
    means = np.bincount(groups[before], weights=cases.outcome[before]) / np.maximum(counts, 1)
    usual = float(cases.outcome[before].mean())
    known = np.where(counts > 0, means, usual)
    likely = np.append(known, np.full(groups.max() + 1 - len(known), usual))[groups]

    now = estimate(cases.outcome[last] - likely[last])
    if usual <= 0 or now.value + ERRORS * now.error > 0 or -now.value < FALL * usual:
        return ()
    day = cases.days[last].min()
    return (
        Suspicion(
            kind="censored",
            column="outcome",
            problem=f"its mean falls to {cases.outcome[last].mean():.3f} from {day} on, from "
            f"{usual:.3f} before: late outcomes may not be known yet",
            fix="give --horizon DAYS, and --as-of DAY if outcomes were taken out earlier",
        ),
    )


def reversed_outcomes(cases: LoggedCases) -> tuple[Suspicion, ...]:
    """Finds outcomes that are better where the need is greater, as if 1 meant failure."""
    feature = FEATURES["need_group"]
    ranks = np.full(feature.slots, -1)
    for slot, step in feature.ranks.items():
        ranks[slot] = step
    rank = ranks[cases.rows[:, FEATURES.column("need_group")]]
    mild, worse = cases.outcome[rank == 0], cases.outcome[rank > 0]
    if min(len(mild), len(worse)) < FEWEST_OTHERS:
        return ()
    error = (mild.var() / len(mild) + worse.var() / len(worse)) ** 0.5
    if worse.mean() - mild.mean() <= ERRORS * error:
        return ()
    return (
        Suspicion(
            kind="reversed",
            column="outcome",
            problem=f"is better with a greater need: mean {worse.mean():.3f}, and "
            f"{mild.mean():.3f} of GOOD_OPPORTUNITIES",
            fix="1 must mean that the goal was reached; check that rows were joined rightly",
        ),
    )


def swapped_mixes(cases: LoggedCases, catalogue: Catalogue) -> tuple[Suspicion, ...]:
    """Finds mixes whose logged minutes stand the other way round than the catalogue's."""
    if cases.minutes is None:
        return ()
    found = []
    told = ~np.isnan(cases.minutes)
    spent = [cases.minutes[told & (cases.mix == number)] for number in range(len(catalogue.ids))]
    planned = catalogue.minutes.tolist()
    for light in range(len(planned)):
        for heavy in range(light + 1, len(planned)):
            one, other = spent[light], spent[heavy]
            if min(len(one), len(other)) < FEWEST_OTHERS:
                continue
            error = (one.var() / len(one) + other.var() / len(other)) ** 0.5
            # As far the other way as the catalogue has them apart, or half of it.
            least = max(ERRORS * error, (planned[heavy] - planned[light]) / 2)
            if one.mean() - other.mean() > least:
                found.append((one.mean() - other.mean(), light, heavy))
    if not found:
        return ()
    _, light, heavy = max(found)
    (one, other), names = (spent[light].mean(), spent[heavy].mean()), catalogue.ids
    return (
        Suspicion(
            kind="swapped",
            column="mix",
            problem=f"{names[light]} took {one:.0f} minutes in the mean and {names[heavy]} "
            f"{other:.0f}, the other way round than in the catalogue",
            fix="check which name stands for which mix, or that minutes are of the same case",
        ),
    )


def wrong_propensities(
    cases: LoggedCases, catalogue: Catalogue, *, seed: int
) -> tuple[Suspicion, ...]:
    """Finds propensities that are not those with which the mixes were drawn.

    Three questions: could so many cases show chances so small; is the mean weight of every mix at
    most 1; and is it 1 among cases like those that may get the mix (`weights_by_fields`)?
    """
    known = cases.propensity
    if known is None:
        return ()
    count = len(catalogue.ids)
    rare = impossibly_rare(known, count)
    if len(rare):
        shown = ", ".join(f"{cases.case_refs[n]} {known[n]:.3g}" for n in rare[:_SHOWN])
        return (
            _of_propensity(
                f"{len(rare)} are too small for {len(cases.mix)} cases to show, such as {shown}"
            ),
        )

    found = []
    for name, weight in zip(catalogue.ids, mean_weights(cases.mix, known, count), strict=True):
        if weight.value > 1 and apart(weight) > 0:
            found.append(_of_propensity(_off(name, weight.value, ERRORS * weight.error, "at most")))
    if found:
        return tuple(found)

    some = np.sort(np.random.default_rng(seed).permutation(len(cases.mix))[:_CHECKED])
    checked = cases.take(some)
    weights = weights_by_fields(checked.mix, known[some], _expected(checked, count, seed))
    for name, weight in zip(catalogue.ids, weights, strict=True):
        if apart(weight) > MOST_APART:
            found.append(
                _of_propensity(
                    _off(name, weight.value, MOST_APART + ERRORS * weight.error, "about")
                )
            )
    return tuple(found)


def periods(cases: LoggedCases, catalogue: Catalogue) -> tuple[Period, ...]:
    """Gives outcome and mixes by twelfths of the cases in order of days; none without days."""
    if cases.days is None or len(cases.days) < 2 * PERIODS:
        return ()
    cluster = cases.cluster_numbers()
    found = []
    for part in np.array_split(np.argsort(cases.days, kind="stable"), PERIODS):
        shares = np.bincount(cases.mix[part], minlength=len(catalogue.ids)) / len(part)
        found.append(
            Period(
                first=str(cases.days[part].min()),
                last=str(cases.days[part].max()),
                cases=len(part),
                outcome=estimate(cases.outcome[part], None if cluster is None else cluster[part]),
                mixes=dict(zip(catalogue.ids, shares.tolist(), strict=True)),
            )
        )
    return tuple(found)


def _clusters(cases: LoggedCases) -> dict[str, int]:
    known = cases.clusters or ({} if cases.offices is None else {OFFICE_REF: cases.offices})
    return {name: len(np.unique(texts)) for name, texts in known.items()}


def _same(columns: Sequence[Floats | Numbers | Rows]) -> Numbers:
    """Numbers cases alike that are equal in all columns, shape (n,), in the order of columns.

    Column by column: as records of all columns the cases would be held several times over.
    """
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, place = np.unique(column, return_inverse=True)
        number = np.unique(number * len(values) + place, return_inverse=True)[1]
    return number


def _pairs(numbers: Numbers) -> float:
    counts = np.bincount(numbers).astype(np.float64)
    return float((counts * (counts - 1)).sum() / 2)


def _expected(cases: LoggedCases, mixes: int, seed: int) -> Floats:
    nothing = np.zeros(len(cases.mix), np.int64)
    inputs = confounders(plain_numbers(cases.rows), nothing, cases.office_numbers(), cases.days)
    return propensity_matrix(inputs, cases.mix, mixes, folds_of(len(cases.mix), 2, seed), seed)


def _off(name: str, value: float, within: float, how: str) -> str:
    bound = f"must be {how} 1 within {within:.2f}"
    return f"the mean weight 1/propensity of {name} is {value:.2f}, {bound}"


def _of_propensity(problem: str) -> Suspicion:
    return Suspicion(
        kind="propensity",
        column="propensity",
        problem=problem,
        fix="give the chances that mixes were really drawn with, or leave the column out",
    )
