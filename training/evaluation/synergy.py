"""Synergy of channels: contrasts of four mixes over doubly robust scores, and what they tell.

    S = c'theta,   psi_i = c'Gamma_i,   S_hat: mean of psi over cases for whom each mix had a chance

c is +1 for the mix with both channels and for that with neither, -1 for those with one. Gamma are
unclipped scores. Several squares of the same two channels count alike (the average marginal
interaction effect; Egami, Imai 2019). Errors are clustered, as all of evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.special import stdtr, stdtrit
from scipy.stats import f as fisher

from router.cases.cells import Bools
from router.decision.catalogue import Catalogue
from router.decision.whole_tens import nearest_ten
from router.versions.synergies import CANNOT_TELL, COMPLEMENT, IDENTIFIED, SUBSTITUTE
from training.evaluation import figures
from training.evaluation.clusters import clustered_error
from training.evaluation.estimators import (
    RARE,
    effective_cases,
    estimate,
    overlap_verdict,
)
from training.evaluation.figures import Estimate, Synergies, SynergyOfGroup, SynergyOfPair
from training.evaluation.from_channels import terms_of
from training.evaluation.groups import FEWEST_CASES
from training.evaluation.squares import (
    SIGNS,
    Pair,
    Square,
    channel_pairs,
    doses,
    squares,
)
from training.learning.crossfit import Nuisances
from training.learning.scores import Floats, Numbers

SIZE = 0.02
"""Outcome points that the cases needed are counted for, unless told otherwise."""
WRONG_CLAIMS = 0.025
"""Draws with an answer where there is no synergy at all. Half of the five in a hundred that are
promised: with few offices, intervals fall a little short."""
POWER = 0.8
_DRAWS, _SEED = 20_000, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the contrasts are measured on.

    Attributes:
        scores: (n, K) doubly robust scores, unclipped.
        possible: (n, K) whether a case had a chance of each mix.
        chance: (n,) of the logged mix.
        mix: (n,) logged mixes.
        outcome: (n,).
        cluster: (n, ways) numbers of what each case belongs to, or None.
    """

    scores: Floats
    possible: Bools
    chance: Floats
    mix: Numbers
    outcome: Floats
    cluster: Numbers | None

    @classmethod
    def of(cls, fitted: Nuisances, mix: Numbers, outcome: Floats, cluster: Numbers | None) -> Log:
        """Takes nuisances for what had a chance.

        An estimated chance is never 0, so one below 1 per cent counts as none. It is asked of the
        estimates alone, which know fields and not the mix that was logged; a logged chance of 1
        says that no other mix had any.
        """
        possible = np.logical_and(fitted.estimated >= RARE, (fitted.chance < 1)[:, None])
        return cls(
            scores=fitted.scores,
            possible=possible,
            chance=fitted.chance,
            mix=mix,
            outcome=outcome,
            cluster=cluster,
        )

    def members(self, contrast: Floats) -> Bools:
        """Finds the cases for whom every mix of a contrast had a chance, shape (n,)."""
        found: Bools = np.asarray(self.possible[:, contrast != 0].all(axis=1))
        return found

    def overlap(self, contrast: Floats, members: Bools) -> str:
        """Says whether each mix of a contrast was logged often enough among the cases."""
        worst = min(
            effective_cases(1 / self.chance[members & (self.mix == number)])
            for number in np.flatnonzero(contrast)
        )
        return overlap_verdict(worst, int(members.sum()), 0.0)

    def clusters(self, members: Bools) -> Numbers | None:
        """Gives the numbers of what some cases belong to."""
        return None if self.cluster is None else self.cluster[members]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A contrast that was measured.

    Attributes:
        contrast: (K,).
        members: (n,) cases that it was measured on.
        outcome: estimate, 90 per cent.
        freedom: degrees of freedom of its error.
        influence: (n,) what each case of all adds to it, mean 0.
    """

    contrast: Floats
    members: Bools
    outcome: Estimate
    freedom: float
    influence: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Several contrasts together.

    Attributes:
        covariance: (m, m) of their errors.
        freedom: the fewest degrees of freedom.
        critical: how many errors an interval reaches, so that all hold together.
        none: p-value of "all are 0".
        no_substitutes: p-value of "none is below 0".
        no_complements: p-value of "none is above 0".
    """

    covariance: Floats
    freedom: float
    critical: float
    none: float
    no_substitutes: float
    no_complements: float


def contrast_of(found: Sequence[Square], mixes: Sequence[str]) -> Floats:
    """Gives the contrast of squares, which count alike, shape (K,)."""
    contrast = np.zeros(len(mixes))
    for one in found:
        for sign, mix in zip(SIGNS, one.cells, strict=True):
            contrast[mixes.index(mix.id)] += sign / len(found)
    return contrast


