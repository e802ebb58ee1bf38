"""What the gate will refuse of any version that is fitted on these cases, whatever it learns.

Most conditions are of what is learned. But the cases alone say whether they can be believed, how
many are held out, how many of those an adviser must assess first, and how many got a mix that a
version could advise. Only what no version could pass is said: a bound is held against the best
that any could come to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.advice.todays_rule import todays_rule
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import Decisions, Doubt, Status, at_least
from router.decision.safeguards import members
from router.decision.schema import Role, Rows
from training.data.dataset import LoggedCases
from training.data.hold_out import SHARE, hold_out
from training.evaluation.estimators import ENOUGH_CASES, ENOUGH_SHARE, overlap_verdict
from training.evaluation.evaluate import nothing_known
from training.evaluation.figures import OK
from training.evaluation.gate import Gate
from training.evaluation.in_tens import share_in_tens
from training.evaluation.ready import Ready

_NAMED = 8
_DOUBTS = {
    Doubt.UNKNOWN_FIELDS: "too much is unknown",
    Doubt.RARE_VALUES: "a value is rare among the cases to learn from",
    Doubt.CONTRADICTION: "facts do not fit together",
    Doubt.HAS_JOB: "there is a job to go to",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A condition of the gate that no version fitted on the cases can meet.

    Attributes:
        condition: as in gate.toml.
        found: the best that could come of these cases, in words.
        bound: in words, such as "at most 40%".
        way_out: what to do.
    """

    condition: str
    found: str
    bound: str
    way_out: str


def foreseen(start: Ready, gate: Gate) -> tuple[Unmet, ...]:
    """Says which conditions of the gate cannot be met, in the gate's order; none is no promise.

    Args:
        start: cases that a fit can start on.
        gate: the conditions.
    """
    earlier, later, _ = hold_out(start.cases, start.seed)
    tables = nothing_known(len(start.catalogue.ids), earlier.rows)
    decider = Decider(tables=tables, catalogue=start.catalogue, policy=start.policy)
    found = [
        *_not_believed(start),
        *_too_few(later, gate),
        *_assessed_first(decider, earlier.rows, later.rows, gate),
        *_never_compared(decider, later, gate),
    ]
    order = [rule.name for rule in gate.rules]
    return tuple(sorted(found, key=lambda one: order.index(one.condition)))


def in_line(one: Unmet) -> str:
    """Tells one in a line."""
    return f"{one.condition}: {one.found}; the gate asks for {one.bound}: {one.way_out}"


def _not_believed(start: Ready) -> Iterator[Unmet]:
    for one in start.sound.suspicions:
        yield Unmet(
            condition="sound_cases",
            found=f"column {one.column}: {one.problem}",
            bound="no such finding",
            way_out=one.fix,
        )


def _too_few(later: LoggedCases, gate: Gate) -> Iterator[Unmet]:
    least = int(gate.bound("held_out_cases"))
    if len(later.mix) < least:
        yield Unmet(
            condition="held_out_cases",
            found=f"{len(later.mix):,} cases are held out",
            bound=f"at least {least:,}",
            way_out=f"give some {int(np.ceil(least / SHARE)):,} cases, of which three tenths are "
            "held out",
        )


def _assessed_first(decider: Decider, earlier: Rows, later: Rows, gate: Gate) -> Iterator[Unmet]:
    """Judges `abstention`: doubts are of the case, and of how often a value was learned from."""
    decided, most = decider.decide(later), gate.bound("abstention")
    count = len(later)
    share = 1 - share_in_tens(float((decided.status == Status.RECOMMENDED).mean()), count)
    if share <= most:
        return
    why = _shares_of_doubts(decided)
    first = max(why, key=lambda doubt: why[doubt]) if why else None
    told = ", ".join(f"{_DOUBTS[doubt]} in {share:.1%}" for doubt, share in why.items())
    yield Unmet(
        condition="abstention",
        found=f"of {share:.1%} of the held-out cases an adviser must look first, whatever is "
        f"learned ({told or 'no mix is permitted'})",
        bound=f"at most {most:.0%}",
        way_out=_way_out(first, decider, earlier, later),
    )


