"""What a choice, an outcome or an own view must fulfil, given what is known of its decision.

What a new RPC's feedback must fulfil is added here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from router.cases.problems import FieldProblem
from router.journal.feedback import (
    Choice,
    ChoiceReason,
    Direction,
    Outcome,
    View,
    WishedBy,
)
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, Recommended
from router.serving.feedback.contradictions import FITS
from router.serving.feedback.history import History
from router.serving.feedback.requests import AskedChoice, AskedOutcome, AskedView
from router.serving.fields import Fields
from router.serving.status import InvalidRequest, NothingFound, Precluded

# Below the floor only the user may go: these are the reasons that are the user's own.
USERS_REASONS = (
    ChoiceReason.USER_WISHES_LESS,
    ChoiceReason.USER_HAS_WORK_OR_PLAN,
    ChoiceReason.ALREADY_FOLLOWED_UP_ELSEWHERE,
)
_CONTRADICTS = "REASON_CONTRADICTS"
_COMPARED = {
    Direction.SAME: "the same as",
    Direction.MORE: "more personal contact than",
    Direction.LESS: "less personal contact than",
}
# A day has no zone: it is right if it was that day anywhere on earth.
_FIRST_ZONE, _LAST_ZONE = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))


class ChoiceRefused(InvalidRequest):
    """The choice needs more than was given; `reason` is a code."""

    def __init__(self, reason: str, field: str, description: str) -> None:
        super().__init__([FieldProblem(index=0, field=field, description=description)])
        self.reason = reason


def direction_of(recommended: Recommended, mix: str) -> Direction:
    """Compares a mix with the one recommended, by adviser minutes.

    Raises:
        ValueError: if nothing was recommended, or the catalogue had no such mix.
    """
    if recommended.mix is None:
        raise ValueError("nothing was recommended")
    difference = recommended.minutes_of(mix) - recommended.minutes_of(recommended.mix)
    if difference == 0:
        return Direction.SAME
    return Direction.MORE if difference > 0 else Direction.LESS


def below_floor(recommended: Recommended, mix: str) -> bool:
    """Tells whether a mix is lighter than all that safeguards and menu permitted.

    Raises:
        ValueError: if the catalogue had no such mix.
    """
    return recommended.minutes_of(mix) < min(map(recommended.minutes_of, recommended.permitted))


def choice(history: History, asked: AskedChoice) -> Choice:
    """Makes the choice as it is to be kept.

    Raises:
        InvalidRequest: if a field is at fault, naming every one, or a reason is needed.
        ChoiceRefused: if it needs another wish or reason, or its reason cannot be true of it; an
            InvalidRequest with a code.
        Precluded: if people alone handle the case.
    """
    recommended, view = history.recommended, history.standing.own_view
    refuse_manual(recommended)

    fields, mixes = Fields(), recommended.mixes
    fields.mix("mix_id", asked.mix, mixes)
    for name, own in (("adviser_view", asked.adviser_view), ("user_view", asked.user_view)):
        if own is not None:
            fields.mix(name, own, mixes)
    # Once recorded, before the advice was shown, it cannot be told otherwise afterwards.
    if view is not None and asked.adviser_view not in (None, view.mix):
        fields.refuse(
            "adviser_view", f"the own view recorded before the advice is {view.mix}; leave it out"
        )
    fields.finish()

    found = Choice(
        decision_id=asked.decision_id,
        mix=asked.mix,
        wished_by=asked.wished_by,
        reason=asked.reason,
        adviser_view=view.mix if view is not None else asked.adviser_view,
        user_view=asked.user_view,
        direction=direction_of(recommended, asked.mix),
        corrects=asked.corrects,
    )
    _refuse_without_reason(history, found)
    return found


def _refuse_without_reason(history: History, found: Choice) -> None:
    recommended = history.recommended
    if below_floor(recommended, found.mix):
        lightest = min(recommended.permitted, key=recommended.minutes_of)
        told = f"{found.mix} is below the lightest mix that safeguards and menu permit, {lightest}"
        if found.wished_by not in (WishedBy.USER, WishedBy.BOTH):
            raise ChoiceRefused(
                "BELOW_FLOOR", "wished_by", f"{told}: only the user may wish it, USER or BOTH"
            )
        if found.reason not in USERS_REASONS:
            raise ChoiceRefused(
                "BELOW_FLOOR", "reason", f"{told}: it needs one of {', '.join(USERS_REASONS)}"
            )
    # Only against advice that was seen: who did not see it cannot say why not.
    elif (
        found.direction is Direction.LESS
        and history.advice_seen
        and found.reason is ChoiceReason.NONE
    ):
        told = f"{found.mix} is less personal contact than {recommended.mix}, which was advised"
        raise ChoiceRefused("REASON_MISSING", "reason", f"{told}: it needs a reason")
    _refuse_contradiction(history, found)


def _refuse_contradiction(history: History, found: Choice) -> None:
    recommended, fit = history.recommended, FITS[found.reason]
    if found.wished_by not in fit.wished_by:
        told = f"{found.reason} contradicts wished_by {found.wished_by}: with that reason it is"
        raise ChoiceRefused(_CONTRADICTS, "reason", f"{told} {_any(fit.wished_by)}")

    # A mix of as many minutes as the one advised is told as SAME, but need not be the same.
    another = found.direction is Direction.SAME and found.mix != recommended.mix
    # Only against advice that was seen: a refusal would tell which way it lies.
    if history.advice_seen and not another and found.direction not in fit.directions:
        against = f"{_COMPARED[found.direction]} {recommended.mix}, which was advised"
        raise ChoiceRefused(
            _CONTRADICTS, "reason", f"{found.reason} contradicts {found.mix}, {against}"
        )


def _any(of: frozenset[WishedBy]) -> str:
    return " or ".join(one for one in WishedBy if one in of)


def outcome(history: History, asked: AskedOutcome, now: int) -> Outcome:
    """Makes the outcome as it is to be kept.

    Args:
        history: of the decision.
        asked: the request.
        now: microseconds since 1970, UTC.

    Raises:
        InvalidRequest: if it was seen before the decision, or later than today anywhere on earth.
        Precluded: if people alone handle the case.
    """
    refuse_manual(history.recommended)
    earliest, latest = _day(history.recommended.written_at, _LAST_ZONE), _day(now, _FIRST_ZONE)
    if not earliest <= asked.observed_on <= latest:
        # The earliest that it was anywhere on earth, and the latest that it is.
        told = (
            f"{asked.observed_on} is outside {earliest} (the day of the decision) to {latest} "
            "(today), each in whatever time zone"
        )
        raise InvalidRequest([FieldProblem(index=0, field="observed_on", description=told)])
    return Outcome(
        decision_id=asked.decision_id,
        outcome=asked.outcome,
        time=asked.time,
        observed_on=asked.observed_on,
        corrects=asked.corrects,
    )


def own_view(history: History, asked: AskedView) -> View:
    """Makes the own view as it is to be kept.

    Raises:
        InvalidRequest: if it is no mix of the decision.
        NothingFound: if the advice was erased.
        Precluded: if the advice was seen already, is never given, or a choice or outcome is
            recorded without it.
    """
    disclosure = history.recommended.disclosure
    if disclosure == CONTROL:
        raise Precluded(
            "CONTROL_GROUP",
            "decision_id: the case is in the control group; no advice is given for it",
        )
    if disclosure != AFTER_OWN_VIEW:
        raise Precluded("ADVICE_SHOWN", "decision_id: the advice was shown already")
    if history.withheld is None:
        raise NothingFound("decision_id: the advice that was withheld is not there, or was erased")

    standing = history.standing
    late = standing.choice_record is not None or standing.outcome_record is not None
    # With a view recorded the call is a retry, and is answered as its first try.
    if standing.view_record is None and late:
        raise Precluded(
            "CHOICE_RECORDED",
            "decision_id: a choice or outcome is recorded; no view can come before it",
        )

    fields = Fields()
    fields.mix("mix_id", asked.mix, history.recommended.mixes)
    fields.finish()
    return View(decision_id=asked.decision_id, mix=asked.mix)


def refuse_manual(recommended: Recommended) -> None:
    """Keeps feedback out of cases that people alone handle.

    Raises:
        Precluded: if nothing was recommended.
    """
    if recommended.mix is None:
        raise Precluded(
            "MANUAL_ONLY",
            "decision_id: people alone handle the case; nothing more is recorded of it",
        )


def _day(microseconds: int, zone: timezone) -> date:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).astimezone(zone).date()