def measure(contrast: Floats, log: Log) -> Measured | None:
    """Measures a contrast on the cases for whom all its mixes had a chance; None under 50.

    Args:
        contrast: (K,).
        log: of n cases.
    """
    members = log.members(contrast)
    if members.sum() < FEWEST_CASES:
        return None
    scores = log.scores[members] @ contrast
    cluster = log.clusters(members)
    found = estimate(scores, cluster)
    influence = np.zeros(len(members))
    influence[members] = (scores - found.value) / members.mean()
    return Measured(
        contrast=contrast,
        members=members,
        outcome=found,
        freedom=clustered_error(scores - found.value, cluster)[1],
        influence=influence,
    )


def covariance_of(influences: Floats, cluster: Numbers | None) -> Floats:
    """Gives the clustered covariance of several means, shape (m, m).

    By var(a + b) - var(a - b) = 4 cov(a, b), so that the one clustered error serves here too.

    Args:
        influences: (n, m) deviations, each with mean 0.
        cluster: as for `clustered_error`.
    """
    count = influences.shape[1]
    found = np.empty((count, count))
    for one in range(count):
        for other in range(one + 1):
            first, second = influences[:, one], influences[:, other]
            added, taken = (
                clustered_error(parts, cluster)[0] ** 2
                for parts in (first + second, first - second)
            )
            found[one, other] = found[other, one] = (added - taken) / 4
    # Of two ways a difference of variances may leave it a little short of a covariance.
    values, vectors = np.linalg.eigh(found)
    whole: Floats = (vectors * np.maximum(values, 1e-12 * max(values.max(), 1e-300))) @ vectors.T
    return whole


