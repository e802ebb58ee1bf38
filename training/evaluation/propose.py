"""What to try next, so that a synergy is known twice as well for the least adviser time.

Exploration draws among mixes that safeguards permit and whose utility is near the best one's. Which
mixes it draws among, for which share of cases and within which margin is searched, by the chances
that the service would draw with. What is known so far is the contrast's variance by the log; a mix
that was never logged gets a value by its channels (`from_channels`), for this purpose alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import brentq

from router.cases.cells import Bools
from router.decision.catalogue import Catalogue, Mix
from router.decision.decide import Decider
from router.decision.decision import Decisions, Status
from router.decision.schema import Rows
from router.mendable import Mendable
from router.policies.policy_values import NATIONAL_SPANS
from training.evaluation.estimators import ENOUGH_CASES
from training.evaluation.from_channels import fit_from_channels, terms_of
from training.evaluation.squares import SIGNS, Square, doses
from training.evaluation.synergy import Log, covariance_of
from training.learning.crossfit import Nuisances
from training.learning.scores import Floats, Numbers

MARGINS = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05)
"""Outcome points below the best that are tried; more no policy permits."""
HALVED = 0.5
MOST_OF_THEM = 0.9
"""Of those that safeguards permit all four mixes, for whom what is drawn must be near the best."""
_SHARES = 1000


class NothingToPropose(Mendable, ValueError):
    """The log, or the mixes, leave nothing to compare proposals by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to draw.

    Attributes:
        square: ids of its mixes.
        whom: share of cases that safeguards permit all of them.
        drawn: ids of the mixes to draw among.
        new: those that were never logged.
        share: of plain recommendations whose mix is drawn.
        margin: outcome points.
        reached: share of the next cases that are drawn for.
        minutes: adviser minutes that it takes beyond the advice, over all next cases; may be below
            0.
        outcome: what it costs in expected outcome, goals over all next cases, above 0 if fewer.
        before: standard error of the contrast now.
        after: with the next cases.
    """

    square: tuple[str, str, str, str]
    whom: float
    drawn: tuple[str, ...]
    new: tuple[Mix, ...]
    share: float
    margin: float
    reached: float
    minutes: float
    outcome: float
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the service would advise for the logged cases, and may draw.

    Attributes:
        decided: for n cases over the K mixes of `catalogue`.
        utility: (n, K) expected outcome less the price of minutes.
        catalogue: new mixes included.
    """

    decided: Decisions
    utility: Floats
    catalogue: Catalogue

    @classmethod
    def of(cls, decider: Decider, rows: Rows) -> Service:
        """Decides for rows as the service would."""
        decided = decider.decide(rows)
        utility = decided.expected - decider.costs(rows)
        return cls(decided=decided, utility=utility, catalogue=decider.catalogue)

    @property
    def plain(self) -> Bools:
        """Whether each case gets a plain recommendation, which alone is explored, (n,)."""
        return np.asarray(self.decided.status == Status.RECOMMENDED)

    def all_permitted(self, mixes: tuple[str, ...]) -> Bools:
        """Says who gets a plain recommendation and may be given each of some mixes, (n,).

        A contrast is of these: of others exploration, which safeguards bind, can learn nothing.
        """
        numbers = [self.catalogue.ids.index(mix) for mix in mixes]
        return np.asarray(self.plain & self.decided.permitted[:, numbers].all(axis=1))

    def near(self, margin: float) -> Bools:
        """Says which mixes may be drawn for each case, (n, K)."""
        best = self.utility[np.arange(len(self.utility)), self.decided.mix]
        close = self.utility >= best[:, None] - margin
        return np.asarray(close & self.decided.permitted & self.plain[:, None])


