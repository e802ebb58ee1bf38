"""How made-up advisers and users answer advice: choices, outcomes, time spent."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from router.advice.recommender import Advice
from router.decision.catalogue import Catalogue, Channel, Mix
from router.journal.feedback import (
    ChannelTime,
    Choice,
    ChoiceReason,
    Direction,
    Outcome,
    View,
    WishedBy,
    claim_of,
    feedback_record,
)
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL
from router.journal.record import Record
from training.simulation.population import Floats
from training.simulation.year_offices import MadeUpOffice
from training.simulation.year_truth import TrueCase

_SECOND = 1_000_000
_DAY = 24 * 60 * 60 * _SECOND
VIEWS = 0.9
"""Share of advice that waits whose adviser tells an own view; else it stays hidden (assumed)."""
STICKS = 0.4
"""Share of advisers who then do as they saw it, whatever is advised (assumed)."""
# How far off advisers are about what a mix is worth, outcome points (assumed): what they know
# beyond the model is mixed with what they only believe.
_BELIEF = 0.02
CHOOSES, CORRECTS, REPORTS_OUTCOME = 0.96, 0.02, 0.93
MORE_PERSONAL = 0.7
"""Share of overrides towards more contact."""
CALLS_BEFORE = 4.0
"""Calls a case in the practice before (assumed): those left take longer as they become fewer."""
LONGER_CALLS = 0.45
"""How much longer a call takes when nearly none is left (assumed)."""
# Minutes against the catalogue's (assumed); neither more nor less where none are named.
TAKES = {Channel.DIALOGUE_MESSAGE: 1.08, Channel.VIDEO: 0.97, Channel.OFFICE_MEETING: 1.03}
HELD = 0.9
"""Share of planned contacts that take place."""
# Standard deviation of the logarithm of a contact's length.
_SPREAD = 0.2
_LESS = (
    ChoiceReason.USER_WISHES_LESS,
    ChoiceReason.USER_HAS_WORK_OR_PLAN,
    ChoiceReason.ALREADY_FOLLOWED_UP_ELSEWHERE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a week's caseload does to the work.

    `call` multiplies the minutes of a call, more as calls become fewer.
    """

    call: float

    @classmethod
    def of(cls, advice: list[Advice], catalogue: Catalogue) -> Habits:
        """Gives those of a week with this advice."""
        calls = [
            _calls(catalogue.mixes[one.decision.mix]) for one in advice if one.decision.mix >= 0
        ]
        volume = min(1.0, sum(calls) / max(1, len(calls)) / CALLS_BEFORE)
        return cls(call=1 + LONGER_CALLS * (1 - volume))


def _calls(mix: Mix) -> int:
    return sum(one.contacts(mix.weeks) for one in mix.elements if one.channel is Channel.PHONE)