def _shares_of_doubts(decided: Decisions) -> dict[Doubt, float]:
    shares = {doubt: float((decided.doubts & int(doubt) > 0).mean()) for doubt in _DOUBTS}
    return {doubt: share for doubt, share in shares.items() if share > 0}


def _way_out(first: Doubt | None, decider: Decider, earlier: Rows, later: Rows) -> str:
    """Says what to do about the doubt that most cases have."""
    abstention = decider.policy.abstention
    if first == Doubt.UNKNOWN_FIELDS:
        model = FEATURES.columns(Role.MODEL)
        never = [
            FEATURES.features[column].name
            for column in model
            if not earlier[:, column].any() and not later[:, column].any()
        ]
        rest = f" and {len(never) - _NAMED} more" if len(never) > _NAMED else ""
        never_known = f"; never known: {', '.join(never[:_NAMED])}{rest}" if never else ""
        return (
            f"give the columns: of the {len(model)} fields that a model learns from, at most "
            f"{abstention.unknown_fields} may be unknown (unknown_fields in national.toml)"
            f"{never_known}"
        )
    if first == Doubt.RARE_VALUES:
        return (
            f"give more cases: a value that fewer than {abstention.rare_cases} cases have or "
            "come near is rare (rare_cases in national.toml)"
        )
    if first == Doubt.CONTRADICTION:
        return "mend the fields that do not fit together; docs/safeguards.md lists which"
    if first == Doubt.HAS_JOB:
        return "leave out cases with a job to go to: their question is another"
    return "look at what the safeguards leave of the menu in national.toml"


def _never_compared(decider: Decider, later: LoggedCases, gate: Gate) -> Iterator[Unmet]:
    """Judges overlap by how many cases got the mix that they are to get: no weights make it more.

    The effective size of weighed cases is at most their number.
    """
    masks = _masks(decider, later.rows)
    served = masks[0].any(axis=1)
    count, logged = int(served.sum()), later.mix[served]
    own = [mask[served] for mask in masks]
    each = np.arange(count)

    could = int((own[0] | own[1])[each, logged].sum())
    few = "of the held-out cases {} got a mix that a version may advise them"
    way_out = "give cases that were followed up as the safeguards permit, or see whether fields "
    way_out += "that safeguards read are unknown"
    if overlap_verdict(could, count, 0.0) != OK:
        yield Unmet(
            condition="overlap", found=few.format(could), bound=_enough(count), way_out=way_out
        )
    least = gate.bound("effective_cases")
    if could < least:
        yield Unmet(
            condition="effective_cases",
            found=few.format(could),
            bound=f"at least {least:,.0f}",
            way_out=way_out,
        )

    rule = todays_rule(later.rows, decider.catalogue)[served]
    same = np.logical_or.reduce([at_least(mask, rule) == logged for mask in own])
    if overlap_verdict(int(same.sum()), count, 0.0) != OK:
        yield Unmet(
            condition="beats_todays_rule",
            found=f"of the held-out cases {int(same.sum())} got the mix that today's rule gives",
            bound=f"{_enough(count)}, or the two cannot be compared",
            way_out="give cases of more months, or from offices that follow the rule more often",
        )


def _masks(decider: Decider, rows: Rows) -> list[NDArray[np.bool_]]:
    """Gives what cases may get, (n, mixes) each: plainly, and if too much to ask for is asked.

    Which of the two holds for a case may depend on what is learned.
    """
    codes, _ = decider.safeguards.apply(rows)
    mixes = len(decider.catalogue.ids)
    tables = (decider.safeguards.permitted, decider.safeguards.bearable)
    return [members(table.take(codes), mixes).T for table in tables]


def _enough(count: int) -> str:
    least = int(np.ceil(max(ENOUGH_CASES, ENOUGH_SHARE * count)))
    return f"at least {least:,}"
