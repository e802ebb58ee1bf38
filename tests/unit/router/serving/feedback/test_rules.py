"""The rules of a choice, tried for every mix, wish, reason, floor and disclosure."""

import uuid
from dataclasses import replace
from itertools import product

import pytest

from router.journal.feedback import ChoiceReason, Direction, View, WishedBy
from router.journal.recommendation import Recommended
from router.journal.standing import NOTHING, StoredFeedback
from router.serving.feedback import rules
from router.serving.feedback.contradictions import FITS
from router.serving.feedback.history import History
from router.serving.feedback.requests import AskedChoice
from router.serving.status import InvalidRequest
from tests.builders import a_catalogue

MIXES = a_catalogue().ids
MINUTES = tuple(a_catalogue().minutes.tolist())
DECISION = uuid.UUID(int=1)
VIEWED = NOTHING.after(
    StoredFeedback(2, b"v" * 16, "view", 0, False, View(decision_id=DECISION, mix=MIXES[0]))
)

# Spelt out, not read from the table that it tests.
CONTRADICTIONS = {
    ("USER_WISHES_MORE", "LESS"),
    ("USER_WISHES_LESS", "MORE"),
    ("CAPACITY", "MORE"),
    ("ADVICE_MISJUDGES_CASE", "SAME"),
}
NEVER = {
    ("USER_WISHES_LESS", "ADVISER"),
    ("USER_WISHES_LESS", "AGENCY"),
    ("USER_WISHES_MORE", "ADVISER"),
    ("USER_WISHES_MORE", "AGENCY"),
    ("CAPACITY", "USER"),
}


def a_history(advised: str, lightest: str, disclosure: str, *, viewed: bool = False) -> History:
    recommended = Recommended(
        decision_id=str(DECISION),
        case_ref="c-1",
        office_ref="",
        mix=advised,
        status="RECOMMENDED",
        mixes=MIXES,
        minutes=MINUTES,
        expected=(0.5,) * len(MIXES),
        error=(0.1,) * len(MIXES),
        safeguards=(),
        doubts=0,
        synthetic_model=False,
        permitted=MIXES[MIXES.index(lightest) :],
        disclosure=disclosure,
        model_version="m",
        policy_version="p",
        written_at=0,
    )
    standing = VIEWED if viewed else NOTHING
    return History(recommended=recommended, standing=standing, withheld=b"", same_id=None, salt=b"")


def a_choice(mix: str, wished_by: WishedBy, reason: ChoiceReason) -> AskedChoice:
    return AskedChoice(
        request_id=uuid.UUID(int=2),
        decision_id=DECISION,
        mix=mix,
        wished_by=wished_by,
        reason=reason,
        adviser_view=None,
        user_view=None,
        corrects=None,
    )


@pytest.mark.parametrize(
    ("disclosure", "viewed", "seen"),
    [
        ("SHOWN", False, True),
        ("AFTER_OWN_VIEW", True, True),
        ("AFTER_OWN_VIEW", False, False),
        ("CONTROL", False, False),
        ("SOMETHING_NEW", False, False),
    ],
)
def test_every_choice_is_accepted_or_refused_as_documented(
    disclosure: str, viewed: bool, seen: bool
) -> None:
    advised = "BLENDED_VIDEO"
    for lightest in MIXES[: MIXES.index(advised) + 1]:
        history = a_history(advised, lightest, disclosure, viewed=viewed)
        for mix, wished_by, reason in product(MIXES, WishedBy, ChoiceReason):
            below = MIXES.index(mix) < MIXES.index(lightest)
            less = MIXES.index(mix) < MIXES.index(advised)
            users = wished_by in ("USER", "BOTH") and reason in rules.USERS_REASONS
            direction = "LESS" if less else "SAME" if mix == advised else "MORE"
            true = (reason, wished_by) not in NEVER and not (
                seen and (reason, direction) in CONTRADICTIONS
            )
            fine = users if below else true and (not less or not seen or reason != "")
            try:
                found = rules.choice(history, a_choice(mix, wished_by, reason))
            except InvalidRequest:
                assert not fine, (lightest, mix, wished_by, reason)
            else:
                assert fine, (lightest, mix, wished_by, reason)
                assert found.direction == (
                    Direction.LESS if less else Direction.SAME if mix == advised else Direction.MORE
                )


def refusal(history: History, mix: str, wished_by: WishedBy, reason: ChoiceReason) -> str:
    with pytest.raises(rules.ChoiceRefused) as refused:
        rules.choice(history, a_choice(mix, wished_by, reason))
    assert refused.value.reason == "REASON_CONTRADICTS"
    (problem,) = refused.value.problems
    assert problem.field == "reason"
    return problem.description


def test_what_contradicts_is_named_on_both_sides() -> None:
    history = a_history("BLENDED_VIDEO", MIXES[0], "SHOWN")
    user, agency = WishedBy.USER, WishedBy.AGENCY
    assert refusal(history, MIXES[0], user, ChoiceReason.USER_WISHES_MORE) == (
        "USER_WISHES_MORE contradicts SELF_SERVICE, less personal contact than BLENDED_VIDEO, "
        "which was advised"
    )
    assert refusal(history, MIXES[-1], user, ChoiceReason.USER_WISHES_LESS) == (
        "USER_WISHES_LESS contradicts INTENSIVE_PERSONAL, more personal contact than "
        "BLENDED_VIDEO, which was advised"
    )
    assert refusal(history, MIXES[0], agency, ChoiceReason.USER_WISHES_LESS) == (
        "USER_WISHES_LESS contradicts wished_by AGENCY: with that reason it is USER or BOTH"
    )


def test_another_mix_of_as_many_minutes_goes_with_any_reason_for_or_against_the_advice() -> None:
    history = a_history("BLENDED_VIDEO", MIXES[0], "SHOWN")
    even = replace(history.recommended, minutes=tuple([100.0] * len(MIXES)))
    history = replace(history, recommended=even)
    asked = a_choice(MIXES[0], WishedBy.ADVISER, ChoiceReason.ADVICE_MISJUDGES_CASE)
    assert rules.choice(history, asked).direction == Direction.SAME


def test_every_reason_is_in_the_table() -> None:
    assert set(FITS) == set(ChoiceReason)