class People:
    """Draws what advisers and users do until the simulation ends."""

    def __init__(self, rng: np.random.Generator, catalogue: Catalogue, end: int) -> None:
        self._rng = rng
        self._mixes = catalogue.mixes
        self._end = end

    def answer(
        self,
        case: TrueCase,
        advice: Advice,
        values: Floats,
        moment: int,
        office: MadeUpOffice,
        habits: Habits,
    ) -> list[Record]:
        """Draws a case's choice and outcome, as far as they fall within the simulation.

        The case is told of them.

        Args:
            case: the truth, filled in here.
            advice: that it got.
            values: chance that the goal is reached under each mix, shape (mixes,).
            moment: of the advice, microseconds.
            office: where.
            habits: of its week.
        """
        decision = uuid.UUID(advice.decision_id)
        # At least a minute later: a choice is made after the advice.
        chosen_at = moment + int(self._rng.exponential(3.0) * _DAY) + 60 * _SECOND
        if self._rng.random() >= CHOOSES or chosen_at >= self._end:
            return []

        records: list[Record] = []
        view = None
        if advice.disclosure == AFTER_OWN_VIEW and self._rng.random() < VIEWS:
            view = self._believed(advice, values, office)
            # Within the minute before the choice: the view comes first, then the advice is seen.
            records.append(self._view(decision, view, chosen_at - 30 * _SECOND))

        hidden = advice.disclosure == CONTROL
        hidden |= advice.disclosure == AFTER_OWN_VIEW and view is None
        own = self.own_view(advice, office, case.need_group) if hidden else advice.decision.mix
        mix = own if hidden else self._override(advice, office.override)
        if view is not None and self._rng.random() < STICKS:
            mix = view
        chosen = self._choice(decision, advice.decision.mix, mix, chosen_at)
        records.append(chosen)

        corrected_at = chosen_at + int(self._rng.integers(1, 3)) * _DAY
        if self._rng.random() < CORRECTS and corrected_at < self._end:
            # Of corrections half say that the advice was followed, whatever was said at first.
            mix = own if hidden else self._override(advice, 0.5)
            first = uuid.UUID(bytes=chosen.id)
            records.append(self._choice(decision, advice.decision.mix, mix, corrected_at, first))
        # What was chosen last stands, as it does in the ledger.
        case.agreed = self._mixes[mix].adviser_minutes

        seen_at = corrected_at + int(self._rng.uniform(6, 12) * 7 * _DAY)
        if self._rng.random() >= REPORTS_OUTCOME or seen_at >= self._end:
            return records
        return records + self._outcomes(case, decision, mix, values[mix], seen_at, office, habits)

    def _outcomes(
        self,
        case: TrueCase,
        decision: uuid.UUID,
        mix: int,
        chance: float,
        seen_at: int,
        office: MadeUpOffice,
        habits: Habits,
    ) -> list[Record]:
        reached = int(self._rng.random() < chance)
        time = self._time(self._mixes[mix], habits) if self._rng.random() < office.reports else ()
        records = [self._outcome(decision, reached, time, seen_at)]

        corrected_at = seen_at + 2 * _DAY
        if self._rng.random() < CORRECTS and corrected_at < self._end:
            reached, time = 1, self._time(self._mixes[mix], habits)
            records.append(
                self._outcome(decision, reached, time, corrected_at, uuid.UUID(bytes=records[0].id))
            )

        case.reached = reached
        case.time = {one.channel.value: (one.contacts, one.minutes) for one in time}
        return records

    def own_view(self, advice: Advice, office: MadeUpOffice, need_group: str) -> int:
        """Gives what an adviser does who sees no advice (assumed): the practice before.

        That is the permitted mix whose minutes are nearest to the office's earlier ones.
        """
        before = office.baseline[need_group]
        permitted = [k for k in range(len(self._mixes)) if advice.decision.permits(k)]
        return min(permitted, key=lambda k: abs(self._mixes[k].adviser_minutes - before))

    def _believed(self, advice: Advice, values: Floats, office: MadeUpOffice) -> int:
        """Draws which permitted mix an adviser holds to be right, before the advice is seen."""
        minutes = np.array([float(one.adviser_minutes) for one in self._mixes])
        worth = values - office.price * minutes + self._rng.normal(0, _BELIEF, len(values))
        permitted = [k for k in range(len(self._mixes)) if advice.decision.permits(k)]
        return max(permitted, key=lambda k: worth[k])

    def effect(
        self, advice: Advice, values: Floats, office: MadeUpOffice, need_group: str
    ) -> tuple[float, float]:
        """Gives what showing the advice does to a case: outcome, and catalogue minutes.

        Corrections, of a few in a hundred, are left out.

        Args:
            advice: that it got, shown or not.
            values: chance that the goal is reached under each mix, shape (mixes,).
            office: where.
            need_group: of the case.
        """
        mix = advice.decision.mix
        more = mix + 1 if mix + 1 < len(self._mixes) else mix
        less = mix - 1 if mix > 0 and advice.decision.permits(mix - 1) else mix
        minutes = np.array([float(one.adviser_minutes) for one in self._mixes])
        own = self.own_view(advice, office, need_group)
        away, up = office.override, MORE_PERSONAL
        outcome, spent = (
            (1 - away) * of[mix] + away * (up * of[more] + (1 - up) * of[less]) - of[own]
            for of in (values, minutes)
        )
        return float(outcome), float(spent)

    def _override(self, advice: Advice, share: float) -> int:
        """Draws the mix agreed: the one advised, the next more personal, or the next lighter.

        A lighter one only if it is permitted.
        """
        mix = advice.decision.mix
        if self._rng.random() >= share:
            return mix
        more = self._rng.random() < MORE_PERSONAL
        if more and mix + 1 < len(self._mixes):
            return mix + 1
        lighter = mix > 0 and advice.decision.permits(mix - 1)
        return mix - 1 if not more and lighter else mix

    def _view(self, decision: uuid.UUID, mix: int, moment: int) -> Record:
        view = View(decision_id=decision, mix=self._mixes[mix].id)
        return feedback_record(self._identity(), view, moment, claim_of(view))

    def _choice(
        self,
        decision: uuid.UUID,
        advised: int,
        mix: int,
        moment: int,
        corrects: uuid.UUID | None = None,
    ) -> Record:
        less = mix < advised
        choice = Choice(
            decision_id=decision,
            mix=self._mixes[mix].id,
            wished_by=WishedBy.USER if less else WishedBy.BOTH,
            reason=_LESS[int(self._rng.integers(len(_LESS)))] if less else ChoiceReason.NONE,
            direction=Direction.LESS
            if less
            else Direction.MORE
            if mix > advised
            else Direction.SAME,
            corrects=corrects,
        )
        return feedback_record(self._identity(), choice, moment, claim_of(choice))

    def _outcome(
        self,
        decision: uuid.UUID,
        reached: int,
        time: tuple[ChannelTime, ...],
        moment: int,
        corrects: uuid.UUID | None = None,
    ) -> Record:
        observed = datetime.fromtimestamp(moment // _SECOND, UTC).date()
        outcome = Outcome(
            decision_id=decision,
            outcome=float(reached),
            time=time,
            observed_on=observed,
            corrects=corrects,
        )
        return feedback_record(self._identity(), outcome, moment, claim_of(outcome))

    def _time(self, mix: Mix, habits: Habits) -> tuple[ChannelTime, ...]:
        """Draws the time really spent by channel.

        Most contacts take place, and each takes about what the catalogue says.
        """
        spent: dict[Channel, tuple[int, int]] = {}
        for element in mix.elements:
            if not element.minutes:
                continue
            held = int(self._rng.binomial(element.contacts(mix.weeks), HELD))
            factor = (
                habits.call if element.channel is Channel.PHONE else TAKES.get(element.channel, 1.0)
            )
            length = element.minutes * factor * np.exp(self._rng.normal(0, _SPREAD))
            contacts, minutes = spent.get(element.channel, (0, 0))
            spent[element.channel] = contacts + held, minutes + round(float(held * length))
        return tuple(
            ChannelTime(channel=channel, contacts=contacts, minutes=minutes)
            for channel, (contacts, minutes) in spent.items()
        )

    def _identity(self) -> uuid.UUID:
        # Drawn, so that equal seeds give equal journals.
        return uuid.UUID(bytes=self._rng.bytes(16), version=4)