def together(measured: Sequence[Measured], cluster: Numbers | None) -> Joint:
    """Tests several contrasts at once, and says how far their intervals must reach.

    The reach is the quantile of the largest of correlated |t|, so that whoever looks for the best
    of them is wrong no oftener (max-t; Hothorn, Bretz, Westfall 2008). "None is below 0" is tested
    by the distance to what it permits, S' V^-1 S, against draws at 0, where it is largest (Kodde,
    Palm 1986): pairs one by one mislead where channels are many (Carree, Lokshin, Belderbos 2011).

    Args:
        measured: at least one.
        cluster: of all n cases.
    """
    values = np.array([one.outcome.value for one in measured])
    errors = np.array([one.outcome.error for one in measured])
    freedom, count = min(one.freedom for one in measured), len(measured)
    covariance = np.array([[errors[0] ** 2]])
    if count > 1:
        # Errors as measured; of the covariance over all cases the correlations alone.
        shared = covariance_of(np.column_stack([one.influence for one in measured]), cluster)
        scale = errors / np.sqrt(np.diag(shared))
        covariance = shared * np.outer(scale, scale)
    if count == 1:
        t = float(values[0] / errors[0])
        return Joint(
            covariance=covariance,
            freedom=freedom,
            critical=float(stdtrit(freedom, 1 - WRONG_CLAIMS / 2)),
            none=float(2 * stdtr(freedom, -abs(t))),
            no_substitutes=float(stdtr(freedom, t)),
            no_complements=float(stdtr(freedom, -t)),
        )
    rng = np.random.default_rng(_SEED)
    root = np.linalg.cholesky(covariance)
    drawn = rng.standard_normal((_DRAWS, count)) @ root.T
    drawn /= np.sqrt(rng.chisquare(freedom, _DRAWS) / freedom)[:, None]
    largest = (np.abs(drawn) / errors).max(axis=1)
    # Hotelling's: with as few degrees of freedom as clusters leave, F and not chi-square.
    rest = max(freedom - count + 1, 1.0)
    distance = float(values @ np.linalg.solve(covariance, values))
    few = drawn[: _DRAWS // 10]
    return Joint(
        covariance=covariance,
        freedom=freedom,
        critical=float(np.quantile(largest, 1 - WRONG_CLAIMS)),
        none=float(fisher.sf(distance * rest / (freedom * count), count, rest)),
        no_substitutes=_one_sided(values, few, root),
        no_complements=_one_sided(-values, -few, root),
    )


def _one_sided(values: Floats, drawn: Floats, root: Floats) -> float:
    """Gives the p-value of "all are at least 0"."""

    def distance(point: Floats) -> float:
        # min over s >= 0 of |R^-1 (point - s)|, R R' the covariance.
        return float(nnls(inverse, inverse @ point)[1]) ** 2

    inverse = np.linalg.inv(root)
    found = distance(values)
    return float(np.mean([distance(one) >= found for one in drawn]))


def logit_of(contrast: Floats, log: Log, members: Bools) -> Estimate | None:
    """Gives the contrast of log odds of the mixes' means (delta method); None where there is none.

    Odds have their own idea of "more than the sum": where the sign differs, it is the scale that
    decides, and not the channels.
    """
    scores = log.scores[members]
    means = scores.mean(axis=0)
    of = contrast != 0
    if not ((means[of] > 0) & (means[of] < 1)).all():
        return None
    slopes = contrast[of] / (means[of] * (1 - means[of]))
    value = float(contrast[of] @ np.log(means[of] / (1 - means[of])))
    return estimate(value + (scores[:, of] - means[of]) @ slopes, log.clusters(members))


def answer(looked: Estimate, overlap: str) -> str:
    """Says what an interval shows: complement, substitute, or cannot tell."""
    if overlap != figures.OK or looked.low <= 0 <= looked.high:
        return CANNOT_TELL
    return COMPLEMENT if looked.low > 0 else SUBSTITUTE


def cases_needed(error: float, cases: int, size: float, critical: float, freedom: float) -> int:
    """Counts the cases that would show a synergy of a size four times in five.

        n (critical + t_0.8)^2 (error / size)^2

    Args:
        error: standard error with so many cases.
        cases: n.
        size: outcome points.
        critical: errors that the interval of an answer reaches.
        freedom: degrees of freedom.
    """
    reach = critical + float(stdtrit(freedom, POWER))
    return int(np.ceil(cases * (reach * error / size) ** 2))


def identified_by_model(catalogue: Catalogue, logged: Sequence[str], pair: Pair) -> bool:
    """Tells whether what channels add, each alone, leaves the mixes room to show two together.

    That is, whether the product of both doses is no sum of single channels' terms, and a mix is
    left over to see how wrong such a model is.
    """
    channels, contacts = doses(catalogue)
    kept = contacts[[catalogue.ids.index(mix) for mix in logged]]
    terms = terms_of(kept)
    first, second = (1 + channels.index(channel) for channel in pair)
    wider = np.column_stack([terms, terms[:, first] * terms[:, second]])
    rank = np.linalg.matrix_rank
    return bool(rank(wider) > rank(terms) and len(kept) > rank(wider))


def synergies(
    log: Log,
    logged: Sequence[str],
    catalogue: Catalogue,
    groups: Mapping[str, NDArray[np.str_]],
    size: float = SIZE,
) -> Synergies:
    """Measures the synergy of every two channels, and says of which it cannot be measured and why.

    Args:
        log: of n cases, over K mixes.
        logged: ids of the K mixes, as in the catalogue.
        catalogue: of all mixes, logged or not.
        groups: by field, the group of each case, shape (n,).
        size: outcome points to count the needed cases for.
    """
    found = {pair: squares(catalogue, pair, logged) for pair in channel_pairs(catalogue)}
    measured: dict[Pair, Measured] = {}
    for pair, near in found.items():
        if near and not near[0].missing:
            one = measure(contrast_of(near, list(logged)), log)
            if one is not None:
                measured[pair] = one
    joint = together(list(measured.values()), log.cluster) if measured else None
    spread = float(log.outcome.var())
    usual = joint.critical if joint else float(stdtrit(np.inf, 1 - WRONG_CLAIMS / 2))
    pairs = []
    for pair, near in found.items():
        told = SynergyOfPair(
            first=pair[0].value,
            second=pair[1].value,
            identified=figures.NOT_IDENTIFIED,
            squares=tuple(one.ids for one in near),
            missing={mix.id: mix.adviser_minutes for one in near for mix in one.missing},
            answer=CANNOT_TELL,
            cases=0,
            overlap=figures.NOT_ENOUGH,
            outcome=None,
            looked=None,
            logit=None,
            needed=None,
            # Four cells of a quarter of the cases each: the variance of S is 16 var(Y) / n.
            needed_even=cases_needed((16 * spread) ** 0.5, 1, size, usual, np.inf),
            groups=(),
        )
        if pair in measured and joint is not None:
            told = _told(told, measured[pair], joint, log, groups, size)
        elif identified_by_model(catalogue, logged, pair):
            told = replace(told, identified=figures.BY_MODEL)
        pairs.append(told)
    return Synergies(
        pairs=tuple(pairs),
        size=size,
        none=joint.none if joint else None,
        no_substitutes=joint.no_substitutes if joint else None,
        no_complements=joint.no_complements if joint else None,
    )


def _told(
    told: SynergyOfPair,
    one: Measured,
    joint: Joint,
    log: Log,
    groups: Mapping[str, NDArray[np.str_]],
    size: float,
) -> SynergyOfPair:
    found, reach = one.outcome, joint.critical * one.outcome.error
    looked = replace(found, low=found.value - reach, high=found.value + reach)
    overlap = log.overlap(one.contrast, one.members)
    return replace(
        told,
        identified=IDENTIFIED,
        answer=answer(looked, overlap),
        cases=nearest_ten(int(one.members.sum())),
        overlap=overlap,
        outcome=found,
        looked=looked,
        logit=logit_of(one.contrast, log, one.members),
        needed=cases_needed(found.error, len(log.mix), size, joint.critical, joint.freedom),
        groups=_groups(one, log, groups),
    )


def _groups(
    one: Measured, log: Log, groups: Mapping[str, NDArray[np.str_]]
) -> tuple[SynergyOfGroup, ...]:
    found = []
    for field, names in groups.items():
        for name in np.unique(names).tolist():
            members = one.members & (names == name)
            if members.sum() < FEWEST_CASES or log.overlap(one.contrast, members) != figures.OK:
                continue
            outcome = estimate(log.scores[members] @ one.contrast, log.clusters(members))
            cases = nearest_ten(int(members.sum()))
            found.append(SynergyOfGroup(field=field, group=name, cases=cases, outcome=outcome))
    return tuple(found)