def known_so_far(
    square: Square, logged: tuple[str, ...], catalogue: Catalogue, log: Log, whom: Bools
) -> Floats:
    """Gives the covariance of the errors with which a square's four mixes are known, (4, 4).

    Args:
        square: of two channels.
        logged: ids of the K mixes of the log.
        catalogue: of all mixes, for their channels; new ones included.
        log: of n cases.
        whom: (n,) of whom something is to be learned (`Service.all_permitted`).

    Raises:
        NothingToPropose: if too few cases had a chance of the mixes.
    """
    ids = square.ids
    known = [mix for mix in ids if mix in logged]
    new = [mix for mix in ids if mix not in logged]
    # A mix by its channels leans on all others; measured ones on each other alone.
    needed = list(logged) if new else known
    possible = log.possible[:, [logged.index(mix) for mix in needed]].all(axis=1)
    members = np.asarray(whom & possible)
    if members.sum() < ENOUGH_CASES:
        raise NothingToPropose(
            f"cases: {int(members.sum())} had a chance of each of {len(needed)} mixes, and may be "
            f"given all of {', '.join(ids)} by the safeguards; at least {ENOUGH_CASES:g} are "
            "needed to say how well the synergy is known: give more cases"
        )
    scores = log.scores[members][:, [logged.index(mix) for mix in needed]]
    sigma = covariance_of(scores - scores.mean(axis=0), log.clusters(members))
    if not new:
        places = [needed.index(mix) for mix in ids]
        return sigma[np.ix_(places, places)]
    return _with_new(ids, needed, catalogue, scores.mean(axis=0), sigma)


def _with_new(
    ids: tuple[str, ...], logged: list[str], catalogue: Catalogue, worth: Floats, sigma: Floats
) -> Floats:
    _, contacts = doses(catalogue)
    terms = terms_of(contacts)
    fitted = terms[[catalogue.ids.index(mix) for mix in logged]]
    # A channel that no logged mix has adds nothing that could be told from this log.
    told = np.concatenate([[True], fitted[:, 1:].std(axis=0) > 0])
    try:
        fit = fit_from_channels(fitted[:, told], worth, sigma)
    except ValueError as problem:
        raise NothingToPropose(
            f"mixes: the log's {len(logged)} do not tell what a channel adds ({problem}): "
            "log more mixes first"
        ) from problem
    # What is known of all four, as sums of what is known of the logged ones.
    new = np.array([mix not in logged for mix in ids])
    rows = np.zeros((len(ids), len(logged)))
    for place, mix in enumerate(ids):
        if new[place]:
            rows[place] = terms[catalogue.ids.index(mix), told] @ fit.weight
        else:
            rows[place, logged.index(mix)] = 1
    # What a mix is worth beside its channels blurs the fit that new ones lean on, and is unknown of
    # each new one itself.
    leaning = rows * new[:, None]
    beside = leaning @ leaning.T + np.diag(new.astype(np.float64))
    found: Floats = rows @ sigma @ rows.T + fit.tau**2 * beside
    return found


def proposals(
    square: Square,
    service: Service,
    covariance: Floats,
    spread: float,
    next_cases: int,
) -> Iterator[Proposal]:
    """Yields what would halve the contrast's variance: the least share for each set and margin.

    Learned from are cases that safeguards permit all four mixes and whose drawn ones are all near
    the best. The precision that they add
    to each, of N next cases of which a share r is drawn for with a share s, is

        N r / (spread * mean 1/e),   e = s / set's size + (1 - s) [the mix is the case's best]

    Args:
        square: of two channels.
        service: what would be advised for the logged cases.
        covariance: (4, 4) of what is known (`known_so_far`).
        spread: variance of an outcome about what is expected of it.
        next_cases: how many.
    """
    whom = service.all_permitted(square.ids)
    missing = {mix.id for mix in square.missing}
    for margin in MARGINS:
        near = service.near(margin)[:, _numbers(square, service)]
        for size in range(1, len(square.ids) + 1):
            for chosen in combinations(range(len(square.ids)), size):
                places = list(chosen)
                # A square stays a guess by channels as long as one of its mixes is not tried.
                if not missing <= {square.ids[place] for place in places}:
                    continue
                reached = np.asarray(near[:, places].all(axis=1) & whom)
                # Of fewer it would be the synergy of other people.
                if not reached.any() or reached.sum() < MOST_OF_THEM * whom.sum():
                    continue
                drawn = _Drawn(places, margin, whom, near[:, places], reached)
                found = _proposal(square, service, covariance, spread, next_cases, drawn)
                if found is not None:
                    yield found


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Some of a square's mixes: their places, and whom they are for, drawn for and learned from."""

    places: list[int]
    margin: float
    whom: Bools
    near: Bools
    reached: Bools


