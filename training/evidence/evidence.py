"""Findings of trials: what mixes of a kind add, for whom, how surely, how far it carries over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import TALK, Catalogue, Channel, Mix


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What mixes of a kind add to the outcome of some people.

    Attributes:
        name: of the finding.
        effect: as published, outcome points.
        error: its standard error, above 0.
        source: the study.
        carries_over: share of the effect to expect here, 0 to 1.
        talks: that such a mix holds at least.
        has: channels of which it holds one; any mix if empty.
        lacks: channels of which it holds none.
        field: by which people are told apart; everybody if "".
        slots: of the field, those that count.
    """

    name: str
    effect: float
    error: float
    source: str
    carries_over: float
    talks: int = 0
    has: frozenset[Channel] = frozenset()
    lacks: frozenset[Channel] = frozenset()
    field: str = ""
    slots: tuple[int, ...] = ()

    @property
    def expected(self) -> float:
        """The effect to expect here, outcome points."""
        return self.carries_over * self.effect

    @property
    def uncertainty(self) -> float:
        """Standard error of the effect to expect here: the study's, and what may not carry over."""
        return float(np.hypot(self.error, (1 - self.carries_over) * self.effect))

    def holds_for(self, mix: Mix) -> bool:
        """Tells whether a mix is of that kind."""
        has = not self.has or mix.has(self.has)
        lacks = not (self.lacks and mix.has(self.lacks))
        return has and lacks and _talks(mix) >= self.talks


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All findings.

    Attributes:
        version: of the file.
        sha256: of the file.
        reached: share of people who reach their goal with what is lightest, before any finding.
        reached_error: its standard error.
        mix_error: standard error of what no finding says of a mix, outcome points.
        findings: in the file's order; they add up.
    """

    version: str
    sha256: str
    reached: float
    reached_error: float
    mix_error: float
    findings: tuple[Finding, ...]

    def kinds(self, catalogue: Catalogue) -> NDArray[np.float64]:
        """Gives 1 where a finding holds for a mix, shape (findings, mixes)."""
        rows = [[one.holds_for(mix) for mix in catalogue.mixes] for one in self.findings]
        return np.array(rows, np.float64)


def _talks(mix: Mix) -> int:
    return sum(one.contacts(mix.weeks) for one in mix.elements if one.channel in TALK)
