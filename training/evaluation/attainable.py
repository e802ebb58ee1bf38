"""What could be gained at most on simulated cases, whose true values are known, and what was.

Net value is the true value of a mix less the price of its minutes. The least is the best single mix
for all, lifted to what safeguards permit; the most is the best permitted mix of each case by the
truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.decision import at_least
from training.learning.scores import Floats, Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainable:
    """Net values in outcome points as a share, over cases that the model may advise on.

    Attributes:
        single: of the best single mix.
        best: of the best permitted mix of each case.
        got: of the mixes that were chosen.
        mixes: share of cases whose best permitted mix each is, by number.
    """

    single: float
    best: float
    got: float
    mixes: tuple[float, ...]

    @property
    def gain(self) -> float:
        """What could be gained at most over the best single mix, 0 or more."""
        return self.best - self.single

    @property
    def share(self) -> float | None:
        """Share of it that was got, below 0 where less than with the single mix; None of none."""
        return (self.got - self.single) / self.gain if self.gain > 0 else None


def attainable(
    truth: Floats, permitted: NDArray[np.bool_], costs: Floats, chosen: Numbers | None = None
) -> Attainable:
    """Measures what could be gained, and what was.

    Args:
        truth: (n, K) true values, none of them estimated.
        permitted: (n, K) mixes that each case may get, at least one each.
        costs: (n, K) or (K,) price of each mix's minutes, in outcome points as a share.
        chosen: (n,) number of the mix that each case gets; the best single one if None.

    Raises:
        ValueError: if a case may get no mix.
    """
    if not permitted.any(axis=1).all():
        raise ValueError("permitted: every case must have a permitted mix")
    net = truth - costs
    each = np.arange(len(net))
    singles = [at_least(permitted, np.array(mix)) for mix in range(net.shape[1])]
    worths = [float(net[each, mix].mean()) for mix in singles]

    best = np.where(permitted, net, -np.inf).argmax(axis=1)
    got = singles[int(np.argmax(worths))] if chosen is None else chosen
    shares = np.bincount(best, minlength=net.shape[1]) / len(net)
    return Attainable(
        single=max(worths),
        best=float(net[each, best].mean()),
        got=float(net[each, got].mean()),
        mixes=tuple(shares.tolist()),
    )