def _numbers(square: Square, service: Service) -> Numbers:
    """Gives the catalogue's numbers of a square's mixes, (4,)."""
    return np.array([service.catalogue.ids.index(mix) for mix in square.ids])


def _proposal(
    square: Square,
    service: Service,
    covariance: Floats,
    spread: float,
    next_cases: int,
    drawn: _Drawn,
) -> Proposal | None:
    """Finds the least share of draws that halves the variance; None if no permitted one does."""
    places, signs = drawn.places, np.array(SIGNS)
    numbers = _numbers(square, service)[places]
    best = service.decided.mix[drawn.reached]
    before = float(signs @ covariance @ signs)

    def variance(share: float) -> float:
        chance = _chances(share, numbers, best)
        seen = spread * (1 / chance).mean(axis=0) / (next_cases * drawn.reached.mean())
        # What four estimates are known by, once some of them were measured anew.
        known = covariance[:, places]
        after = covariance - known @ np.linalg.solve(known[places] + np.diag(seen), known.T)
        return float(signs @ after @ signs)

    share = _least_share(variance, HALVED * before, NATIONAL_SPANS["exploration_share"][1])
    if share is None:
        return None
    minutes, lost = _cost(service, numbers, drawn.near, service.catalogue.minutes)
    cells = [square.cells[place] for place in places]
    return Proposal(
        square=square.ids,
        whom=float(drawn.whom.mean()),
        drawn=tuple(square.ids[place] for place in places),
        new=tuple(cell for cell in cells if cell in square.missing),
        share=share,
        margin=drawn.margin,
        reached=float(share * drawn.near.any(axis=1).mean()),
        minutes=share * minutes * next_cases,
        outcome=share * lost * next_cases,
        before=before**0.5,
        after=variance(share) ** 0.5,
    )


def _chances(share: float, numbers: Numbers, best: Numbers) -> Floats:
    """Gives the chance of each drawn mix, (cases, mixes), as the service draws."""
    found: Floats = share / len(numbers) + (1 - share) * (best[:, None] == numbers)
    return found


def _least_share(variance: Callable[[float], float], aim: float, most: float) -> float | None:
    """Gives the least share with which a variance is at most `aim`; None if even `most` is not."""
    if variance(most) > aim:
        return None
    # Of share 0 a mix that is never advised has no chance at all.
    least = 0.5 / _SHARES
    share = least if variance(least) <= aim else brentq(lambda s: variance(s) - aim, least, most)
    # Up, since a share that is written with three digits must still do.
    return float(min(most, np.ceil(share * _SHARES) / _SHARES))


def _cost(service: Service, numbers: Numbers, near: Bools, minutes: Floats) -> tuple[float, float]:
    """Gives minutes and outcome that a draw takes beyond the advice, a case of all."""
    count = near.sum(axis=1)
    drawn, best = count > 0, service.decided.mix
    weights = near[drawn] / count[drawn, None]
    expected = service.decided.expected[drawn]
    took = weights @ minutes[numbers] - minutes[best[drawn]]
    gave = (weights * expected[:, numbers]).sum(axis=1)
    lost = expected[np.arange(drawn.sum()), best[drawn]] - gave
    return float(took.sum() / len(drawn)), float(lost.sum() / len(drawn))


def spread_of(fitted: Nuisances, mix: Numbers, outcome: Floats) -> float:
    """Gives the variance of an outcome about what is expected of it."""
    return float(((outcome - fitted.mu[np.arange(len(mix)), mix]) ** 2).mean())
